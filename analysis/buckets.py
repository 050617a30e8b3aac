"""Raw samples of two arms' latency histograms become the exceedance counts of one tick.

Each bucket is a counter of its own, so restarts, gaps and lost scrapes are the business of
counters; here the increments of an arm's series are summed by bound and met with the other arm's.
It knows the label ``le`` in a series' key and nothing else of queries. Called by
`controller.metrics.counting` (a tick of production) and by the back-test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analysis.counters import CounterPolicy, CounterState, Samples, fold_samples
from analysis.exceedance import common_edges, exceedances
from analysis.ticks import Counts, Interval, NoData

_LE = re.compile(r'(?:^|[,{/])le="?([^",}]*)"?')


@dataclass(frozen=True, slots=True)
class BucketState:
    """The bucket series of both arms."""

    canary: CounterState = field(default_factory=CounterState)
    baseline: CounterState = field(default_factory=CounterState)


def bound_of(key: str) -> float | None:
    """Upper bound of the bucket that a series' key names with ``le``; None if it names none.

    >>> bound_of('x_bucket{pod="a",le="0.5"}'), bound_of("pod-a/job=x,le=+Inf"), bound_of("x{}")
    (0.5, inf, None)
    """
    found = _LE.findall(key)
    try:
        return float(found[-1]) if found else None
    except ValueError:
        return None


def fold_buckets(
    group: CounterState, samples: Samples, interval: Interval, policy: CounterPolicy
) -> tuple[CounterState, dict[float, float] | NoData]:
    """One arm's cumulative increments by bound, summed over its histograms.

    A series without a readable ``le``, or one that is NaN, is NoData that names it. A bound that
    one of the histograms lacks is left out: nobody knows how many of its requests were below.
    """
    after, increments = fold_samples(group, samples, interval, policy)
    if isinstance(increments, NoData):
        return after, increments
    histograms: dict[str, dict[float, float]] = {}
    for key, added in increments.items():
        bound = bound_of(key)
        if bound is None or bound != bound:
            return after, NoData(f"series {key} is no bucket: it has no label le with a number")
        histograms.setdefault(_LE.sub("", key), {})[bound] = added
    return after, _summed(histograms.values())


def _summed(histograms: Iterable[dict[float, float]]) -> dict[float, float]:
    """Their sums at the bounds that each has which counted anything; the rest add nothing."""
    counted = [one for one in histograms if any(one.values())] or list(histograms)
    shared = set(counted[0]).intersection(*counted) if counted else set()
    return {bound: sum(one[bound] for one in counted) for bound in shared}


def pair_buckets(
    state: BucketState,
    canary: Samples | NoData,
    baseline: Samples | NoData,
    interval: Interval,
    policy: CounterPolicy,
    wanted: Sequence[float],
    near: Sequence[int] = (),
) -> tuple[BucketState, Counts | NoData]:
    """Counts with a last axis of edges, or why there are none; what one arm lacks, both lack.

    wanted: edges in the histogram's unit. For each stands the first bound at or above it that
    both arms have, else the largest. near: those of which the bound may not be far, by place.

    >>> from analysis.counters import Sample
    >>> def arm(at_s, fast, all_):
    ...     return {"p/le=0.3": [Sample(at_s, fast)], "p/le=+Inf": [Sample(at_s, all_)]}
    >>> state, policy = BucketState(), CounterPolicy(stale_s=15)
    >>> one, two = Interval(0, 10), Interval(10, 20)
    >>> state, _ = pair_buckets(state, arm(10, 5, 6), arm(10, 50, 60), one, policy, (0.3,))
    >>> state, found = pair_buckets(state, arm(20, 8, 10), arm(20, 80, 100), two, policy, (0.3,))
    >>> found.canary_events.tolist(), found.baseline_exposures.tolist()
    ([1.0], [40.0])
    """
    ours, left = _fold(state.canary, "canary", canary, interval, policy)
    theirs, right = _fold(state.baseline, "baseline", baseline, interval, policy)
    return BucketState(ours, theirs), slower(left, right, wanted, near)


def slower(
    canary: dict[float, float] | NoData,
    baseline: dict[float, float] | NoData,
    wanted: Sequence[float],
    near: Sequence[int] = (),
) -> Counts | NoData:
    """Requests above the bounds that stand for ``wanted``, from both arms' increments."""
    for arm in (canary, baseline):
        if isinstance(arm, NoData):
            return arm
    assert not isinstance(canary, NoData)
    assert not isinstance(baseline, NoData)
    edges = common_edges(canary, baseline, wanted, near=near)
    return edges if isinstance(edges, NoData) else exceedances(canary, baseline, edges)


def _fold(
    group: CounterState,
    arm: str,
    samples: Samples | NoData,
    interval: Interval,
    policy: CounterPolicy,
) -> tuple[CounterState, dict[float, float] | NoData]:
    if isinstance(samples, NoData):
        after, _ = fold_samples(group, {}, interval, policy)
        return after, NoData(f"{arm} buckets: {samples.reason}")
    after, found = fold_buckets(group, samples, interval, policy)
    return after, NoData(f"{arm} buckets: {found.reason}") if isinstance(found, NoData) else found
