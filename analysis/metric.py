"""One metric of a release: its harm processes, its promotion processes, its ratio, its gaps.

A metric may watch one side or both, and may have several edges (the buckets of a latency
histogram): these are the last axis of its counts, and their harm e-processes are averaged, which
is valid under any dependence. It does not know the other metrics or what is decided. Called by
release; the same code runs for one release and, with a leading shape, for many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis import combine
from analysis.counts import HarmSpec, HarmState, log_evidence, update_harm
from analysis.gaps import GapMemory
from analysis.margins import Margin
from analysis.promotion import (
    PromotionSpec,
    PromotionState,
    log_evidence_to_promote,
    update_promotion,
)
from analysis.sequence import RatioState, update_ratio
from analysis.ticks import Direction, FloatArray, Interval, Tick

OPPOSITE: dict[Direction, Direction] = {"Decrease": "Increase", "Increase": "Decrease"}


def mirrored(margin: Margin | None) -> Margin | None:
    """The same margin on the other side of 1: a loss of 1/2 becomes a factor 2."""
    if margin is None:
        return None
    return Margin(None if margin.ratio is None else 1.0 / margin.ratio, margin.difference)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What is counted, what is harm, and what a step must exclude.

    direction: the harmful side; Both averages a process for each side. tolerated_ratio: edge of
    harm as a rate ratio (0.99: a loss of 1%; 1.1: a tenth more errors); for Both its inverse is
    the other edge. tolerated_difference: tolerated as well, in events per exposure. margins: for
    each step of the ladder and the watch, or None where the step asks for no evidence.
    excess_margins: where a change to the *good* side is suspicious too (duplicate orders), the
    margin on that side; promotion must exclude both. weight: share of the rollback statistic.
    required: promotion waits for this metric. expected_rate: events per second of both arms,
    from history. batched, dispersion_before, truncate_nats: see HarmSpec; a batched metric
    without dispersion_before may hold the release but never rolls it back. edges: sub-streams;
    promotion_edges: those that promotion needs (None: all). warms_up: the first ``warm_up_s`` of
    each step are left out (latency, saturation; never orders or errors).
    """

    name: str
    direction: Literal["Decrease", "Increase", "Both"]
    tolerated_ratio: float
    margins: tuple[Margin | None, ...]
    tolerated_difference: float | None = None
    excess_margins: tuple[Margin | None, ...] = ()
    weight: float = 1.0
    required: bool = True
    expected_rate: float | None = None
    batched: bool = False
    dispersion_before: float | None = None
    truncate_nats: float | None = None
    edges: int = 1
    promotion_edges: tuple[int, ...] | None = None
    warms_up: bool = False

    def __post_init__(self) -> None:
        if self.direction not in ("Decrease", "Increase", "Both"):
            raise ValueError(
                f"direction of {self.name} must be Decrease, Increase or Both; "
                f"came {self.direction!r}"
            )
        if not 0.0 <= self.weight < np.inf:
            raise ValueError(f"weight of {self.name} must be >= 0; came {self.weight}")
        if self.edges < 1 or not set(self.promotion_edges or ()) <= set(range(self.edges)):
            raise ValueError(
                f"{self.name} must have >= 1 edges and name only those for promotion; "
                f"came edges={self.edges}, promotion_edges={self.promotion_edges}"
            )
        if self.excess_margins and len(self.excess_margins) != len(self.margins):
            raise ValueError(f"{self.name} needs one excess margin per step, or none at all")
        for margin in self.margins:
            self._wider_than_tolerated(margin)

    def _wider_than_tolerated(self, margin: Margin | None) -> None:
        """A margin inside what is tolerated could be excluded only by luck."""
        if margin is None:
            return
        if margin.ratio is not None:
            margin.fits(self.main_direction)
            tolerated = abs(np.log(self.main_edge)) - 1e-12
            if abs(np.log(margin.ratio)) < tolerated:
                raise ValueError(
                    f"margin {margin.ratio} of {self.name} is tighter than the tolerated ratio "
                    f"{self.tolerated_ratio}; allowed is that or wider"
                )
        if margin.difference is not None and margin.difference < (self.tolerated_difference or 0.0):
            raise ValueError(
                f"margin {margin.difference} of {self.name} is tighter than the tolerated "
                f"difference {self.tolerated_difference}; allowed is that or wider"
            )

    @property
    def main_direction(self) -> Direction:
        """The side that ``margins`` speak of; for Both, the side of ``tolerated_ratio``."""
        if self.direction != "Both":
            return self.direction
        ratios = [m.ratio for m in self.margins if m is not None and m.ratio is not None]
        first = self.tolerated_ratio if self.tolerated_ratio != 1.0 else (ratios or [0.5])[0]
        return "Decrease" if first < 1.0 else "Increase"

    @property
    def main_edge(self) -> float:
        """r0 on the side of ``main_direction``."""
        return self.tolerated_ratio

    @property
    def may_roll_back(self) -> bool:
        """False for batches of unknown size: no error guarantee can be given for those."""
        return self.weight > 0.0 and not (self.batched and self.dispersion_before is None)

    def shown(self, per_edge: FloatArray) -> FloatArray:
        """The value of the edge that stands for the metric: its first promotion edge."""
        if self.edges == 1:
            return per_edge
        return np.asarray(per_edge[..., (self.promotion_edges or (0,))[0]])

    def per_edge(self, value: npt.ArrayLike) -> npt.NDArray[Any]:
        """A value of the whole metric, shaped to meet the counts of its edges."""
        return np.asarray(value)[..., None] if self.edges > 1 else np.asarray(value)

    def harm_specs(self, alpha: float, steps: int) -> tuple[HarmSpec, ...]:
        """One harm process for each side that is watched."""
        main = HarmSpec(
            self.main_direction,
            self.main_edge,
            difference=self.tolerated_difference,
            alpha=alpha,
            expected_rate=self.expected_rate,
            batched=self.batched,
            dispersion_before=self.dispersion_before or 1.0,
            truncate_nats=self.truncate_nats,
            starts=steps,
        )
        if self.direction != "Both":
            return (main,)
        side = OPPOSITE[main.direction]
        return (main, replace(main, direction=side, edge=1.0 / main.edge))

    def promotion_specs(
        self, beta: float, cover_s: float, spacing_s: float
    ) -> tuple[PromotionSpec, ...]:
        """One promotion process for each side that must be excluded."""
        main = PromotionSpec(
            self.main_direction, self.margins, beta, cover_s, spacing_s, self.expected_rate
        )
        excess = self.excess_margins
        if self.direction == "Both" and not excess:
            excess = tuple(mirrored(margin) for margin in self.margins)
        if not excess:
            return (main,)
        return (main, replace(main, direction=OPPOSITE[main.direction], margins=excess))


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of one metric over ticks with data; arrays of shape ``(...)``.

    expected: canary events at the baseline's rate, sum of rho_t S_b. canary_weighed,
    baseline_weighed: sums of S_c v_t and S_b w_t (exposure fractions), whose quotient is the
    Mantel-Haenszel estimate of the rate ratio over all steps.
    """

    canary_events: FloatArray
    canary_exposures: FloatArray
    baseline_events: FloatArray
    baseline_exposures: FloatArray
    expected: FloatArray
    canary_weighed: FloatArray
    baseline_weighed: FloatArray

    @classmethod
    def zero(cls, shape: tuple[int, ...] = ()) -> Totals:
        """Nothing counted."""
        return cls(*(np.zeros(shape) for _ in range(7)))

    def values(self) -> tuple[FloatArray, ...]:
        """The seven sums in the order of the fields."""
        return (
            self.canary_events,
            self.canary_exposures,
            self.baseline_events,
            self.baseline_exposures,
            self.expected,
            self.canary_weighed,
            self.baseline_weighed,
        )

    def merge(self, other: Totals) -> Totals:
        """Sums over both sets of ticks, which must be disjoint."""
        return Totals(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def with_tick(self, tick: Tick) -> Totals:
        """One tick more; a missing one adds nothing."""
        told = tick.informative
        c = tick.counts
        w = c.canary_fraction
        rho = c.canary_exposures / np.where(c.compared, c.baseline_exposures, 1.0)
        fresh = (
            c.canary_events,
            c.canary_exposures,
            c.baseline_events,
            c.baseline_exposures,
            np.where(c.compared, rho * c.baseline_events, 0.0),
            c.canary_events * (1.0 - w),
            c.baseline_events * w,
        )
        return Totals(
            *(a + np.where(told, b, 0.0) for a, b in zip(self.values(), fresh, strict=True))
        )

    def ratio(self) -> FloatArray:
        """Canary rate over baseline rate; NaN while the baseline has no events to compare."""
        below = self.baseline_weighed
        return np.where(
            below > 0.0, self.canary_weighed / np.where(below > 0.0, below, 1.0), np.nan
        )


@dataclass(frozen=True, slots=True)
class MetricState:
    """All that is kept of one metric. totals: over the release; step_*: since the step began."""

    harm: tuple[HarmState, ...]
    promotion: tuple[PromotionState, ...]
    ratio: RatioState
    totals: Totals
    step_expected: FloatArray
    step_ticks: FloatArray
    step_seconds: FloatArray
    gaps: GapMemory
    no_data: str | None = None

    def with_reason(self, reason: str | None) -> MetricState:
        """The state with why the last tick had no data; None where it had some."""
        return self if reason == self.no_data else replace(self, no_data=reason)


def metric_log_harm(spec: MetricSpec, state: MetricState) -> FloatArray:
    """ln E of harm, averaged over sides and edges, shape ``(...)``; exactly 0 without data."""
    sides = np.stack([log_evidence(side) for side in state.harm], axis=-1)
    value = combine.mean_evidence(sides)
    return combine.mean_evidence(value) if spec.edges > 1 else value


def metric_log_promote(spec: MetricSpec, state: MetricState) -> FloatArray:
    """ln of the weakest evidence that harm is excluded, over sides and promotion edges."""
    sides = np.stack([log_evidence_to_promote(side) for side in state.promotion], axis=-1)
    value = combine.promotion_evidence(sides)
    if spec.edges == 1:
        return value
    wanted = range(spec.edges) if spec.promotion_edges is None else spec.promotion_edges
    return combine.promotion_evidence(value[..., list(wanted)])


def fold_tick(
    harm: tuple[HarmSpec, ...],
    promotion: tuple[PromotionSpec, ...],
    state: MetricState,
    tick: Tick,
    gap: tuple[Interval, npt.ArrayLike, float],
) -> MetricState:
    """The metric after one tick that is known to be new; ``gap`` feeds the memory of gaps."""
    entering = (state.harm[0].step != tick.step) | np.asarray(tick.restart, dtype=bool)
    told = tick.informative
    before = Totals.zero(state.totals.expected.shape).with_tick(tick)
    return replace(
        state,
        harm=tuple(update_harm(s, h, tick) for s, h in zip(harm, state.harm, strict=True)),
        promotion=tuple(
            update_promotion(s, p, tick) for s, p in zip(promotion, state.promotion, strict=True)
        ),
        ratio=update_ratio(state.ratio, tick),
        totals=state.totals.merge(before),
        step_expected=np.where(entering, 0.0, state.step_expected) + before.expected,
        step_ticks=np.where(entering, 0.0, state.step_ticks) + told,
        step_seconds=np.where(entering, 0.0, state.step_seconds)
        + np.where(told, tick.interval.length_s, 0.0),
        gaps=state.gaps.with_tick(*gap),
    )
