"""The raw samples of one run that are still needed, by metric, role and arm.

Knows what was read last, when each target answered each question, and how often it is scraped; it
must not know ticks, counts or evidence. Called by `runtime.folding`.
"""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from analysis.counters import Sample
from analysis.ticks import Interval
from analysis.ticks import NoData as MissingTick
from controller.metrics.counting import series_key
from controller.metrics.port import Arm, NoData, Reading, Role, Samples, Series, Wanted
from controller.metrics.presence import target_of
from controller.metrics.targets import RoleTick, Times

Slot = tuple[str, Role, Arm]
SHORTEST_LEARNT = 3
"""Samples of a series in one window from which its scrape interval is learnt."""


def slot_of(wanted: Wanted) -> Slot:
    """Where the answer to a question belongs."""
    return (wanted.metric, wanted.role, wanted.arm)


@dataclass(slots=True)
class _Slot:
    """What is known of one question. query: its words. trouble: why the last look had no answer;
    empty: it was one, that there is no such series. silent: pods that it lacks, and why.
    spacing_s: scrape interval of its slowest series."""

    series: dict[str, list[Sample]] = field(default_factory=dict)
    answered: dict[str, list[float]] = field(default_factory=dict)
    query: str = ""
    trouble: str = ""
    empty: bool = False
    silent: dict[str, str] = field(default_factory=dict)
    spacing_s: float | None = None

    def add(self, reading: Reading, since_s: float) -> None:
        if isinstance(reading, NoData):
            self.trouble, self.empty = reading.reason, reading.empty
            return
        self.trouble, self.empty, self.silent = "", False, dict(reading.silent)
        for series in reading.series:
            known = self.series.setdefault(series_key(series), [])
            newest_s = known[-1].at_s if known else -math.inf
            for at_s, value in series.samples:
                if at_s > newest_s and at_s >= since_s:
                    known.append(Sample(at_s, value))
                    newest_s = at_s
                elif at_s >= since_s:
                    _add_late(known, Sample(at_s, value))
        gaps = [_spacing_s(one) for one in reading.series if len(one.samples) >= SHORTEST_LEARNT]
        self.spacing_s = max(gaps) if gaps else self.spacing_s

    def answer(self, times: Mapping[str, Iterable[float]]) -> None:
        """Targets answered this question at these times."""
        for target, some in times.items():
            if some := set(some):
                self.answered[target] = sorted({*self.answered.get(target, ()), *some})

    def forget_before(self, at_s: float) -> None:
        for key, samples in list(self.series.items()):
            del samples[: bisect.bisect_left(samples, at_s, key=_time)]
            if not samples:
                del self.series[key]
        for target, times in list(self.answered.items()):
            del times[: bisect.bisect_left(times, at_s)]
            if not times:
                del self.answered[target]

    def around(self, interval: Interval) -> dict[str, list[Sample]]:
        """Of each series: from the last sample at or before the start to the first one at or after
        the end."""
        found: dict[str, list[Sample]] = {}
        for key, samples in self.series.items():
            first = bisect.bisect_right(samples, interval.start_s, key=_time) - 1
            beyond = bisect.bisect_left(samples, interval.end_s, key=_time) + 1
            found[key] = samples[max(first, 0) : beyond]
        return found


