"""The raw samples of one run that are still needed, by metric, role and arm.

Knows what was read last and when each target answered; it must not know ticks, counts or
evidence. Called by `runtime.folding`.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.counters import Sample
from analysis.ticks import NoData as MissingTick
from controller.metrics.counting import ArmTick, series_key, target_of
from controller.metrics.port import Arm, NoData, Reading, Role, Series, Wanted

Slot = tuple[str, Role, Arm]
SHORTEST_LEARNT = 3
"""Samples of a series in one window from which its scrape interval is learnt."""


def slot_of(wanted: Wanted) -> Slot:
    """Where the answer to a question belongs."""
    return (wanted.metric, wanted.role, wanted.arm)


@dataclass(frozen=True, slots=True)
class _Absent:
    reason: str
    empty: bool


class SampleBuffer:
    """Samples by slot and series; only this run's folding writes to it."""

    def __init__(self) -> None:
        self._samples: dict[Slot, dict[str, dict[float, float]]] = {}
        self._absent: dict[Slot, _Absent] = {}
        self.spacing_s: float | None = None
        """Scrape interval of the slowest series, as far as windows have shown it."""

    def add(self, answers: Mapping[Wanted, Reading], since_s: float) -> None:
        """Keep what was read; samples before `since_s` belong to another weight and are not."""
        for wanted, reading in answers.items():
            slot = slot_of(wanted)
            if isinstance(reading, NoData):
                self._absent[slot] = _Absent(reading.reason, reading.empty)
                continue
            self._absent.pop(slot, None)
            kept = self._samples.setdefault(slot, {})
            for series in reading.series:
                fresh = kept.setdefault(series_key(series), {})
                for at_s, value in series.samples:
                    if at_s >= since_s:
                        fresh.setdefault(at_s, value)
            self._learn(reading.series)

    def _learn(self, series: Iterable[Series]) -> None:
        gaps = [
            statistics.median(
                b[0] - a[0] for a, b in zip(one.samples, one.samples[1:], strict=False)
            )
            for one in series
            if len(one.samples) >= SHORTEST_LEARNT
        ]
        if gaps:
            self.spacing_s = max(gaps)

    def forget_before(self, at_s: float) -> None:
        """Let go of samples that no tick can need any more."""
        for kept in self._samples.values():
            for key in list(kept):
                kept[key] = {t: v for t, v in kept[key].items() if t >= at_s}
                if not kept[key]:
                    del kept[key]

    def arm(self, metric: str, roles: tuple[Role, Role], arm: Arm, *, part: bool) -> ArmTick:
        """What is known of one metric in one arm. part: no events beside exposures is a zero."""
        events, exposures = ((metric, role, arm) for role in roles)
        absent = self._absent.get(events)
        zero = absent is not None and absent.empty and part
        return ArmTick({} if zero else self._of(events), self._of(exposures), self._answered(arm))

    def _of(self, slot: Slot) -> dict[str, list[Sample]] | MissingTick:
        absent = self._absent.get(slot)
        if absent is not None:
            return MissingTick(absent.reason)
        kept = self._samples.get(slot)
        if kept is None:
            return MissingTick("it has not been read yet")
        return {key: [Sample(t, v) for t, v in values.items()] for key, values in kept.items()}

    def troubles(self) -> dict[str, str]:
        """Metrics of which a question met trouble, not merely emptiness, with the first reason."""
        found: dict[str, str] = {}
        for (metric, _, _), absent in self._absent.items():
            if not absent.empty:
                found.setdefault(metric, absent.reason)
        return found

    def _answered(self, arm: Arm) -> dict[str, list[float]]:
        times: dict[str, set[float]] = {}
        for (_, _, one), kept in self._samples.items():
            for key, values in kept.items() if one == arm else ():
                times.setdefault(target_of(key), set()).update(values)
        return {target: sorted(seen) for target, seen in times.items()}
