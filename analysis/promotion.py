"""Is harm beyond the step's margin excluded? Evidence that promotes a step.

Roles are swapped against counts: H0 is "harm lies at the margin or beyond it", so no data is no
evidence, and nothing is ever promoted for want of a failure. A step may be promoted at t only if
both hold for every required comparison:

1. the process that began with the step, never restarted, has E(t) >= 1/beta now;
2. for every start k on a grid of ``spacing_s`` with k <= t - cover_s, E_k(t) >= 1/beta.

Guarantee: if r is beyond the margin from any unknown time nu on, P(promoted at any
t >= nu + cover_s + spacing_s) <= beta, however often one looks: the smallest of the processes is
at most the one that started just after nu (Ville 1939). Harm younger than that is for the bake,
the next step and the watch. Simpler rules are wrong: a trailing window alone promoted 9-15% of
releases at the margin, the step's process alone 56-99% when an hour of health came first.

Assumptions as in counts. Callers: release, the simulator. Arrays have any leading shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.factors import difference_factor, ratio_factor
from analysis.logspace import log_sum, settle
from analysis.snapshots import Snapshots
from analysis.ticks import Direction, FloatArray, IntArray, Tick

BETTER: dict[Direction, tuple[float, ...]] = {
    "Decrease": (1.0, 1.03, 1.1),
    "Increase": (1.0, 0.9, 0.75),
}
"""Rate ratios of a good canary to bet on; halfway between 1 and the margin is the fourth."""
DIFFERENCE_BETS: dict[Direction, tuple[float, ...]] = {
    "Increase": (0.05, 0.1, 0.2, 0.4, 0.7),
    "Decrease": (1.03, 1.1, 1.3, 2.0, 4.0),
}
MOST_YOUNG = 32
"""Starts kept that are younger than ``cover_s``; a longer cover needs a coarser spacing."""


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
            raise ValueError(
                f"the margin of a {direction} must be a ratio {side} 1; came {self.ratio}"
            )


@dataclass(frozen=True, slots=True)
class PromotionSpec:
    """The margin of each step and the promise of the rule.

    margins: one per step; None asks for no evidence at that step. beta: budget of a false
    promotion per step. cover_s: d, age at which harm must be seen. spacing_s: grid of starts.

    >>> PromotionSpec("Decrease", (Margin(0.9),), cover_s=3600.0, spacing_s=60.0)
    Traceback (most recent call last):
    ValueError: cover_s may be at most 31 spacings; came 3600.0 with spacing_s=60.0
    """

    direction: Direction
    margins: tuple[Margin | None, ...]
    beta: float = 0.05
    cover_s: float = 300.0
    spacing_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0.0 < self.beta < 1.0:
            raise ValueError(f"beta must lie inside (0, 1); came {self.beta}")
        if not (self.spacing_s > 0.0 and self.cover_s >= 0.0):
            raise ValueError(
                f"spacing_s must be > 0 and cover_s >= 0; came {self.spacing_s}, {self.cover_s}"
            )
        if self.cover_s > (MOST_YOUNG - 1) * self.spacing_s:
            raise ValueError(
                f"cover_s may be at most {MOST_YOUNG - 1} spacings; "
                f"came {self.cover_s} with spacing_s={self.spacing_s}"
            )
        for margin in self.margins:
            if margin is not None:
                margin.fits(self.direction)

    def alternatives(self) -> Alternatives:
        """The bets of every step as arrays; made once and kept by the caller's state."""
        return Alternatives.of(self.direction, self.margins)

    def start(self, shape: tuple[int, ...] = ()) -> PromotionState:
        """The state before any tick: E is exactly 1, which promotes nothing."""
        bets = self.alternatives()
        return PromotionState(
            log_sums=np.zeros((*shape, bets.count)),
            snapshots=Snapshots.none(shape, bets.count),
            grid_s=-math.inf,
            step=np.full(shape, -1),
            window_end_s=-math.inf,
            bets=bets,
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


@dataclass(frozen=True, slots=True)
class PromotionState:
    """ln factor sums L of each bet since the step began, and its snapshots.

    log_sums: shape ``(..., A)``, not clipped, as only differences are used. grid_s: the last
    time of the grid of starts. bets: derived from the spec.
    """

    log_sums: FloatArray
    snapshots: Snapshots
    grid_s: float
    step: IntArray
    window_end_s: float
    bets: Alternatives


def update_promotion(spec: PromotionSpec, state: PromotionState, tick: Tick) -> PromotionState:
    """Fold one tick; a new step begins from nothing. Idempotent by interval, as update_harm."""
    if tick.interval.already_folded(state.window_end_s):
        return state
    at_s = tick.interval.start_s
    entering = np.asarray((state.step != tick.step) | np.asarray(tick.restart, dtype=bool))
    if entering.any():
        entering = np.broadcast_to(entering, state.step.shape)
        state = replace(
            state,
            log_sums=np.where(entering[..., None], 0.0, state.log_sums),
            snapshots=state.snapshots.forget(entering),
            step=np.where(entering, tick.step, state.step),
        )
    grid_s = math.floor(at_s / spec.spacing_s) * spec.spacing_s
    snapshots = state.snapshots
    if grid_s > state.grid_s:
        snapshots = snapshots.with_start(at_s, state.log_sums)
    end_s = tick.interval.end_s
    return replace(
        state,
        log_sums=state.log_sums + _increment(spec, state, tick),
        snapshots=snapshots.aged(end_s - spec.cover_s),
        grid_s=grid_s,
        window_end_s=end_s,
    )


def _increment(spec: PromotionSpec, state: PromotionState, tick: Tick) -> FloatArray:
    bets, step = state.bets, state.step
    factor = ratio_factor(tick.counts, bets.edge[step], bets.offset[step])
    if bets.bet.size:
        by_difference = difference_factor(
            tick.counts, bets.difference[step], bets.bet, claim="Safe"
        )
        factor = np.concatenate([factor, by_difference], axis=-1)
    missing = np.asarray(tick.missing, dtype=bool)
    return np.where(missing[..., None], 0.0, factor) if missing.any() else factor


def log_evidence_of_step(state: PromotionState) -> FloatArray:
    """ln E of the process that began with the step, shape ``(...)``; +inf where none is asked."""
    return _mixed(state, state.log_sums)


def log_evidence_to_promote(state: PromotionState) -> FloatArray:
    """ln of the smallest E over the step's start and all starts that are old enough.

    The margin is excluded when this reaches ln(1/beta). Shape ``(...)``; +inf where the step
    asks for no evidence; exactly 0 at most where there was no data.
    """
    since = state.log_sums[..., None, :] - state.snapshots.old
    recent = _mixed(state, np.moveaxis(since, -2, 0)).min(axis=0)
    return np.minimum(log_evidence_of_step(state), recent)


def _mixed(state: PromotionState, log_sums: FloatArray) -> FloatArray:
    weight = state.bets.log_weight[np.maximum(state.step, 0)]
    asked = np.isfinite(weight).any(axis=-1)
    empty = np.isposinf(log_sums).all(axis=-1)
    terms = np.where(np.isposinf(log_sums), 0.0, log_sums) + weight
    value = settle(log_sum(np.where(asked[..., None], terms, 0.0)))
    return np.where(asked & ~empty, value, np.inf)
