"""When harm may have begun: the mass that each start time of a release owns.

A harm process that only starts with the step is slow on harm that comes later. So the wealth is
spread over start times: a part is bet at once, more is bet each minute, and the rest, ``q``,
waits. Neither the number nor the times of the steps need be known beforehand, because

    M_g <- (M_g + w_g pi_t) exp(l_t(g)),   q <- q - pi_t,   E = q + sum_g M_g

has E[E_t | past] <= E_{t-1} for any pi_t in [0, q] chosen from the past (an e-detector's start
mixture: Shin, Ramdas & Rinaldo 2022). This file knows the masses only. Called by entering.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis import checks
from analysis.ticks import FloatArray

AT_ONCE = 0.6
"""Share of a step's mass that starts with the step: most bad releases are bad from the start."""
LATER = 1.0 - AT_ONCE
MINUTE_S = 60.0
SERIES = 2.1097
"""sum over k >= 2 of 1/(k ln^2 k): makes the masses of the minutes of one step sum to 1."""


def start_mass(ordinal: npt.ArrayLike, expected: int, waiting: npt.ArrayLike) -> FloatArray:
    """Mass that the s-th start of a release owns, s >= 1, out of what still waits.

    The ``expected`` starts (ladder and watch) share the mass in proportion to 1/(s (s + 1)). A
    step that ends leaves the mass of the minutes it did not reach, and the steps after it share
    that too, so each takes its part of what waits:

        (1/(s (s + 1))) / sum_{j = s}^{S} 1/(j (j + 1)) = (S + 1) / ((s + 1) (S + 1 - s)).

    One start more (a step back, a changed baseline, a retry) owns half of what then waits.

    >>> start_mass(1, expected=2, waiting=1.0).tolist()
    0.75
    >>> start_mass([2, 3], expected=2, waiting=0.3).tolist()
    [0.3, 0.15]
    """
    s = np.maximum(np.asarray(ordinal, dtype=np.float64), 1.0)
    to_come = np.maximum(expected + 1.0 - s, 1.0)
    part = np.where(s <= expected, (expected + 1.0) / ((s + 1.0) * to_come), 0.5)
    return np.asarray(part * np.maximum(np.asarray(waiting, dtype=np.float64), 0.0))


def late_mass(minute: npt.ArrayLike) -> FloatArray:
    """Part of a step's mass that starts with its k-th minute, k >= 2; zero for k = 1.

    >>> bool(late_mass(np.arange(2, 2_000_000)).sum() < 0.4)
    True
    """
    k = np.maximum(np.asarray(minute, dtype=np.float64), 1.5)
    mass = LATER / (SERIES * k * np.log(k) ** 2)
    return np.where(np.asarray(minute) >= 2, mass, 0.0)


def start_mixture(log_increments: npt.ArrayLike, masses: npt.ArrayLike) -> FloatArray:
    """E after each tick for one alternative and given start masses, by the recursion above.

    log_increments: shape ``(..., T)``, ln factor of each tick; masses: shape ``(T,)`` or
    ``(..., T)``, each >= 0, summing to at most 1. Returns shape ``(..., T)``.

    >>> start_mixture([0.0, 0.0], [0.5, 0.25]).tolist()
    [1.0, 1.0]
    """
    steps = np.asarray(log_increments, dtype=np.float64)
    if np.isnan(steps).any():
        raise ValueError(f"log_increments must be numbers; came {log_increments!r}")
    pi = np.broadcast_to(checks.numbers(masses, "start masses", least=0.0), steps.shape)
    if (pi.sum(axis=-1) > 1.0 + 1e-12).any():
        raise ValueError("start masses must be >= 0 and sum to at most 1")
    waiting = np.ones(steps.shape[:-1])
    moving = np.zeros(steps.shape[:-1])
    out = np.empty(steps.shape)
    for t in range(steps.shape[-1]):
        moving = (moving + pi[..., t]) * np.exp(steps[..., t])
        waiting = waiting - pi[..., t]
        out[..., t] = waiting + moving
    return out
