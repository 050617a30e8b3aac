"""Recorded raw samples of two arms, and how they are dealt out tick by tick or split anew.

A recording is what a back-test replays: counter samples of canary and baseline by series, and when
each step of the ladder began. It knows no spec, no verdict, no source; parsing takes JSON values.
Called by backtest, and by the command line that reads files and servers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from analysis.counters import Sample

Series = Mapping[str, tuple[Sample, ...]]
"""Samples by series; the key begins with the pod's name, then "/" and what else tells it apart."""
ARMS = ("canary", "baseline")


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """Counter samples of one metric: events and exposures of canary and baseline."""

    canary_events: Series
    canary_exposures: Series
    baseline_events: Series
    baseline_exposures: Series

    @property
    def groups(self) -> tuple[Series, ...]:
        """All series, the canary's first."""
        return (
            self.canary_events,
            self.canary_exposures,
            self.baseline_events,
            self.baseline_exposures,
        )

    def split(self, canaries: Collection[str]) -> MetricRecord:
        """The stable pods alone, with ``canaries`` of them as the canary."""
        events, exposures = self.baseline_events, self.baseline_exposures
        return MetricRecord(
            part(events, canaries, inside=True),
            part(exposures, canaries, inside=True),
            part(events, canaries, inside=False),
            part(exposures, canaries, inside=False),
        )


@dataclass(frozen=True, slots=True)
class HistogramRecord:
    """Bucket samples of one latency histogram; each key names its bound, as in ``pod/le=0.3``."""

    canary: Series
    baseline: Series

    @property
    def groups(self) -> tuple[Series, ...]:
        """All series, the canary's first."""
        return self.canary, self.baseline

    def split(self, canaries: Collection[str]) -> HistogramRecord:
        """The stable pods alone, with ``canaries`` of them as the canary."""
        return HistogramRecord(
            part(self.baseline, canaries, inside=True), part(self.baseline, canaries, inside=False)
        )


Record = MetricRecord | HistogramRecord


