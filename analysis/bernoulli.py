"""Do two ratios differ? Evidence from two streams of yes/no outcomes near one half.

For conversion funnels, cache hits and success ratios with 0.1 < p < 0.9, where the grid process
of ``counts`` is valid but blind by a factor 1 - p. Blocks of n_a canary and n_b baseline outcomes
are bet on with what the past suggests (Turner, Ly & Grünwald 2024, "Generic E-variables for exact
sequential k-sample tests"). It knows successes per block, not what they mean.

Null: equal probabilities, possibly others in each block; or a rate ratio, difference or odds
ratio through the projection given by ``null``. Guarantee: exact at any time, if block sizes are
fixed before the block and outcomes are independent given the past. When not to use: rare events
(start-up costs more than the grid), or when blocks cannot be completed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.checks import whole
from analysis.logspace import settle
from analysis.ticks import FloatArray, amounts

PRIOR = 0.18
"""Pseudo-successes and failures of the canary's plug-in estimate; near the minimax choice."""
EDGE = 1e-9
Side = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True, slots=True)
class BernoulliSpec:
    """Block sizes, and the side on which the canary is worse.

    canary_block, baseline_block: outcomes per block, >= 1. side: "less" looks only for a lower
    canary probability. difference: H0 is "canary >= baseline - difference" for "less",
    "canary <= baseline + difference" for "greater"; 0 tests equality.

    >>> BernoulliSpec(0, 9)
    Traceback (most recent call last):
    ValueError: canary_block must be a whole number >= 1; came 0
    """

    canary_block: int
    baseline_block: int
    side: Side = "two-sided"
    difference: float = 0.0

    def __post_init__(self) -> None:
        whole(self.canary_block, "canary_block")
        whole(self.baseline_block, "baseline_block")
        if self.side not in ("two-sided", "less", "greater"):
            raise ValueError(f"side must be two-sided, less or greater; came {self.side!r}")
        if not 0.0 <= self.difference < 1.0 or (self.difference and self.side == "two-sided"):
            raise ValueError(
                f"difference must lie in [0, 1) and needs a side; came {self.difference}"
            )

    def start(self, shape: tuple[int, ...] = ()) -> BernoulliState:
        """Nothing seen: E is exactly 1."""
        zero = np.zeros(shape)
        return BernoulliState(zero, zero, zero, zero)


@dataclass(frozen=True, slots=True)
class BernoulliState:
    """ln E, blocks so far and successes of both arms; shape ``(...)``."""

    log_e: FloatArray
    blocks: FloatArray
    canary: FloatArray
    baseline: FloatArray


def update_bernoulli(
    spec: BernoulliSpec, state: BernoulliState, canary: npt.ArrayLike, baseline: npt.ArrayLike
) -> BernoulliState:
    """Fold one complete block: successes of each arm, at most the block sizes; broadcasts.

    >>> spec = BernoulliSpec(10, 10)
    >>> state = spec.start()
    >>> for _ in range(12):
    ...     state = update_bernoulli(spec, state, 2, 7)
    >>> bool(state.log_e > np.log(100))
    True
    """
    y_a, y_b = amounts(canary, "canary successes"), amounts(baseline, "baseline successes")
    n_a, n_b = spec.canary_block, spec.baseline_block
    if (y_a > n_a).any() or (y_b > n_b).any():
        raise ValueError(f"successes cannot exceed the block ({n_a}, {n_b}); came {y_a}, {y_b}")
    theta_a, theta_b = _plug_in(spec, state)
    null_a, null_b = _projection(spec, theta_a, theta_b)
    log_e = (
        state.log_e
        + _log_likelihood(y_a, n_a, theta_a)
        - _log_likelihood(y_a, n_a, null_a)
        + _log_likelihood(y_b, n_b, theta_b)
        - _log_likelihood(y_b, n_b, null_b)
    )
    return replace(
        state,
        log_e=settle(log_e),
        blocks=state.blocks + 1.0,
        canary=state.canary + y_a,
        baseline=state.baseline + y_b,
    )


def _plug_in(spec: BernoulliSpec, state: BernoulliState) -> tuple[FloatArray, FloatArray]:
    """Past estimates; drawn onto the null where the past does not lie on the side looked for."""
    other = PRIOR * spec.baseline_block / spec.canary_block
    a = (state.canary + PRIOR) / (state.blocks * spec.canary_block + 2.0 * PRIOR)
    b = (state.baseline + other) / (state.blocks * spec.baseline_block + 2.0 * other)
    if spec.side == "two-sided":
        return a, b
    sign = -1.0 if spec.side == "less" else 1.0
    harmful = sign * (a - b) > spec.difference
    null_a, null_b = _projection(spec, a, b)
    return np.where(harmful, a, null_a), np.where(harmful, b, null_b)


def _projection(spec: BernoulliSpec, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The member of the null at the least Kullback-Leibler distance from (a, b).

    For equality it is the pooled probability. For a difference it lies on the edge
    null_a = null_b + sign * difference; the distance is convex along it: bisection.
    """
    n_a, n_b = spec.canary_block, spec.baseline_block
    if not spec.difference:
        pooled = (n_a * a + n_b * b) / (n_a + n_b)
        return pooled, pooled
    shift = -spec.difference if spec.side == "less" else spec.difference
    low = np.full(a.shape, max(0.0, -shift) + EDGE)
    high = np.full(a.shape, min(1.0, 1.0 - shift) - EDGE)
    for _ in range(60):
        middle = 0.5 * (low + high)
        at = middle + shift
        slope = n_a * (at - a) / (at * (1.0 - at)) + n_b * (middle - b) / (middle * (1.0 - middle))
        low, high = np.where(slope < 0.0, middle, low), np.where(slope < 0.0, high, middle)
    middle = 0.5 * (low + high)
    return middle + shift, middle


def _log_likelihood(successes: FloatArray, n: int, theta: FloatArray) -> FloatArray:
    from scipy.special import xlog1py, xlogy

    return np.asarray(xlogy(successes, theta) + xlog1py(n - successes, -theta))
