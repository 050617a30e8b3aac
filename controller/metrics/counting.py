"""From raw samples of both arms to the counts of one tick, for each shape of metric.

Wraps `analysis.counters` with what a metric's queries mean: errors are a part of the requests, so
no error series beside living requests is a zero that was seen; a histogram's buckets become counts
of slow requests. It must not know providers, clocks or steps. Called by `runtime.folding`.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.counters import CounterPolicy, CounterState, Sample, fold_samples
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.ticks import Counts, Interval, NoData
from controller.metrics import selector
from controller.metrics.judging import SLO_FACTORS
from controller.metrics.port import Arm, Series

Samples = Mapping[str, Sequence[Sample]]
Times = Mapping[str, Sequence[float]]
"""For each target of an arm, when it answered, in order."""

_LE = re.compile(r'[,{]le="([^"]*)"\}$')
_TARGET = re.compile(r'[,{](pod|instance|job)="([^"]*)"')


def series_key(series: Series) -> str:
    """A series as text, as in `name{pod="a",le="0.5"}`; `le` comes last."""
    ordered = sorted(series.labels, key=lambda label: (label[0] == "le", label))
    inside = ",".join(f'{name}="{value}"' for name, value in ordered)
    return f"{series.name}{{{inside}}}"


def target_of(key: str) -> str:
    """What is read in one go with this series: its pod and its instance."""
    return ",".join(f"{name}={value}" for name, value in _TARGET.findall(key))


def events_are_part(events: str, exposures: str) -> bool:
    """Whether one query selects a part of what the other selects, as errors of requests."""
    try:
        return selector.parse(events).narrows(selector.parse(exposures))
    except selector.SelectorError:
        return False


def carried(group: CounterState, samples: Samples, answered: Times, end_s: float) -> Samples:
    """`samples`, with the last value repeated of series that an answering target shows no more.

    A child that is gone after a container's restart adds nothing; should it come back, its value
    is compared with the old one, so it can never be counted twice. A target that does not answer
    repeats nothing: that is a gap.
    """
    added: dict[str, Sequence[Sample]] = dict(samples)
    for key, last in group.last.items():
        times = answered.get(target_of(key), ())
        newest = (
            times[bisect.bisect_right(times, end_s) - 1] if times and times[0] <= end_s else None
        )
        mine = [s for s in samples.get(key, ()) if last.at_s < s.at_s <= end_s]
        if newest is not None and newest > last.at_s and not mine:
            added[key] = [Sample(newest, last.value)]
    return added


@dataclass(frozen=True, slots=True)
class ArmTick:
    """What was read of one arm for one metric: samples by role, or why there are none."""

    events: Samples | NoData
    exposures: Samples | NoData
    answered: Times


@dataclass(frozen=True, slots=True)
class RatioCounter:
    """Counts of a metric with events and exposures. part: events are a part of the exposures."""

    part: bool = False
    pairs: PairState | None = None

    def fold(
        self, arms: Mapping[Arm, ArmTick], interval: Interval, policy: CounterPolicy
    ) -> tuple[RatioCounter, Counts | NoData]:
        """One tick. After a tick that could not be read, counting begins anew for both arms."""
        state = self.pairs
        if state is None:
            base = Interval(interval.start_s - policy.stale_s, interval.start_s)
            state, _ = self._pair(PairState(), arms, base, policy)
        after, counts = self._pair(state, arms, interval, policy)
        unread = any(isinstance(r, NoData) for a in arms.values() for r in (a.events, a.exposures))
        return replace(self, pairs=None if unread else after), counts

    def _pair(
        self,
        state: PairState,
        arms: Mapping[Arm, ArmTick],
        interval: Interval,
        policy: CounterPolicy,
    ) -> tuple[PairState, Counts | NoData]:
        groups = state.groups
        zero = self.part or any(a.events == {} for a in arms.values())
        return pair_samples(
            state,
            _arm(arms["canary"], groups[0], groups[1], interval.end_s),
            _arm(arms["stable"], groups[2], groups[3], interval.end_s),
            interval,
            policy,
            absent_events_are_zero=zero,
        )


def _arm(arm: ArmTick, events: CounterState, exposures: CounterState, end_s: float) -> ArmSamples:
    def known(samples: Samples | NoData, group: CounterState) -> Samples | NoData:
        if isinstance(samples, NoData):
            return samples
        return carried(group, samples, arm.answered, end_s)

    return ArmSamples(known(arm.events, events), known(arm.exposures, exposures))


@dataclass(frozen=True, slots=True)
class BucketCounter:
    """Counts of a latency histogram: requests slower than each edge, among all requests.

    Buckets stand for the edges slo/4 ... 4 slo: the first bound at or above each, else the largest.
    """

    slo_s: float
    groups: tuple[CounterState, CounterState] | None = None

    def fold(
        self, arms: Mapping[Arm, ArmTick], interval: Interval, policy: CounterPolicy
    ) -> tuple[BucketCounter, Counts | NoData]:
        """One tick; `events` of each arm holds its bucket series."""
        both = (arms["canary"], arms["stable"])
        for arm in both:
            if isinstance(arm.events, NoData):
                return replace(self, groups=None), arm.events
        groups = self.groups
        if groups is None:
            base = Interval(interval.start_s - policy.stale_s, interval.start_s)
            states = [_fold_buckets(CounterState(), arm, base, policy)[0] for arm in both]
            groups = (states[0], states[1])
        folded = [
            _fold_buckets(group, arm, interval, policy)
            for group, arm in zip(groups, both, strict=True)
        ]
        after = replace(self, groups=(folded[0][0], folded[1][0]))
        canary, stable = folded[0][1], folded[1][1]
        if isinstance(canary, NoData):
            return after, NoData(f"canary buckets: {canary.reason}")
        if isinstance(stable, NoData):
            return after, NoData(f"stable buckets: {stable.reason}")
        return after, exceedances(canary, stable, self.slo_s)


def _fold_buckets(
    group: CounterState, arm: ArmTick, interval: Interval, policy: CounterPolicy
) -> tuple[CounterState, dict[float, float] | NoData]:
    assert not isinstance(arm.events, NoData)
    known = carried(group, arm.events, arm.answered, interval.end_s)
    after, increments = fold_samples(group, known, interval, policy)
    if isinstance(increments, NoData):
        return after, increments
    by_bound: dict[float, float] = {}
    for key, added in increments.items():
        bound = _bound(key)
        if bound is None:
            return after, NoData(f"series {key} is no bucket: it has no label le with a number")
        by_bound[bound] = by_bound.get(bound, 0.0) + added
    return after, by_bound


def _bound(key: str) -> float | None:
    found = _LE.search(key)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def exceedances(
    canary: Mapping[float, float], stable: Mapping[float, float], slo_s: float
) -> Counts | NoData:
    """Requests slower than each edge, from increments of cumulative buckets by upper bound.

    Only bounds that both arms have are used. A count that falls with a rising bound (a torn read)
    is lifted to the one before.

    >>> found = exceedances({0.1: 8, 0.5: 9, math.inf: 10}, {0.1: 80, 0.5: 95, math.inf: 100}, 0.3)
    >>> found.canary_events.tolist(), found.baseline_events.tolist()
    ([2.0, 1.0, 1.0, 1.0, 1.0], [20.0, 5.0, 5.0, 5.0, 5.0])
    """
    bounds = sorted(set(canary) & set(stable))
    if not bounds or bounds[-1] != math.inf:
        return NoData('the arms share no bucket le="+Inf"')
    finite = bounds[:-1]
    if not finite:
        return NoData("the arms share no finite bucket")
    edges = [_edge(finite, slo_s * factor) for factor in SLO_FACTORS]
    slow_c, all_c = _slower(canary, bounds, edges)
    slow_s, all_s = _slower(stable, bounds, edges)
    return Counts(slow_c, [all_c] * len(edges), slow_s, [all_s] * len(edges), bounded=True)


def _edge(finite: Sequence[float], wanted_s: float) -> float:
    place = bisect.bisect_left(finite, wanted_s * (1 - 1e-9))
    return finite[min(place, len(finite) - 1)]


def _slower(
    added: Mapping[float, float], bounds: Sequence[float], edges: Sequence[float]
) -> tuple[list[float], float]:
    rising: dict[float, float] = {}
    most = 0.0
    for bound in bounds:
        most = max(most, added[bound])
        rising[bound] = most
    return [most - rising[edge] for edge in edges], most
