"""Raw samples of counters become increments per tick, series by series, before any sum.

A counter only rises, and falls to zero when its process restarts. Summing series first and taking
differences after would turn a restart of one pod into a loss of the whole arm. So each series
keeps its last sample, and a tick's increment is what was added between the last sample at or
before the tick's start and the last one at or before its end; increments of successive ticks
telescope, so nothing is counted twice or lost between ticks.

It knows samples and intervals; not queries, providers, arms or metrics. Called by pairing, and by
buckets for histograms. The rules, each of which a test names:

* a fall is a restart: the new value is the increment;
* samples at or before the last one used are ignored (duplicates, late arrivals), and a second
  sample at the same time does not replace the first;
* NaN ends a series (Prometheus' staleness marker); infinite or negative values make the tick
  NoData, and the series goes on from its last good sample;
* a series that appears while the others were being watched was born since: its first value is its
  increment, for a new label value's first event would be lost otherwise; on the very first
  observation, and after a gap, first values are only a base;
* a series without a sample for ``stale_s`` makes the tick NoData until it ends or comes back, for
  one silent pod in ten would look like a tenth fewer orders; after ``forget_s`` it has ended;
* after a gap the increment that spans it is dropped, not given to the tick that ends it: a gap
  stays a gap, and pairing makes it one for both arms;
* ``interpolate``: series that are scraped at moments of their own are read off at the very edges of
  the tick, on straight lines between neighbouring samples, so that all of them speak of the same
  seconds; a tick then needs a sample of each at or after its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analysis.ticks import Interval, NoData


@dataclass(frozen=True, slots=True)
class Sample:
    """One scraped value of one series; at_s on the clock of the ticks. NaN: the series ended."""

    at_s: float
    value: float


Samples = Mapping[str, Iterable[Sample]]
"""Samples by series; the key is any text that identifies the series (its labels)."""


@dataclass(frozen=True, slots=True)
class CounterPolicy:
    """How old a last sample may be. stale_s: about 2.5 scrape intervals; forget_s: then ended.
    interpolate: whether counters are read off at the edges of ticks, between their samples."""

    stale_s: float = 25.0
    forget_s: float = 300.0
    interpolate: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.stale_s <= self.forget_s:
            raise ValueError(f"need 0 < stale_s <= forget_s; came {self.stale_s}, {self.forget_s}")


@dataclass(frozen=True, slots=True)
class CounterState:
    """The last sample of each living series. watched: the last tick saw the whole group, so a
    series that appears now is new, not merely unknown. window_end_s: end of the last tick."""

    last: Mapping[str, Sample] = field(default_factory=dict)
    watched: bool = False
    window_end_s: float | None = None

    def to_json(self) -> dict[str, object]:
        """JSON values; read them with ``from_json``."""
        last = {key: [s.at_s, s.value] for key, s in self.last.items()}
        return {"v": 1, "last": last, "watched": self.watched, "end": self.window_end_s}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> CounterState:
        """The state that ``to_json`` wrote; ValueError for another version."""
        if document.get("v") != 1:
            raise ValueError(f"counter state must be of version 1; came {document.get('v')!r}")
        last, end = document.get("last"), document.get("end")
        if not isinstance(last, Mapping) or "watched" not in document:
            raise ValueError(f"counter state must have last and watched; came {sorted(document)}")
        return cls(
            {key: Sample(float(at), float(value)) for key, (at, value) in last.items()},
            bool(document["watched"]),
            float(end) if isinstance(end, int | float) else None,
        )


Increments = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Walk:
    """What one series did in a tick: its increment, its last sample, whether it lives."""

    added: float
    last: Sample | None
    bad: float | None = None
    spans_gap: bool = False


def fold_samples(
    state: CounterState, samples: Samples, interval: Interval, policy: CounterPolicy
) -> tuple[CounterState, Increments | NoData]:
    """The increment of each living series in ``interval``, or why there is none.

    samples: those since the last tick, in any order, may repeat old ones; later than the
    interval's end are left for the next tick (give them again). Idempotent by interval.

    >>> policy = CounterPolicy(stale_s=15)
    >>> state, first = fold_samples(CounterState(), {"a": [Sample(10, 5)]}, Interval(0, 10), policy)
    >>> first
    NoData(reason='first sight: there is no earlier sample to count from')
    >>> fold_samples(state, {"a": [Sample(20, 9), Sample(15, 7)]}, Interval(10, 20), policy)[1]
    {'a': 4.0}
    """
    if state.window_end_s is not None and interval.already_folded(state.window_end_s):
        return state, NoData("this interval was folded before")
    walks = {
        key: _walk(state.last.get(key), samples.get(key, ()), interval, policy)
        for key in sorted({*state.last, *samples})
    }
    last = {key: walk.last for key, walk in walks.items() if walk.last is not None}
    reason = _why_not(state, walks, last, interval, policy)
    contiguous = state.window_end_s is None or interval.continues(state.window_end_s)
    if reason is None and not (state.watched and contiguous):
        reason = (
            "first sight: there is no earlier sample to count from"
            if state.window_end_s is None
            else "after a gap: counting begins anew"
        )
    after = CounterState(last, _watched(walks, last, interval, policy), interval.end_s)
    if reason is not None:
        return after, NoData(reason)
    return after, {key: walk.added for key, walk in walks.items() if walk.last or walk.added}


def value_at(samples: Iterable[Sample], at_s: float, most_s: float = math.inf) -> Sample | None:
    """The counter at a moment, on the straight line between the samples before and after it.

    None where a side is missing, or where they are more than ``most_s`` apart. A restart between
    them is taken to have come right after the first, so what the second shows grew from zero, and
    the increments on both sides of any moment add up to exactly what the two samples say.

    >>> value_at([Sample(10, 100), Sample(40, 160)], 20)
    Sample(at_s=20, value=120.0)
    >>> value_at([Sample(10, 100), Sample(40, 60)], 20)
    Sample(at_s=20, value=20.0)
    """
    good = [sample for sample in samples if 0.0 <= sample.value < math.inf]
    before = max((s for s in good if s.at_s <= at_s), key=lambda s: s.at_s, default=None)
    after = min((s for s in good if s.at_s >= at_s), key=lambda s: s.at_s, default=None)
    if before is None or after is None or after.at_s - before.at_s > most_s:
        return None
    if before.at_s == at_s:
        return before
    began = before.value if after.value >= before.value else 0.0
    grown = (after.value - began) * ((at_s - before.at_s) / (after.at_s - before.at_s))
    return Sample(at_s, min(began + grown, after.value))  # rounding must not look like a fall


def total(increments: Increments | NoData) -> float | NoData:
    """The sum of the increments of a group of series."""
    return increments if isinstance(increments, NoData) else math.fsum(increments.values())


def increase(samples: Iterable[Sample]) -> float:
    """What one series added between its first and its last sample, restarts counted as such.

    For a summary of a recording, not for ticks: gaps are spanned. Values that are no counts are
    passed over; 0 for fewer than two good ones.

    >>> increase([Sample(0, 5), Sample(10, 9), Sample(20, 2)])
    6.0
    """
    good = [s for s in samples if 0.0 <= s.value < math.inf and math.isfinite(s.at_s)]
    if len(good) < 2:
        return 0.0
    ordered = sorted(good, key=lambda s: s.at_s)
    whole = Interval(ordered[0].at_s - 1.0, ordered[-1].at_s)
    patient = CounterPolicy(stale_s=math.inf, forget_s=math.inf)
    return _walk(ordered[0], ordered[1:], whole, patient).added


def _walk(
    base: Sample | None, samples: Iterable[Sample], interval: Interval, policy: CounterPolicy
) -> _Walk:
    """Follow one series through the tick, from its last sample."""
    if policy.interpolate:
        base, samples = _at_edges(base, tuple(samples), interval, policy.stale_s)
    added, bad = 0.0, None
    spans_gap = base is not None and interval.start_s - base.at_s > _most_age_s(policy)
    last = base
    for sample in sorted(samples, key=lambda s: s.at_s):
        if sample.at_s > interval.end_s or (last is not None and sample.at_s <= last.at_s):
            continue
        if math.isnan(sample.value):
            return _Walk(added, None, bad, spans_gap)
        if not 0.0 <= sample.value < math.inf:
            bad = sample.value
            continue
        if last is None or sample.value < last.value:
            added += sample.value
        else:
            added += sample.value - last.value
        last = sample
    if last is not None and interval.end_s - last.at_s > policy.forget_s:
        last = None
    return _Walk(added, last, bad, spans_gap and last is not base)


def _at_edges(
    base: Sample | None, samples: tuple[Sample, ...], interval: Interval, most_s: float
) -> tuple[Sample | None, tuple[Sample, ...]]:
    """The base as it stood at the tick's start, and the samples with one at its very end."""
    if base is not None:
        base = value_at((base, *samples), interval.start_s, most_s) or base
    known = samples if base is None else (base, *samples)
    end = value_at(known, interval.end_s, most_s)
    return base, samples if end is None else (*samples, end)


