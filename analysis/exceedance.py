"""Is the canary slower somewhere? Exceedance counts at bucket edges, from histogram increments.

Prometheus gives bucket increments, so the test is of exceedances: for each of 4-8 edges, S =
increments above the edge and N = all increments, judged by ``counts`` in the Increase direction;
the edges' e-processes are averaged, which is valid under any dependence. This file turns classic
and native buckets into such counts and chooses the edges. It knows one tick's increments per
arm. Called by buckets (from raw samples); ``MetricSpec(edges=J)`` takes the result.

When not to use: an edge with more than half of the traffic above it is nearly blind (use
``bernoulli`` there); warm-up must be left out by pod age, never by looking at the latency.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.checks import number, numbers, whole
from analysis.ticks import Counts, FloatArray, NoData

MOST_EXCEEDED = 0.5
FARTHEST = 2.5
"""A bound stands for an edge that it must be near to if it is at most so many times more or less:
the largest step between neighbours of the usual buckets."""
FEWEST_EDGES, MOST_EDGES = 1, 8
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
Buckets = Mapping[float, float]
"""Cumulative increments by upper bound (``le``), with math.inf for all."""


def monotone(buckets: Buckets) -> dict[float, float]:
    """The buckets sorted, with non-monotone counts raised to the running maximum.

    Scrapes are not atomic, so a larger bound can have counted less.

    >>> monotone({0.1: 5.0, math.inf: 9.0, 0.5: 4.0})
    {0.1: 5.0, 0.5: 5.0, inf: 9.0}
    """
    good = (not math.isnan(le) and 0.0 <= v < math.inf for le, v in buckets.items())
    if not all(good):
        raise ValueError(f"buckets need bounds and finite increments >= 0; came {dict(buckets)}")
    bounds = sorted(buckets)
    running = np.maximum.accumulate([buckets[le] for le in bounds]) if bounds else ()
    return dict(zip(bounds, map(float, running), strict=True))


def common_edges(
    canary: Buckets, baseline: Buckets, wanted: Sequence[float], *, near: Sequence[int] = ()
) -> tuple[float, ...] | NoData:
    """For each wanted edge the first bound at or above it that both arms have, else the largest.

    So a histogram without the exact bound is judged at a slower one, in both arms alike. near: for
    these places in ``wanted`` the bound must lie within a factor of ``FARTHEST``, or nothing could
    be said of the edge: NoData with both numbers.

    >>> both = {0.1: 8.0, 0.5: 9.0, math.inf: 10.0}
    >>> common_edges(both, both, (0.05, 0.3, 2.0))
    (0.1, 0.5, 0.5)
    >>> common_edges(both, both, (0.05, 0.3, 2.0), near=(1,))
    (0.1, 0.5, 0.5)
    """
    for edge in wanted:
        number(edge, "a wanted edge", above=0.0)
    bounds = sorted(set(canary) & set(baseline))
    if not bounds or bounds[-1] != math.inf:
        return NoData('the arms share no bucket le="+Inf"')
    finite = bounds[:-1]
    if not finite:
        return NoData("the arms share no finite bucket")
    # a bound that is written a little below the wanted one, as 0.30000000000000004, is that one
    places = (bisect.bisect_left(finite, edge * (1.0 - 1e-9)) for edge in wanted)
    edges = tuple(finite[min(place, len(finite) - 1)] for place in places)
    for place in near:
        if not wanted[place] / FARTHEST <= edges[place] <= wanted[place] * FARTHEST:
            return NoData(
                f"no bucket's bound is near {wanted[place]:g}: {edges[place]:g} would stand for it,"
                f" more than {FARTHEST:g} times as much or as little; is the histogram in another"
                f" unit, or too coarse?"
            )
    return edges


def exceedances(canary: Buckets, baseline: Buckets, edges: Sequence[float]) -> Counts | NoData:
    """Counts with a last axis of edges: increments above each edge over all increments.

    An edge that is not a bound in both arms gives NoData and names it: interpolating would make
    the counts approximate. NoData as well without the +Inf bucket.

    >>> exceedances({0.1: 8, math.inf: 10}, {0.1: 95, math.inf: 100}, (0.1,)).canary_events
    array([2.])
    >>> exceedances({0.1: 8, math.inf: 10}, {0.2: 95, math.inf: 100}, (0.1,))
    NoData(reason='bucket 0.1 is not in both arms')
    """
    arms = monotone(canary), monotone(baseline)
    for edge in (*edges, math.inf):
        if not all(edge in arm for arm in arms):
            return NoData(f"bucket {edge:g} is not in both arms")
    above = [np.array([arm[math.inf] - arm[edge] for edge in edges]) for arm in arms]
    total = [np.full(len(edges), arm[math.inf]) for arm in arms]
    return Counts(above[0], total[0], above[1], total[1], bounded=True)


def chosen_edges(history: Buckets, slo: float | None = None, *, most: int = 6) -> tuple[float, ...]:
    """Edges for a baseline's history: the SLO's bound and those nearest to its quantiles.

    history: cumulative counts of the baseline from before the rollout. Edges exceeded by more
    than half are left out; so is one that was never exceeded, unless it is the SLO's. At most
    ``most`` (1..8), the SLO's first, the rest in order of the quantiles p50, p75, p90, p95, p99.

    >>> chosen_edges({0.1: 40, 0.25: 80, 0.5: 99, 1.0: 100, math.inf: 100}, slo=0.4)
    (0.25, 0.5)
    """
    if not FEWEST_EDGES <= most <= MOST_EDGES:
        raise ValueError(f"most must lie in {FEWEST_EDGES}..{MOST_EDGES}; came {most}")
    fixed = monotone(history)
    total = fixed.get(math.inf, 0.0)
    if not total > 0.0:
        raise ValueError("history needs a +Inf bucket with a positive count")
    bounds = [le for le in fixed if math.isfinite(le)]
    useful = [le for le in bounds if 0.0 < 1.0 - fixed[le] / total <= MOST_EXCEEDED]
    found: list[float] = []
    if slo is not None and bounds:
        number(slo, "slo", above=0.0)
        found.append(next((le for le in bounds if le >= slo), bounds[-1]))
    for quantile in QUANTILES:
        near = min(useful, key=lambda le: abs(fixed[le] / total - quantile), default=None)
        if near is not None and near not in found:
            found.append(near)
    return tuple(sorted(found[:most]))


def native_edges(schema: int, first: int, count: int) -> FloatArray:
    """Upper bounds 2^(k 2^-schema) of ``count`` native buckets from index ``first``.

    >>> native_edges(0, 0, 3).tolist()
    [1.0, 2.0, 4.0]
    """
    _schema(schema)
    return np.asarray(2.0 ** ((first + np.arange(count)) * 2.0**-schema))


def coarser(increments: Mapping[int, float], schema: int, to: int) -> dict[int, float]:
    """Native buckets at a coarser schema: neighbours joined, 2^(schema - to) into one.

    Bucket k covers (base^(k-1), base^k], so the joined index is ceil(k / 2^(schema - to)).

    >>> coarser({1: 2.0, 2: 3.0, 3: 4.0}, schema=1, to=0)
    {1: 5.0, 2: 4.0}
    """
    schema, to = _schema(schema), _schema(to)
    for value in increments.values():
        number(value, "a bucket's increment", least=0.0)
    if to > schema:
        raise ValueError(f"a native histogram cannot be made finer; came {schema} to {to}")
    joined: dict[int, float] = {}
    for index, value in sorted(increments.items()):
        place = -(-index // 2 ** (schema - to))
        joined[place] = joined.get(place, 0.0) + value
    return joined


def native_buckets(
    increments: Mapping[int, float], schema: int, *, to: int | None = None, zero: float = 0.0
) -> dict[float, float]:
    """Cumulative increments by upper bound, as ``exceedances`` takes them; exact at the bounds.

    increments: by bucket index, not cumulative; zero: of the zero bucket. Every bound between
    the first and the last bucket is there, so that both arms share them.

    >>> native_buckets({0: 4.0, 2: 1.0}, schema=0, zero=1.0)
    {1.0: 5.0, 2.0: 5.0, 4.0: 6.0, inf: 6.0}
    """
    number(zero, "zero", least=0.0)
    level = _schema(schema if to is None else to)
    joined = coarser(increments, schema, level)
    if not joined:
        return {math.inf: zero}
    first, last = min(joined), max(joined)
    counts = [joined.get(index, 0.0) for index in range(first, last + 1)]
    bounds = native_edges(level, first, last - first + 1)
    running = zero + np.cumsum(counts)
    return {
        **dict(zip(bounds.tolist(), running.tolist(), strict=True)),
        math.inf: float(running[-1]),
    }


def native_counts(
    canary: tuple[int, Mapping[int, float], float],
    baseline: tuple[int, Mapping[int, float], float],
    edges: npt.ArrayLike,
) -> Counts:
    """Exceedance counts of two native histograms (schema, increments, zero bucket).

    Both are brought to the coarser schema; each edge is moved up to the next bound of it.

    >>> native_counts((1, {1: 5.0, 4: 5.0}, 0.0), (0, {1: 90.0, 3: 10.0}, 0.0), [2.0])
    Counts(canary array(1,)/array(1,), baseline array(1,)/array(1,))
    """
    level = min(_schema(canary[0]), _schema(baseline[0]))
    wanted = numbers(np.atleast_1d(edges), "edges", above=0.0)
    above, total = [], []
    at = np.ceil(np.log2(wanted) * 2.0**level - 1e-9)
    for schema, increments, zero in (canary, baseline):
        number(zero, "zero", least=0.0)
        joined = coarser(increments, schema, level)
        index = np.array(list(joined), dtype=np.float64)
        value = np.array(list(joined.values()), dtype=np.float64)
        above.append((value * (index > at[:, None])).sum(axis=-1))
        total.append(np.full(at.size, value.sum() + zero))
    return Counts(above[0], total[0], above[1], total[1], bounded=True)


def _schema(value: int) -> int:
    """Prometheus knows the schemas -4 (coarsest) to 8."""
    if not -4 <= value <= 8:
        raise ValueError(f"schema must lie in -4..8; came {value}")
    return whole(value, "schema", least=-4)
