"""From raw samples of both arms to the counts of one tick, for each shape of metric.

Wraps `analysis.pairing` and `analysis.buckets` with what a metric's queries mean: errors are a part
of the requests, so no error series beside living requests is a zero that was seen; a histogram's
buckets become counts of slow requests. It must not know providers, clocks or steps. Called by
`runtime.folding`.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from analysis.buckets import BucketState, pair_buckets
from analysis.counters import CounterPolicy, CounterState, Sample
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.ticks import Counts, Interval, NoData
from controller.metrics import selector
from controller.metrics.port import Arm, Role, Series
from controller.metrics.thresholds import SLO_FACTORS

Samples = Mapping[str, Sequence[Sample]]
Times = Mapping[str, Sequence[float]]
"""For each target of an arm, when it answered, in order."""

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

    roles: ClassVar[tuple[Role, Role]] = ("events", "exposures")
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
    return ArmSamples(
        _known(arm.events, events, arm.answered, end_s),
        _known(arm.exposures, exposures, arm.answered, end_s),
    )


def _known(
    samples: Samples | NoData, group: CounterState, answered: Times, end_s: float
) -> Samples | NoData:
    return samples if isinstance(samples, NoData) else carried(group, samples, answered, end_s)


@dataclass(frozen=True, slots=True)
class BucketCounter:
    """Counts of a latency histogram: requests slower than each edge, among all requests.

    Buckets stand for the edges slo/4 ... 4 slo: the first bound at or above each, else the largest.
    """

    roles: ClassVar[tuple[Role, Role]] = ("histogram", "histogram")
    part: ClassVar[bool] = False
    slo_s: float
    state: BucketState | None = None

    def fold(
        self, arms: Mapping[Arm, ArmTick], interval: Interval, policy: CounterPolicy
    ) -> tuple[BucketCounter, Counts | NoData]:
        """One tick; `events` of each arm holds its bucket series."""
        canary, stable = arms["canary"], arms["stable"]
        for arm in (canary, stable):
            if isinstance(arm.events, NoData):
                return replace(self, state=None), arm.events
        state = self.state
        if state is None:
            base = Interval(interval.start_s - policy.stale_s, interval.start_s)
            state, _ = self._pair(BucketState(), canary, stable, base, policy)
        after, counts = self._pair(state, canary, stable, interval, policy)
        return replace(self, state=after), counts

    def _pair(
        self,
        state: BucketState,
        canary: ArmTick,
        stable: ArmTick,
        interval: Interval,
        policy: CounterPolicy,
    ) -> tuple[BucketState, Counts | NoData]:
        return pair_buckets(
            state,
            _known(canary.events, state.canary, canary.answered, interval.end_s),
            _known(stable.events, state.baseline, stable.answered, interval.end_s),
            interval,
            policy,
            edges_s(self.slo_s),
        )


def edges_s(slo_s: float) -> tuple[float, ...]:
    """The edges that a histogram with this objective is judged at, in seconds."""
    return tuple(slo_s * factor for factor in SLO_FACTORS)
