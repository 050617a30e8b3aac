"""The values of the harm process: what counts as harm, and the wealth that is bet on it.

Data and its checks only; counts folds ticks into it, entering places its bets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import checks, prior
from analysis.ticks import Direction, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class HarmSpec:
    """What counts as harm, and how sharply to look for it.

    direction: the harmful side. edge: r0, <= 1 for Decrease, >= 1 for Increase; inside it nobody
    is woken. difference: absolute rate that is tolerated as well (errors per request), or None.
    alpha: error budget, chooses the grid only. expected_rate: events of both arms per second
    from history, None or NaN if unknown. truncate_nats: most that one tick may add to any cell
    (None: no limit); needed for ticks that are tempered. late_starts: off for tests and for
    callers that look once. starts: steps that the release will have, the watch included; each
    owns a part of the wealth.

    >>> HarmSpec("Decrease", edge=1.1)
    Traceback (most recent call last):
    ValueError: the edge of a Decrease must lie in (0, 1]; came 1.1
    """

    direction: Direction
    edge: float
    difference: float | None = None
    alpha: float = 0.01
    expected_rate: npt.ArrayLike | None = None
    truncate_nats: float | None = None
    late_starts: bool = True
    starts: int = 1

    def __post_init__(self) -> None:
        if self.direction not in ("Decrease", "Increase"):
            raise ValueError(f"direction must be Decrease or Increase; came {self.direction!r}")
        low, high = (0.0, 1.0) if self.direction == "Decrease" else (1.0, np.inf)
        if not (low < self.edge <= high or (low == self.edge == 1.0)) or self.edge == np.inf:
            allowed = "(0, 1]" if self.direction == "Decrease" else "[1, inf)"
            raise ValueError(
                f"the edge of a {self.direction} must lie in {allowed}; came {self.edge}"
            )
        if not 0.0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie inside (0, 0.5); came {self.alpha}")
        if self.difference is not None and not 0.0 <= self.difference < np.inf:
            raise ValueError(f"difference must be a rate >= 0; came {self.difference}")
        if self.truncate_nats is not None:
            checks.number(self.truncate_nats, "truncate_nats", above=0.0)
        if self.expected_rate is not None:
            checks.numbers(self.expected_rate, "expected_rate", above=0.0)
        checks.whole(self.starts, "starts")

    @property
    def sign(self) -> float:
        """-1 where harm makes the ratio fall, +1 where it makes it rise."""
        return -1.0 if self.direction == "Decrease" else 1.0

    def start(self, shape: tuple[int, ...] = ()) -> HarmState:
        """The state before any tick: all wealth waits, E is exactly 1."""
        nothing = np.full((*shape, prior.CELLS + 1), -np.inf)
        return HarmState(
            log_wealth=nothing,
            log_wealth_difference=None if self.difference is None else nothing,
            waiting=np.ones(shape),
            step=np.full(shape, -1),
            ordinal=np.zeros(shape, dtype=np.int64),
            minute=np.zeros(shape, dtype=np.int64),
            start_mass=np.zeros(shape),
            step_start_s=np.zeros(shape),
            sigma=np.full(shape, np.inf),
            finest_sigma=np.full(shape, np.inf),
            events=np.zeros(shape),
            seconds=np.zeros(shape),
            window_end_s=-np.inf,
            grid=None,
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """What follows from the two sigmas of a state: signed ln(r/r0) and ln weight of each cell."""

    offset: FloatArray
    log_weight: FloatArray


@dataclass(frozen=True, slots=True)
class HarmState:
    """Wealth on each cell of the grid, the wealth that waits, and the place in time.

    log_wealth: shape ``(..., 25)``; log_wealth_difference: the same for the absolute margin, or
    None. waiting: q. ordinal: starts so far; minute: of the current start; start_mass: what it
    owns. sigma: effect for which this step's weights are made; finest_sigma: smallest of all
    steps, which makes the cells. events, seconds: past, for the rate. grid: derived, made again
    when absent.
    """

    log_wealth: FloatArray
    log_wealth_difference: FloatArray | None
    waiting: FloatArray
    step: IntArray
    ordinal: IntArray
    minute: IntArray
    start_mass: FloatArray
    step_start_s: FloatArray
    sigma: FloatArray
    finest_sigma: FloatArray
    events: FloatArray
    seconds: FloatArray
    window_end_s: float
    grid: Grid | None
