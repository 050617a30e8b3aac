"""How much belief each size of harm gets before a step starts.

The grid of rate ratios that the harm process bets on, and the weight of each cell. It must not
know data of the step it is made for: it may depend on the share, on the rate expected from the
past, and on the error budget. Called by entering and harm.

A cell is x = |ln(r / r0)| > 0: how far the canary's rate ratio r lies beyond the edge r0 of what
is tolerated, on the harmful side.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from analysis.ticks import Direction, FloatArray

CELLS = 24
"""Log-spaced cells; a neighbour is at most 25% away, which costs under 2% of the information."""
LOWEST_IN_SIGMA = 0.4
"""The smallest effect in the grid, in units of the just detectable one."""
HIGHEST: dict[Direction, float] = {"Decrease": 4.8, "Increase": 3.6}
"""The largest effect: r = 0.008 r0 for a loss, 37 r0 for an excess."""
CATASTROPHE: dict[Direction, float] = {"Decrease": -math.log(0.03), "Increase": math.log(8.0)}
"""The effect of an outage: r = 0.03 r0, or 8 r0. Its own cell, so that an outage costs no time."""
HALF_NORMAL_WEIGHT, LOG_UNIFORM_WEIGHT, CATASTROPHE_WEIGHT = 0.65, 0.15, 0.20
DETECTION_S = 600.0
"""The prior is sharpest for the effect that ten minutes of a step can just detect."""
FEWEST_EVENTS = 20.0
EVENTS_IF_UNKNOWN = 300.0
"""Canary events in ten minutes when no rate is known: the rate of 50 per second at a 1% share."""


def events_in_sight(rate_per_s: npt.ArrayLike, share: npt.ArrayLike) -> FloatArray:
    """n_opt: the expected canary events of ten minutes, less what the baseline's noise takes.

    rate_per_s: events of both arms per second, NaN where unknown. share: canary share in (0, 1).

    >>> float(events_in_sight(50.0, 0.01))
    297.0
    """
    share = np.asarray(share, dtype=np.float64)
    events = np.asarray(rate_per_s, dtype=np.float64) * DETECTION_S * share * (1.0 - share)
    known = np.where(np.isnan(events), EVENTS_IF_UNKNOWN * (1.0 - share), events)
    return np.maximum(FEWEST_EVENTS, known)


def detectable_effect(alpha: float, n_opt: npt.ArrayLike) -> FloatArray:
    """sigma: the |ln r| that ``n_opt`` canary events can just tell from none at level alpha.

    sigma^2 = (2 ln(1/(2 alpha)) + ln(1 + 2 ln(1/(2 alpha)))) / n_opt, the usual tuning of a
    normal mixture (Howard, Ramdas, McAuliffe & Sekhon 2021, section 3.5).

    >>> round(float(detectable_effect(0.01, 297.0)), 4)
    0.1835
    """
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"alpha must lie inside (0, 0.5); came {alpha}")
    twice = 2.0 * math.log(1.0 / (2.0 * alpha))
    return np.sqrt((twice + math.log1p(twice)) / np.asarray(n_opt, dtype=np.float64))


def harm_cells(direction: Direction, finest_sigma: npt.ArrayLike) -> FloatArray:
    """The 25 cells x, shape ``(..., 25)``: 24 log-spaced ones and the catastrophe, last.

    >>> cells = harm_cells("Decrease", 0.1835)
    >>> cells.shape, round(float(cells[0]), 4), float(cells[23]), round(float(cells[24]), 4)
    ((25,), 0.0734, 4.8, 3.5066)
    """
    low = np.log(LOWEST_IN_SIGMA * np.asarray(finest_sigma, dtype=np.float64))[..., None]
    high = math.log(HIGHEST[direction])
    along = np.linspace(0.0, 1.0, CELLS)
    spaced = np.exp(low * (1.0 - along) + high * along)
    last = np.full((*spaced.shape[:-1], 1), CATASTROPHE[direction])
    return np.concatenate([spaced, last], axis=-1)


def harm_log_weights(cells: FloatArray, sigma: npt.ArrayLike) -> FloatArray:
    """ln w of each cell; the weights sum to 1 along the last axis.

    0.65 half-normal of scale ``sigma`` (density times the cell's width, which is proportional to
    x on a log-spaced grid) + 0.15 log-uniform + 0.20 on the catastrophe.

    >>> cells = harm_cells("Increase", 0.2)
    >>> round(float(np.exp(harm_log_weights(cells, 0.2)).sum()), 12)
    1.0
    """
    spaced = cells[..., :CELLS]
    scale = np.asarray(sigma, dtype=np.float64)[..., None]
    bell = spaced * np.exp(-0.5 * (spaced / scale) ** 2)
    bell /= bell.sum(axis=-1, keepdims=True)
    weights = np.empty_like(cells)
    weights[..., :CELLS] = HALF_NORMAL_WEIGHT * bell + LOG_UNIFORM_WEIGHT / CELLS
    weights[..., CELLS] = CATASTROPHE_WEIGHT
    return np.log(weights)


def rebet(
    wealth_log: FloatArray, direction: Direction, old_sigma: FloatArray, new_sigma: FloatArray
) -> FloatArray:
    """Move the wealth of each cell of an old grid onto the nearest two cells of a new one.

    The sum is unchanged, so the process stays an e-process: wealth may be placed on any
    alternative before the next tick (E[factor] <= 1 for each of them). Shape ``(..., 25)``.

    >>> old = np.full(25, -3.0)
    >>> new = rebet(old, "Decrease", np.array(0.2), np.array(0.05))
    >>> round(float(np.exp(new).sum() / np.exp(old).sum()), 12)
    1.0
    """
    top = wealth_log.max(axis=-1, keepdims=True)
    wealth = np.exp(wealth_log - top)
    here = np.log(harm_cells(direction, old_sigma)[..., :CELLS])
    low = np.log(LOWEST_IN_SIGMA * np.asarray(new_sigma, dtype=np.float64))[..., None]
    pace = (math.log(HIGHEST[direction]) - low) / (CELLS - 1)
    place = np.clip((here - low) / pace, 0.0, CELLS - 1.0)
    left = np.minimum(place.astype(np.int64), CELLS - 2)
    to_right = place - left
    moved = np.zeros_like(wealth)
    cells = np.arange(CELLS)
    for cell in range(CELLS):
        at = left[..., cell, None]
        right = to_right[..., cell, None]
        split = np.where(cells == at, 1.0 - right, np.where(cells == at + 1, right, 0.0))
        moved[..., :CELLS] += wealth[..., cell, None] * split
    moved[..., CELLS] = wealth[..., CELLS]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(moved) + top)
