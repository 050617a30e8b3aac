"""What would have been decided, when and why? Recorded raw samples through the production code.

A recording holds counter samples of both arms; it is cut into ticks, paired and folded exactly as
the operator does it. The A/A mode splits the stable pods at random into two arms and counts false
alarms: the honest way to see whether pods, batches and gaps of a service fit the assumptions. No
clock, no I/O, no global randomness. Called by the command line and from notebooks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from analysis.counters import CounterPolicy, Sample
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.release import ReleaseSpec, ReleaseTick, update
from analysis.ticks import Counts, Interval, NoData
from analysis.verdict import Assessment, Reason, Verdict, assess

Series = Mapping[str, tuple[Sample, ...]]
"""Samples by series; the key begins with the pod's name, then "/" and what else tells it apart."""


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """Counter samples of one metric: events and exposures of canary and baseline."""

    canary_events: Series
    canary_exposures: Series
    baseline_events: Series
    baseline_exposures: Series


@dataclass(frozen=True, slots=True)
class Recording:
    """All metrics between two times; steps: (seconds, step) at which a ladder step began."""

    start_s: float
    end_s: float
    metrics: Mapping[str, MetricRecord]
    steps: tuple[tuple[float, int], ...] = ((0.0, 0),)

    def __post_init__(self) -> None:
        if not self.end_s > self.start_s:
            raise ValueError(
                f"a recording must end after it starts; came {self.start_s}, {self.end_s}"
            )
        if not self.steps or any(b[0] <= a[0] for a, b in pairwise(self.steps)):
            raise ValueError(f"steps must be in order of time; came {self.steps}")

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Recording:
        """A recording from JSON values; ValueError with what is wrong.

        {"start_s", "end_s", "steps": [[seconds, step]], "metrics": {name: {"canary" | "baseline":
        {"events" | "exposures": {"pod/labels": [[seconds, value], ...]}}}}}

        >>> Recording.parse({"start_s": 0, "end_s": 60, "metrics": {"orders": {"canary": {}}}})
        Traceback (most recent call last):
        ValueError: metric orders of the recording has no baseline
        """
        metrics = {}
        for name, arms in document.get("metrics", {}).items():
            groups = []
            for arm in ("canary", "baseline"):
                if arm not in arms:
                    raise ValueError(f"metric {name} of the recording has no {arm}")
                groups += [_series(arms[arm].get(part, {})) for part in ("events", "exposures")]
            metrics[name] = MetricRecord(*groups)
        if not metrics:
            raise ValueError("the recording has no metrics")
        steps = tuple((float(at), int(step)) for at, step in document.get("steps", [[0, 0]]))
        return cls(float(document["start_s"]), float(document["end_s"]), metrics, steps)

    def step_at(self, time_s: float) -> tuple[int, float]:
        """The step in force and when it began, not before the recording."""
        began = [(at, step) for at, step in self.steps if at <= time_s] or [self.steps[0]]
        return began[-1][1], max(began[-1][0], self.start_s)


class Moment(NamedTuple):
    """The assessment after the tick that ends at ``end_s``."""

    end_s: float
    step: int
    assessment: Assessment


def replay(
    spec: ReleaseSpec,
    recording: Recording,
    *,
    policy: CounterPolicy | None = None,
    zero_if_absent: Collection[str] = (),
) -> Iterator[Moment]:
    """Every look of the release, until it would have been rolled back.

    policy: see counters, by default 2.5 ticks for stale. zero_if_absent: metrics whose events
    are a labelled part of their exposures (errors among requests). A metric of the spec that the
    recording lacks has no data, and so holds.
    """
    chosen = policy or CounterPolicy(
        stale_s=2.5 * spec.tick_s, forget_s=max(300.0, 5 * spec.tick_s)
    )
    state = spec.start()
    pairs = {name: PairState() for name in recording.metrics}
    feeds = {name: _Feed(record) for name, record in recording.metrics.items()}
    time_s = recording.start_s
    while time_s + spec.tick_s <= recording.end_s + 1e-9:
        interval = Interval(time_s, time_s + spec.tick_s)
        step, began_s = recording.step_at(time_s)
        counts: dict[str, Counts | NoData] = {}
        for name, feed in feeds.items():
            canary, baseline = feed.until(interval.end_s)
            pairs[name], counts[name] = pair_samples(
                pairs[name],
                canary,
                baseline,
                interval,
                chosen,
                absent_events_are_zero=name in zero_if_absent,
            )
        share = spec.shares[step]
        state = update(spec, state, ReleaseTick(interval, step=step, share=share, counts=counts))
        found = assess(
            spec, state, step=step, step_elapsed_s=interval.end_s - began_s, intervals=False
        )
        yield Moment(interval.end_s, step, found)
        if found.verdict is Verdict.ROLLBACK:
            return
        time_s = interval.end_s


