"""What a step must exclude, the bets that can show it, and how fast a healthy canary does so.

It knows margins, rates and shares; no counts and no state. Called by promotion, metric and the
planner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import checks
from analysis.ticks import Direction, FloatArray, IntArray

BETTER: dict[Direction, tuple[float, ...]] = {
    "Decrease": (1.0, 1.03, 1.1),
    "Increase": (1.0, 0.9, 0.75),
}
"""Rate ratios of a good canary to bet on; halfway between 1 and the margin is the fourth."""
DIFFERENCE_BETS: dict[Direction, tuple[float, ...]] = {
    "Increase": (0.05, 0.1, 0.2, 0.4, 0.7),
    "Decrease": (1.03, 1.1, 1.3, 2.0, 4.0),
}
START_NATS = math.log(4.0)
"""What spreading the bet over four alternatives costs."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Harm that a step must exclude: beyond ``ratio``, and beyond ``difference`` if both.

    ratio: rate ratio, < 1 for orders, > 1 for errors. difference: worse by this many events per
    exposure. "At most R times or D more" is written with both.

    >>> Margin()
    Traceback (most recent call last):
    ValueError: a margin needs a ratio, a difference, or both
    """

    ratio: float | None = None
    difference: float | None = None

    def __post_init__(self) -> None:
        if self.ratio is None and self.difference is None:
            raise ValueError("a margin needs a ratio, a difference, or both")
        if self.ratio is not None and not 0.0 < self.ratio < math.inf:
            raise ValueError(f"a margin's ratio must be finite and > 0; came {self.ratio}")
        if self.difference is not None and not 0.0 < self.difference < math.inf:
            raise ValueError(f"a margin's difference must be > 0; came {self.difference}")

    def fits(self, direction: Direction) -> None:
        """Raise ValueError unless the ratio lies on the harmful side of 1."""
        if self.ratio is None:
            return
        if (self.ratio < 1.0) != (direction == "Decrease") or self.ratio == 1.0:
            side = "below" if direction == "Decrease" else "above"
            article = "a" if direction == "Decrease" else "an"
            raise ValueError(
                f"the margin of {article} {direction} must be a ratio {side} 1; came {self.ratio}"
            )


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Bets of each step: 4 rate ratios, then 5 bets on the difference where any step has one.

    edge, difference: shape ``(steps,)``, harmless values where a step has none; offset: ln(r /
    edge), shape ``(steps, 4)``; log_weight: shape ``(steps, A)``, -inf for what is not used.
    """

    edge: FloatArray
    offset: FloatArray
    difference: FloatArray
    bet: FloatArray
    log_weight: FloatArray

    @property
    def count(self) -> int:
        """A: bets in all."""
        return int(self.log_weight.shape[-1])

    @classmethod
    def of(cls, direction: Direction, margins: Sequence[Margin | None]) -> Alternatives:
        """The bets for a ladder of ``margins``."""
        edge = np.array([1.0 if m is None or m.ratio is None else m.ratio for m in margins])
        ratios = np.array([[(1.0 + r) / 2.0, *BETTER[direction]] for r in edge])
        allowed = [math.nan if m is None or m.difference is None else m.difference for m in margins]
        difference = np.array(allowed)
        by_ratio = np.array([m is not None and m.ratio is not None for m in margins])
        by_difference = ~np.isnan(difference)
        bet = np.array(DIFFERENCE_BETS[direction] if by_difference.any() else ())
        parts = np.maximum(by_ratio.astype(float) + by_difference, 1.0)
        with np.errstate(divide="ignore"):
            ratio_weight = np.log(by_ratio / (4.0 * parts))[:, None] + np.zeros(4)
            bet_weight = np.log(by_difference / (5.0 * parts))[:, None] + np.zeros(bet.size)
        return cls(
            edge=edge,
            offset=np.log(ratios / edge[:, None]),
            difference=np.nan_to_num(difference),
            bet=bet,
            log_weight=np.concatenate([ratio_weight, bet_weight], axis=-1),
        )

    def nats_per_second(
        self, step: IntArray, share: FloatArray, events: FloatArray, exposures: FloatArray
    ) -> FloatArray:
        """Growth of the best bet's ln E while the canary is as good as the baseline.

        step, share: of each comparison; events, exposures: of both arms per second, NaN where
        unknown, which counts as no growth. Shape ``(...)``; 0 where the step asks for nothing.

        >>> bets = Alternatives.of("Decrease", (Margin(0.7),))
        >>> pace = bets.nats_per_second(*map(np.array, (0, 0.01, 50.0, 1700.0)))
        >>> round((math.log(20) + START_NATS) / float(pace))
        156
        """
        w = share
        edge = self.edge[step]
        best = events * (np.log1p(w * (edge - 1.0)) - w * np.log(edge))
        used = np.isfinite(self.log_weight[step])
        best = np.where(used[..., 0], np.nan_to_num(best), 0.0)
        if not self.bet.size:
            return np.maximum(best, 0.0)
        w, events, exposures = w[..., None], events[..., None], exposures[..., None]
        gap = np.maximum(1.0 - self.bet, -0.98 * (1.0 - w) / w)
        growth = events * (w * np.log1p(-gap) + (1.0 - w) * np.log1p(w / (1.0 - w) * gap))
        growth = growth + exposures * w * self.difference[step][..., None] * np.abs(gap)
        by_difference = np.where(used[..., -1], np.nan_to_num(growth).max(axis=-1), 0.0)
        return np.maximum(best, np.maximum(by_difference, 0.0))


def seconds_to_promote(nats_per_second: npt.ArrayLike, beta: float) -> FloatArray:
    """Expected evidence time of a step: from nothing to ln(1/beta), with what the mixture costs.

    >>> seconds_to_promote([0.0, 1.0], 0.05).round(2).tolist()
    [inf, 4.38]
    """
    checks.budget(beta, "beta")
    with np.errstate(divide="ignore"):
        return (math.log(1.0 / beta) + START_NATS) / np.asarray(nats_per_second, dtype=np.float64)