class SampleBuffer:
    """Samples by slot and series; only this run's folding writes to it."""

    def __init__(self) -> None:
        self._slots: dict[Slot, _Slot] = {}

    def begin(self) -> None:
        """A new segment: no samples, but what is known of the targets' pace."""
        self._slots = {slot: _Slot(spacing_s=one.spacing_s) for slot, one in self._slots.items()}

    def add(self, answers: Mapping[Wanted, Reading], since_s: float, *, paged: bool) -> None:
        """Keep what one look at one source read; samples before `since_s` belong to another weight
        and are not. paged: all that is read of a pod is one page."""
        together: dict[tuple[Arm, str], set[float]] = defaultdict(set)
        if paged:
            for arm, target, at_s in _pages_read(answers):
                together[arm, target].update([at_s] if at_s >= since_s else ())
        alone: dict[Slot, dict[str, set[float]]] = {}
        for wanted, reading in answers.items():
            slot = slot_of(wanted)
            one = self._slots.setdefault(slot, _Slot())
            one.query = wanted.expression
            one.add(reading, since_s)
            if isinstance(reading, NoData) and not reading.empty:
                continue
            times = alone.setdefault(slot, defaultdict(set))
            for series in () if isinstance(reading, NoData) else reading.series:
                target = target_of(series_key(series))
                mine = together[wanted.arm, target] if _one_page(target, paged) else times[target]
                mine.update(at_s for at_s, _ in series.samples if at_s >= since_s)
        for slot, times in alone.items():
            shared = {target: seen for (arm, target), seen in together.items() if arm == slot[2]}
            self._slots[slot].answer(times | shared)

    def role(self, slot: Slot, interval: Interval, *, zero: bool) -> RoleTick:
        """What is known of one question. zero: an answer without a series is a zero."""
        one = self._slots.get(slot)
        if one is None:
            return RoleTick(MissingTick("it has not been read yet"))
        if one.trouble and not (zero and one.empty):
            return RoleTick(MissingTick(one.trouble), one.answered)
        return RoleTick({} if one.trouble else one.around(interval), one.answered, one.silent)

    def query(self, slot: Slot) -> str:
        """The words of a question, as it was last asked."""
        return self._slots[slot].query if slot in self._slots else ""

    def spacing_s(self, metric: str, otherwise_s: float) -> float:
        """Scrape interval of a metric's slowest series, as far as windows have shown it."""
        known = [one.spacing_s or otherwise_s for one in self._of(metric)]
        return max(known, default=otherwise_s)

    def knows_spacing(self, metric: str) -> bool:
        """Whether windows have shown it for every question about a metric that has an answer."""
        known = [one.spacing_s is not None or one.empty for one in self._of(metric)]
        return bool(known) and all(known)

    def answered(self, metric: str) -> Iterator[tuple[Arm, Times]]:
        """When the targets of each question about a metric answered, if the last look was well."""
        for (name, _, arm), one in self._slots.items():
            if name == metric and not (one.trouble and not one.empty):
                yield arm, one.answered

    def troubles(self) -> dict[str, str]:
        """Metrics of which a question met trouble, not merely emptiness, with the first reason."""
        found: dict[str, str] = {}
        for (metric, _, _), one in self._slots.items():
            if one.trouble and not one.empty:
                found.setdefault(metric, one.trouble)
        return found

    def forget_before(self, at_s: float) -> None:
        """Let go of samples that no tick can need any more."""
        for one in self._slots.values():
            one.forget_before(at_s)

    def _of(self, metric: str) -> Iterator[_Slot]:
        return (one for (name, _, _), one in self._slots.items() if name == metric)


def _time(sample: Sample) -> float:
    return sample.at_s


def _add_late(known: list[Sample], sample: Sample) -> None:
    """The first value that was seen of a moment stays."""
    at = bisect.bisect_left(known, sample.at_s, key=_time)
    if known[at].at_s != sample.at_s:
        known.insert(at, sample)


def _spacing_s(series: Series) -> float:
    times = (at_s for at_s, _ in series.samples)
    return statistics.median(b - a for a, b in itertools.pairwise(times))


def _pages_read(answers: Mapping[Wanted, Reading]) -> Iterator[tuple[Arm, str, float]]:
    """The targets whose page was read, and when: also one that shows no series of anything yet."""
    read = [(wanted, one) for wanted, one in answers.items() if isinstance(one, Samples)]
    moments = [series.samples[-1][0] for _, one in read for series in one.series]
    if not moments:
        return
    silent = {(wanted.arm, pod) for wanted, one in read for pod, _ in one.silent}
    for arm, pod in {(wanted.arm, pod.name) for wanted, _ in read for pod in wanted.pods} - silent:
        yield arm, f"pod={pod}", max(moments)


def _one_page(target: str, paged: bool) -> bool:
    """Whether all series of this target are read at one moment: those of one scraped address."""
    return paged or "instance=" in target