def turning_points(moments: Iterable[Moment]) -> list[Moment]:
    """The moments at which verdict, reason or step changed, and the last one."""
    kept: list[Moment] = []
    last: tuple[Verdict, Reason, int] | None = None
    moment: Moment | None = None
    for moment in moments:
        now = (moment.assessment.verdict, moment.assessment.reason, moment.step)
        if now != last:
            kept.append(moment)
        last = now
    if moment is not None and kept[-1] is not moment:
        kept.append(moment)
    return kept


class AAResult(NamedTuple):
    """splits played, how many were rolled back, and the largest ln E of each."""

    splits: int
    alarms: int
    highest_log_e: tuple[float, ...]


def aa_test(
    spec: ReleaseSpec,
    recording: Recording,
    rng: np.random.Generator,
    *,
    splits: int = 20,
    canaries: int = 1,
    zero_if_absent: Collection[str] = (),
) -> AAResult:
    """Split the stable pods at random, ``canaries`` of them as the canary; count false alarms.

    The share of a split follows from the pods; the ladder of the spec is not climbed. Splits of
    one recording are not independent: many alarms speak of pods, none is no proof.
    """
    if splits < 1:
        raise ValueError(f"splits must be >= 1; came {splits}")
    pods = stable_pods(recording)
    if not 1 <= canaries < len(pods):
        raise ValueError(
            f"canaries must lie in 1..{len(pods) - 1}, for {len(pods)} stable pods; came {canaries}"
        )
    one_step = replace(
        spec,
        shares=(canaries / len(pods),),
        metrics=tuple(
            replace(m, margins=m.margins[:1], excess_margins=m.excess_margins[:1])
            for m in spec.metrics
        ),
    )
    highest, alarms = [], 0
    for _ in range(splits):
        chosen = {pods[i] for i in rng.choice(len(pods), canaries, replace=False)}
        played = list(replay(one_step, _split(recording, chosen), zero_if_absent=zero_if_absent))
        alarms += played[-1].assessment.verdict is Verdict.ROLLBACK
        highest.append(max(moment.assessment.highest_log_e for moment in played))
    return AAResult(splits, alarms, tuple(highest))


def stable_pods(recording: Recording) -> Sequence[str]:
    """Names of the pods of the baseline, sorted.

    >>> record = MetricRecord({}, {}, {"b/x": ()}, {"a/x": (), "b/y": ()})
    >>> stable_pods(Recording(0, 1, {"orders": record}))
    ['a', 'b']
    """
    keys = [
        key
        for record in recording.metrics.values()
        for series in (record.baseline_events, record.baseline_exposures)
        for key in series
    ]
    return sorted({_pod(key) for key in keys})


def _split(recording: Recording, canaries: Collection[str]) -> Recording:
    def part(series: Series, *, canary: bool) -> Series:
        return {key: one for key, one in series.items() if (_pod(key) in canaries) == canary}

    metrics = {
        name: MetricRecord(
            part(record.baseline_events, canary=True),
            part(record.baseline_exposures, canary=True),
            part(record.baseline_events, canary=False),
            part(record.baseline_exposures, canary=False),
        )
        for name, record in recording.metrics.items()
    }
    return replace(recording, metrics=metrics, steps=((recording.start_s, 0),))


def _pod(key: str) -> str:
    return key.split("/", 1)[0]


def _series(document: Mapping[str, Any]) -> Series:
    return {
        key: tuple(Sample(float(at), float(value)) for at, value in sorted(samples))
        for key, samples in document.items()
    }


class _Feed:
    """Hands out the samples of each series once, in order of time."""

    def __init__(self, record: MetricRecord) -> None:
        self.groups = (
            record.canary_events,
            record.canary_exposures,
            record.baseline_events,
            record.baseline_exposures,
        )
        self.places: list[dict[str, int]] = [{} for _ in self.groups]

    def until(self, end_s: float) -> tuple[ArmSamples, ArmSamples]:
        taken = [self._taken(place, end_s) for place in range(4)]
        return ArmSamples(taken[0], taken[1]), ArmSamples(taken[2], taken[3])

    def _taken(self, group: int, end_s: float) -> dict[str, tuple[Sample, ...]]:
        found = {}
        for key, samples in self.groups[group].items():
            first = last = self.places[group].get(key, 0)
            while last < len(samples) and samples[last].at_s <= end_s:
                last += 1
            self.places[group][key] = last
            if last > first:
                found[key] = samples[first:last]
        return found
