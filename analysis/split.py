"""Is the traffic split as configured? Evidence of a mismatch from assigned units.

A canary that suppresses its own exposures (pages that do not load) looks healthy per exposure;
then the split is the detector of harm. Two processes: ``dirichlet_log_e`` for a point null (any
number of arms, closed form), and ``SplitSpec`` for the composite null "the share is within
+-2% of the configured one", which does not fire in the end for an honest split that is slightly
off. It knows counts of units, no outcome. For users of the library: the operator does not run it.

Assumes that each unit falls on an arm by itself, with one chance given the past. Guarantee:
P(E ever reaches the alarm | H0) <= 1/alarm, a budget of its own beside the rollback's; alarm at
E >= 1000. What follows: freeze promotion, and widen r0 by ``SplitState.widen`` (past ticks only).
When not to use: units that are no first assignments (sessions, users are; requests of sessions
alarm wrongly in 14-81% of A/A days).

Sources: Robbins 1970; Lindon & Malek 2022; the grid of ``counts``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.checks import number
from analysis.counts import log_evidence, update_harm
from analysis.harm import HarmSpec, HarmState
from analysis.logspace import log_weighted_mean
from analysis.sequence import RatioState, ratio_bounds, update_ratio
from analysis.ticks import Counts, FloatArray, Interval, Tick, amounts

ALARM = 1000.0
TOLERANCE = 0.02
"""Relative: a router that is off by less is as configured."""
CONCENTRATION = 1000.0
NO_ODDS = 1e-9
"""Stands for 1 - share where the tolerance reaches a share of 1."""


def dirichlet_log_e(
    units: npt.ArrayLike, shares: npt.ArrayLike, *, concentration: float = CONCENTRATION
) -> FloatArray:
    """ln E of H0 "units fall into arms with these ``shares``", for all units so far.

    units: counts per arm, shape ``(..., k)``; shares: > 0, summing to 1, shape ``(k,)``. A
    Dirichlet(concentration x shares) prior integrates in closed form (Lindon & Malek 2022):
    ln G(a) - ln G(a + n) + sum ln G(a_i + S_i) - ln G(a_i) - S_i ln share_i. Anytime-valid for a
    constant split; at many units it finds any deviation, however small.

    >>> round(float(dirichlet_log_e([8200, 91800], [0.1, 0.9])) > math.log(1000))
    1
    >>> float(dirichlet_log_e([0, 0], [0.1, 0.9]))
    0.0
    """
    from scipy.special import gammaln

    counts, share = amounts(units, "units"), np.asarray(shares, dtype=np.float64)
    if share.ndim != 1 or not (share > 0.0).all() or abs(share.sum() - 1.0) > 1e-9:
        raise ValueError(f"shares must be > 0 and sum to 1; came {shares!r}")
    if counts.shape[-1:] != share.shape:
        raise ValueError(f"units need one count per arm ({share.size}); came {counts.shape}")
    number(concentration, "concentration", above=0.0)
    a = concentration * share
    each = gammaln(a + counts) - gammaln(a) - counts * np.log(share)
    total = counts.sum(axis=-1)
    log_e = gammaln(concentration) - gammaln(concentration + total) + each.sum(axis=-1)
    return np.asarray(np.where(total > 0.0, log_e, 0.0))


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """The composite null: canary share within ``tolerance`` (relative) of the configured one.

    expected_rate: units per second of both arms, for the grid. alarm: E at which it speaks.

    >>> SplitSpec(tolerance=1.0)
    Traceback (most recent call last):
    ValueError: tolerance must lie in [0, 1); came 1.0
    """

    tolerance: float = TOLERANCE
    alarm: float = ALARM
    expected_rate: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.tolerance < 1.0:
            raise ValueError(f"tolerance must lie in [0, 1); came {self.tolerance}")
        number(self.alarm, "alarm", above=1.0)
        if self.expected_rate is not None:
            number(self.expected_rate, "expected_rate", above=0.0)

    def sides(self) -> tuple[HarmSpec, HarmSpec]:
        """Too few, and too many units on the canary."""
        alpha = min(1.0 / self.alarm, 0.4)
        low, high = 1.0 - self.tolerance, 1.0 + self.tolerance
        rate = self.expected_rate
        return (
            HarmSpec("Decrease", low, alpha=alpha, expected_rate=rate),
            HarmSpec("Increase", high, alpha=alpha, expected_rate=rate),
        )

    def start(self, shape: tuple[int, ...] = ()) -> SplitState:
        """Nothing seen: E is exactly 1."""
        few, many = (side.start(shape) for side in self.sides())
        return SplitState(few, many, RatioState.start(shape), np.full(shape, -1))


@dataclass(frozen=True, slots=True)
class SplitState:
    """Both sides' processes and the odds ratio seen over the configured one, of this step."""

    few: HarmState
    many: HarmState
    ratio: RatioState
    step: npt.NDArray[np.int64]

    @property
    def log_e(self) -> FloatArray:
        """ln of the mean of both sides; exactly 0 without units."""
        both = np.stack([log_evidence(self.few), log_evidence(self.many)], axis=-1)
        return log_weighted_mean(both, [0.5, 0.5])

    def widen(self, alpha: float = 0.01) -> float:
        """Ratio >= 1 by which r0 is moved: the far end of the confidence sequence of the split.

        For one comparison. To be used on later ticks only, so that it depends on the past.
        """
        low, high = (float(end) for end in ratio_bounds(self.ratio, alpha))
        if not (low > 0.0 and math.isfinite(high)):
            return 1.0
        return max(1.0 / low, high) if low > 1.0 or high < 1.0 else 1.0


