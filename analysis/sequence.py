"""How large is the change? A confidence sequence for the rate ratio over all steps together.

With l(u) = sum_t [S_c u - (S_c + S_b) ln(v_t + w_t e^u)], u = ln r, exposure fractions w_t and
v_t = 1 - w_t, and a density p over u, Z = int exp(l(u)) p(u) du makes Z / exp(l(u0)) an e-process
for every true u0: { r : l(ln r) > ln Z - ln(1/alpha) } covers r at all times at once with
probability >= 1 - alpha, whatever the weights of the steps did (Robbins 1970; Lindon & Malek 2022
is the closed form for a constant weight, in interval.py).

The sum over t is a smooth function of u and is kept by its values at Chebyshev nodes; between the
nodes it is the polynomial through them (error < 1e-10 per event). l is concave, so an interval it
is. Assumes as ``counts`` does, and one ratio for all time. When not to use: to decide, or where the
ratio changes in time, for then the interval speaks of no single value; it is there to be read.
Called by release when someone wants to see the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.checks import budget
from analysis.logspace import log_sum
from analysis.ticks import FloatArray, Tick

NODES = 36
REACH = math.log(100.0)
"""Ratios are told apart between 1/100 and 100; an end beyond is reported as 0 or infinity."""
SCALES = (0.25, 2.0)
"""Half the prior is normal with sd 0.25 on ln r, half with sd 2: symmetric, so that swapping
the arms inverts the interval."""
DEPTH = 45.0
"""exp(-45) of the peak is nothing."""
POINTS = 257


def _nodes() -> FloatArray:
    return REACH * np.cos(math.pi * (np.arange(NODES) + 0.5) / NODES)


U = _nodes()
RATIO_LESS_1 = np.expm1(U)
_BARYCENTRIC = (-1.0) ** np.arange(NODES) * np.sin(math.pi * (np.arange(NODES) + 0.5) / NODES)


@dataclass(frozen=True, slots=True)
class RatioState:
    """Canary events, and the sum of n_t ln(v_t + w_t e^u) at the nodes; shapes ``(...)``."""

    events: FloatArray
    log_means: FloatArray

    @classmethod
    def start(cls, shape: tuple[int, ...] = ()) -> RatioState:
        """Nothing seen: the interval is (0, inf)."""
        return cls(np.zeros(shape), np.zeros((*shape, NODES)))

    def merge(self, other: RatioState) -> RatioState:
        """The state of both sets of ticks, which must be disjoint."""
        return RatioState(self.events + other.events, self.log_means + other.log_means)


def update_ratio(state: RatioState, tick: Tick) -> RatioState:
    """Fold one tick. The caller keeps the intervals: this state has no place in time."""
    counts = tick.counts
    told = tick.informative
    total = np.where(told, counts.canary_events + counts.baseline_events, 0.0)
    fraction = counts.canary_fraction[..., None]
    log_mean = np.log1p(fraction * RATIO_LESS_1)
    return RatioState(
        np.asarray(state.events + np.where(told, counts.canary_events, 0.0)),
        state.log_means + total[..., None] * log_mean,
    )


def ratio_bounds(state: RatioState, alpha: float = 0.05) -> tuple[FloatArray, FloatArray]:
    """The interval's two ends, each of shape ``(...)``; (0, inf) without data.

    >>> from analysis.ticks import Counts, Interval
    >>> tick = Tick(Interval(0, 1), Counts(50, 1000, 1900, 19000), share=0.05)
    >>> low, high = ratio_bounds(update_ratio(RatioState.start(), tick))
    >>> bool(low < 0.5 < high < 1.0)
    True
    """
    budget(alpha)
    shape = state.events.shape
    ends = [
        _bounds_of_one(RatioState(np.asarray(events), means), alpha)
        for events, means in zip(
            state.events.reshape(-1), state.log_means.reshape(-1, NODES), strict=True
        )
    ]
    low, high = np.array(ends).reshape(*shape, 2)[..., 0], np.array(ends).reshape(*shape, 2)[..., 1]
    return low, high


def log_likelihood(state: RatioState, u: FloatArray) -> FloatArray:
    """l(u) of one comparison at points inside the reach, by barycentric interpolation."""
    gap = u[:, None] - U
    at_node = np.abs(gap) < 1e-14
    weight = _BARYCENTRIC / np.where(at_node, 1e-14, gap)
    means = (weight @ state.log_means) / weight.sum(axis=-1)
    return np.asarray(state.events * u - means)


def _bounds_of_one(state: RatioState, alpha: float) -> tuple[float, float]:
    """Zoom onto the peak, integrate there, and read off where l crosses the threshold."""
    u = np.linspace(-REACH, REACH, POINTS)
    level = log_likelihood(state, u)
    for _ in range(8):
        high = np.flatnonzero(level > level.max() - DEPTH)
        first, last = max(high[0] - 1, 0), min(high[-1] + 1, u.size - 1)
        if last - first > POINTS // 3:
            break
        u = np.linspace(u[first], u[last], POINTS)
        level = log_likelihood(state, u)
    threshold = _log_integral(u, level) - math.log(1.0 / alpha)
    inside = np.flatnonzero(level > threshold)
    first, last = int(inside[0]), int(inside[-1])
    above = level - threshold
    low = 0.0 if first == 0 else math.exp(_crossing(state, u, above, first - 1, threshold))
    if last == u.size - 1:
        return low, math.inf
    return low, math.exp(_crossing(state, u, above, last, threshold))


def _log_integral(u: FloatArray, level: FloatArray) -> float:
    """ln Z by the trapezoid rule; leaving out the tails makes it smaller: conservative."""
    density = sum(
        np.exp(-0.5 * (u / s) ** 2) / (2.0 * s * math.sqrt(2.0 * math.pi)) for s in SCALES
    )
    width = np.full(u.size, u[1] - u[0])
    width[[0, -1]] *= 0.5
    with np.errstate(divide="ignore"):
        return float(log_sum(level + np.log(density * width)))


def _crossing(
    state: RatioState, u: FloatArray, above: FloatArray, left: int, threshold: float
) -> float:
    """Where l crosses ``threshold`` between two neighbouring points: a finer look, then a line."""
    fine = np.linspace(u[left], u[left + 1], 33)
    level = log_likelihood(state, fine) - threshold
    # The two that straddle it stay as they are: sums of 1e12 events round by more than a nat.
    level[[0, -1]] = above[[left, left + 1]]
    change = int(np.flatnonzero((level[:-1] > 0.0) != (level[1:] > 0.0))[0])
    a, b = level[change], level[change + 1]
    return float(fine[change] + (fine[1] - fine[0]) * a / (a - b))