@dataclass(frozen=True, slots=True)
class Recording:
    """All metrics between two times; steps: (seconds, step) at which a ladder step began."""

    start_s: float
    end_s: float
    metrics: Mapping[str, Record]
    steps: tuple[tuple[float, int], ...] = ((0.0, 0),)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise ValueError(
                f"a recording must have finite ends; came {self.start_s}, {self.end_s}"
            )
        if not self.end_s > self.start_s:
            raise ValueError(
                f"a recording must end after it starts; came {self.start_s}, {self.end_s}"
            )
        if not self.steps or not all(a[0] < b[0] for a, b in pairwise(self.steps)):
            raise ValueError(f"steps must be in order of time; came {self.steps}")
        if not all(step >= 0 for _, step in self.steps):
            raise ValueError(f"steps must be indexes >= 0; came {self.steps}")

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Recording:
        """A recording from JSON values; ValueError with what is wrong.

        {"start_s", "end_s", "steps": [[seconds, step]], "metrics": {name: {"canary" | "baseline":
        {"events" | "exposures": {"pod/labels": [[seconds, value], ...]}}}}}; a histogram has
        {"buckets": {"pod/le=0.3": ...}} in place of events and exposures.

        >>> Recording.parse({"start_s": 0, "end_s": 60, "metrics": {"orders": {"canary": {}}}})
        Traceback (most recent call last):
        ValueError: metric orders of the recording has no baseline with its parts
        """
        start_s, end_s = (_number(document, key) for key in ("start_s", "end_s"))
        stored = document.get("metrics")
        if not isinstance(stored, Mapping) or not stored:
            raise ValueError(f"the recording has no metrics by name; came {stored!r}")
        metrics = {name: _record(name, arms) for name, arms in stored.items()}
        return cls(start_s, end_s, metrics, _steps(document.get("steps", [[start_s, 0]])))

    def step_at(self, time_s: float) -> tuple[int, float]:
        """The step in force and when it began, not before the recording."""
        began = [(at, step) for at, step in self.steps if at <= time_s] or [self.steps[0]]
        return began[-1][1], max(began[-1][0], self.start_s)

    def stable_pods(self) -> list[str]:
        """Names of the pods of the baseline, sorted.

        >>> record = MetricRecord({}, {}, {"b/x": ()}, {"a/x": (), "b/y": ()})
        >>> Recording(0, 1, {"orders": record}).stable_pods()
        ['a', 'b']
        """
        keys = (
            key
            for record in self.metrics.values()
            for series in record.groups[len(record.groups) // 2 :]
            for key in series
        )
        return sorted({pod_of(key) for key in keys})

    def split(self, canaries: Collection[str]) -> Recording:
        """The recording as if only the stable pods had run, ``canaries`` of them as the canary."""
        return replace(
            self,
            metrics={name: record.split(canaries) for name, record in self.metrics.items()},
            steps=((self.start_s, 0),),
        )


def pod_of(key: str) -> str:
    """The pod of a series: what stands before the first "/"."""
    return key.split("/", 1)[0]


def part(series: Series, pods: Collection[str], *, inside: bool) -> Series:
    """The series of ``pods``, or of all others."""
    return {key: one for key, one in series.items() if (pod_of(key) in pods) == inside}


class Feed:
    """Hands out the samples of each series once, in order of time.

    A series that stops ``ends_after_s`` or more before the recording does, and never comes back,
    has ended: it gets the staleness marker that range queries leave out. One that comes back had
    a gap, and stays a gap.
    """

    def __init__(self, record: Record, recording_end_s: float, ends_after_s: float) -> None:
        latest = recording_end_s - ends_after_s
        self.groups = [
            {key: _ended(samples, latest) for key, samples in series.items()}
            for series in record.groups
        ]
        self.places: list[dict[str, int]] = [{} for _ in self.groups]

    def until(self, end_s: float) -> Iterator[dict[str, tuple[Sample, ...]]]:
        """For each group of the record, its samples up to ``end_s`` since the last call."""
        for group, places in zip(self.groups, self.places, strict=True):
            found = {}
            for key, samples in group.items():
                first = last = places.get(key, 0)
                while last < len(samples) and samples[last].at_s <= end_s:
                    last += 1
                places[key] = last
                if last > first:
                    found[key] = samples[first:last]
            yield found


def _ended(samples: tuple[Sample, ...], latest: float) -> tuple[Sample, ...]:
    if not samples or samples[-1].at_s > latest:
        return samples
    return (*samples, Sample(math.nextafter(samples[-1].at_s, math.inf), math.nan))


def _number(document: Mapping[str, Any], key: str) -> float:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the recording must have {key} in seconds; came {value!r}")
    return float(value)


def _steps(stored: Any) -> tuple[tuple[float, int], ...]:
    try:
        return tuple((float(at), int(step)) for at, step in stored)
    except (TypeError, ValueError) as error:
        raise ValueError(f"steps must be [seconds, step] each; came {stored!r}") from error


def _record(name: str, arms: Any) -> Record:
    for arm in ARMS:
        if not isinstance(arms, Mapping) or not isinstance(arms.get(arm), Mapping):
            raise ValueError(f"metric {name} of the recording has no {arm} with its parts")
    slow = [arm for arm in ARMS if "buckets" in arms[arm]]
    if slow:
        return HistogramRecord(*(_series(name, arms[arm].get("buckets", {})) for arm in ARMS))
    parts = (arms[arm].get(what, {}) for arm in ARMS for what in ("events", "exposures"))
    return MetricRecord(*(_series(name, document) for document in parts))


def _series(name: str, document: Any) -> Series:
    try:
        return {
            key: tuple(Sample(float(at), float(value)) for at, value in sorted(samples))
            for key, samples in document.items()
        }
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"series of metric {name} must be lists of [seconds, value] by name: {error}"
        ) from error