def update_split(
    spec: SplitSpec,
    state: SplitState,
    interval: Interval,
    canary_units: npt.ArrayLike,
    baseline_units: npt.ArrayLike,
    share: npt.ArrayLike,
    step: npt.ArrayLike = 0,
) -> SplitState:
    """Fold the units assigned in one tick; a new step is a new start of the same process.

    >>> spec, state = SplitSpec(expected_rate=1667.0), SplitSpec().start()
    >>> for t in range(6):
    ...     tick = Interval(t, t + 1)
    ...     state = update_split(spec, state, tick, 133, 1534, share=0.1)
    >>> bool(state.log_e > math.log(1000))
    True
    """
    configured = np.asarray(share, dtype=np.float64)
    if not ((configured > 0.0) & (configured < 1.0)).all():
        raise ValueError(f"share must lie inside (0, 1); came {share!r}")
    # units are the events; what they are counted per is the share that was configured
    counts = Counts(canary_units, configured, baseline_units, 1.0 - configured)
    tick = Tick(interval, counts, share, step=step)
    few, many = spec.sides()
    fresh = np.asarray(state.step != tick.step)
    ratio = state.ratio
    if fresh.any():
        ratio = RatioState(
            np.where(fresh, 0.0, ratio.events),
            np.where(fresh[..., None], 0.0, ratio.log_means),
        )
    return replace(
        state,
        few=update_harm(few, state.few, replace(tick, widen=_to_odds(few.edge, configured))),
        many=update_harm(many, state.many, replace(tick, widen=_to_odds(many.edge, configured))),
        ratio=update_ratio(ratio, tick),
        step=np.where(fresh, tick.step, state.step),
    )


def _to_odds(edge: float, share: FloatArray) -> FloatArray:
    """How much further out the edge lies for the odds than for the share itself.

    A share of ``edge`` times w has the odds of w times edge (1 - w) / (1 - edge w): hardly
    different for a small share, and 4% instead of 2% at one half. A share beyond 1 has none.
    """
    ratio = (1.0 - share) / np.maximum(1.0 - edge * share, NO_ODDS)
    return np.maximum(ratio, 1.0 / ratio)