def _most_age_s(policy: CounterPolicy) -> float:
    """How far from an edge of the tick the last sample before it may lie."""
    return 0.0 if policy.interpolate else policy.stale_s


def _why_not(
    state: CounterState,
    walks: Mapping[str, _Walk],
    last: Mapping[str, Sample],
    interval: Interval,
    policy: CounterPolicy,
) -> str | None:
    """Why this tick's increments cannot be used; None if they can."""
    for key, walk in walks.items():
        if walk.bad is not None:
            return f"series {key} has the value {walk.bad}, counters are finite and >= 0"
    if not last:
        return "no series" if not state.last else "all series have ended"
    for key, sample in last.items():
        if interval.end_s - sample.at_s > _most_age_s(policy):
            age = interval.end_s - sample.at_s
            return f"series {key} has had no sample for {age:.0f} s"
    for key, walk in walks.items():
        if walk.spans_gap:
            return f"series {key} is back after a gap: its increment spans other ticks"
    return None


def _watched(
    walks: Mapping[str, _Walk],
    last: Mapping[str, Sample],
    interval: Interval,
    policy: CounterPolicy,
) -> bool:
    """Whether every living series was seen recently and well at the end of this tick."""
    most_s = _most_age_s(policy)
    recent = all(interval.end_s - sample.at_s <= most_s for sample in last.values())
    return bool(last) and recent and all(walk.bad is None for walk in walks.values())
