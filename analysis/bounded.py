"""Where is the mean of a bounded quantity? Confidence sequences that are exact at any time.

For apdex, capped basket value, utilisation: values in [0, 1] (scale others by their known ends).
Two methods of Waudby-Smith & Ramdas 2024 ("Estimating means of bounded random variables by
betting"): predictable-mixture empirical Bernstein (theorem 2), closed form, and hedged betting
(theorem 3), narrower, on a grid of means. They know values in order, nothing else.

Assume independent values, or any with one conditional mean. Guarantee: P(the mean is ever
outside) <= alpha. When not to use: correlated samples of one pod (the pod is the unit; at least
4 v 8 pods), or values whose bound is a guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.checks import budget
from analysis.ticks import FloatArray

LARGEST_BET = 0.5
GRID = 1000
"""Candidate means of the betting sequence; its ends are right to 1/1000, rounded outwards."""


@dataclass(frozen=True, slots=True)
class BoundedSpec:
    """alpha: error budget of the sequence; betting: hedged betting instead of Bernstein.

    >>> BoundedSpec(alpha=0.0)
    Traceback (most recent call last):
    ValueError: alpha must lie inside (0, 1); came 0.0
    """

    alpha: float = 0.05
    betting: bool = True

    def __post_init__(self) -> None:
        budget(self.alpha)

    def start(self, shape: tuple[int, ...] = ()) -> BoundedState:
        """Nothing seen: the interval is [0, 1]."""
        zero = np.zeros(shape)
        wealth = np.zeros((*shape, 2, GRID + 1)) if self.betting else np.zeros((*shape, 2, 0))
        return BoundedState(zero, zero, zero, zero, zero, zero, wealth)


@dataclass(frozen=True, slots=True)
class BoundedState:
    """Sums of the sequence; arrays of shape ``(...)``.

    n, total, squares: count, sum of values and of (x_i - mu_i)^2; weights, weighed, penalty:
    sums of lambda, lambda x and (x_i - mu_{i-1})^2 psi(lambda_i). log_wealth: of the bets up and
    down against each candidate mean, shape ``(..., 2, 1001)`` or empty.
    """

    n: FloatArray
    total: FloatArray
    squares: FloatArray
    weights: FloatArray
    weighed: FloatArray
    penalty: FloatArray
    log_wealth: FloatArray


def update_bounded(spec: BoundedSpec, state: BoundedState, value: npt.ArrayLike) -> BoundedState:
    """Fold one value in [0, 1] for each place; NaN is left out there.

    lambda_t = min(sqrt(2 ln(2/alpha) / (v_{t-1} t ln(1 + t))), 1/2), from the past alone.
    """
    x = np.asarray(value, dtype=np.float64)
    told = ~np.isnan(x)
    if not ((x[told] >= 0.0) & (x[told] <= 1.0)).all():
        raise ValueError(f"values must lie in [0, 1]; came {value!r}")
    x = np.where(told, x, 0.0)
    t = state.n + 1.0
    before = (0.5 + state.total) / t
    variance = (0.25 + state.squares) / t
    raw = np.sqrt(2.0 * math.log(2.0 / spec.alpha) / (variance * t * np.log1p(t)))
    bet = np.minimum(raw, LARGEST_BET)
    mean = (0.5 + state.total + x) / (t + 1.0)
    psi = -np.log1p(-bet) - bet
    fresh = replace(
        state,
        n=t,
        total=state.total + x,
        squares=state.squares + (x - mean) ** 2,
        weights=state.weights + bet,
        weighed=state.weighed + bet * x,
        penalty=state.penalty + (x - before) ** 2 * psi,
        log_wealth=_bet(state.log_wealth, raw, x) if spec.betting else state.log_wealth,
    )
    if told.all():
        return fresh
    return _kept_where(told, fresh, state)


def _bet(log_wealth: FloatArray, raw: FloatArray, x: FloatArray) -> FloatArray:
    """ln K+ and ln K- after betting on x above and below each candidate mean."""
    m = np.linspace(0.0, 1.0, GRID + 1)
    with np.errstate(divide="ignore"):
        up = np.minimum(raw[..., None], 0.5 / m)
        down = np.minimum(raw[..., None], 0.5 / (1.0 - m))
    gap = x[..., None] - m
    return np.asarray(log_wealth + np.stack([np.log1p(up * gap), np.log1p(-down * gap)], axis=-2))


def _kept_where(
    told: npt.NDArray[np.bool_], fresh: BoundedState, old: BoundedState
) -> BoundedState:
    def pick(name: str) -> FloatArray:
        where = told[..., None, None] if name == "log_wealth" else told
        return np.asarray(np.where(where, getattr(fresh, name), getattr(old, name)))

    return BoundedState(*(pick(name) for name in BoundedState.__slots__))


def bounded_interval(spec: BoundedSpec, state: BoundedState) -> tuple[FloatArray, FloatArray]:
    """The ends, each of shape ``(...)``, inside [0, 1]; (0, 1) without data.

    >>> spec = BoundedSpec(alpha=0.05)
    >>> state = spec.start()
    >>> for x in [0.2, 0.3] * 100:
    ...     state = update_bounded(spec, state, x)
    >>> low, high = bounded_interval(spec, state)
    >>> bool(low < 0.25 < high), bool(high - low < 0.1)
    (True, True)
    """
    return _by_betting(spec, state) if spec.betting else _bernstein(spec, state)


def _bernstein(spec: BoundedSpec, state: BoundedState) -> tuple[FloatArray, FloatArray]:
    weights = np.where(state.n > 0.0, state.weights, 1.0)
    centre = state.weighed / weights
    radius = (math.log(2.0 / spec.alpha) + state.penalty) / weights
    seen = state.n > 0.0
    low, high = np.clip(centre - radius, 0.0, 1.0), np.clip(centre + radius, 0.0, 1.0)
    return np.where(seen, low, 0.0), np.where(seen, high, 1.0)


def _by_betting(spec: BoundedSpec, state: BoundedState) -> tuple[FloatArray, FloatArray]:
    """Candidates whose larger hedged wealth is below 1/alpha, one cell wider on each side."""
    wealth = state.log_wealth.max(axis=-2) - math.log(2.0)
    inside = wealth < -math.log(spec.alpha)
    first, last = inside.argmax(axis=-1), GRID - inside[..., ::-1].argmax(axis=-1)
    low, high = np.maximum(first - 1, 0) / GRID, np.minimum(last + 1, GRID) / GRID
    none = ~inside.any(axis=-1)
    return np.where(none, 0.0, low), np.where(none, 1.0, high)
