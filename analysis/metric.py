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

from analysis import checks, combine
from analysis.counts import HarmSpec, HarmState, log_evidence, update_harm
from analysis.dispersion import DispersionState, phi, update_dispersion
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
from analysis.totals import Totals

Processes = tuple[tuple[HarmSpec, ...], tuple[PromotionSpec, ...]]
"""The harm and the promotion processes of one metric, a spec for each side that is watched."""
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
    from history. batched: one unit may give several events, so evidence is divided by their
    dispersion; dispersion_before: its value before the rollout, without which such a metric may
    hold the release but never rolls it back; truncate_nats: most that one tick may add. edges:
    sub-streams; promotion_edges: those that promotion needs (None: all). warms_up: the first
    ``warm_up_s`` of each step, and of a younger process, are left out (latency, saturation; never
    orders or errors).
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
        checks.number(self.tolerated_ratio, f"tolerated_ratio of {self.name}", above=0.0)
        if self.expected_rate is not None:
            checks.number(self.expected_rate, f"expected_rate of {self.name}", above=0.0)
        if not 0.0 <= self.weight < np.inf:
            raise ValueError(f"weight of {self.name} must be >= 0; came {self.weight}")
        if self.edges < 1 or not set(self.promotion_edges or ()) <= set(range(self.edges)):
            raise ValueError(
                f"{self.name} must have >= 1 edges and name only those for promotion; "
                f"came edges={self.edges}, promotion_edges={self.promotion_edges}"
            )
        if self.excess_margins and len(self.excess_margins) != len(self.margins):
            raise ValueError(f"{self.name} needs one excess margin per step, or none at all")
        if self.dispersion_before is not None and not 1.0 <= self.dispersion_before < np.inf:
            raise ValueError(
                f"dispersion of {self.name} must be >= 1; came {self.dispersion_before}"
            )
        for margin in self.margins:
            self._wider_than_tolerated(margin)
        for excess in self.excess_margins:
            if excess is not None:
                excess.fits(OPPOSITE[self.main_direction])

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
            self.main_direction,
            self.margins,
            beta,
            cover_s,
            spacing_s,
            self.expected_rate,
            truncate_nats=self.truncate_nats,
        )
        excess = self.excess_margins
        if self.direction == "Both" and not excess:
            excess = tuple(mirrored(margin) for margin in self.margins)
        if not excess:
            return (main,)
        return (main, replace(main, direction=OPPOSITE[main.direction], margins=excess))


@dataclass(frozen=True, slots=True)
class MetricState:
    """All that is kept of one metric. totals: over the release; step_*: since the step began;
    no_data: why the last tick had no data, or not of all the canary.

    step_expected: canary events at the baseline's rate; step_exposures: of the canary, in the ticks
    in which those could be told.
    """

    harm: tuple[HarmState, ...]
    promotion: tuple[PromotionState, ...]
    ratio: RatioState
    totals: Totals
    step_expected: FloatArray
    step_ticks: FloatArray
    step_seconds: FloatArray
    step_exposures: FloatArray
    gaps: GapMemory
    dispersion: DispersionState | None = None
    no_data: str | None = None

    def with_reason(self, reason: str | None) -> MetricState:
        """The state with why the last tick had no data; None where it had all."""
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
    spec: MetricSpec,
    processes: Processes,
    state: MetricState,
    tick: Tick,
    gap: tuple[Interval, npt.ArrayLike, float, npt.ArrayLike],
) -> MetricState:
    """The metric after one tick that is known to be new; ``gap`` feeds the memory of gaps."""
    entering = (state.harm[0].step != tick.step) | np.asarray(tick.restart, dtype=bool)
    past = state.dispersion
    if past is not None:
        tick = replace(tick, temper=phi(past, spec.dispersion_before or 1.0))
    told = tick.informative
    fresh = Totals.zero(state.totals.expected.shape).with_tick(tick)
    seconds = np.where(told, tick.interval.length_s, 0.0)
    exposures = np.where(told & tick.counts.compared, tick.counts.canary_exposures, 0.0)
    pairs = zip(processes[0], state.harm, strict=True)
    safes = zip(processes[1], state.promotion, strict=True)
    return replace(
        state,
        harm=tuple(update_harm(side, kept, tick) for side, kept in pairs),
        promotion=tuple(update_promotion(side, kept, tick) for side, kept in safes),
        ratio=update_ratio(state.ratio, tick),
        totals=state.totals.merge(fresh),
        step_expected=np.where(entering, 0.0, state.step_expected) + fresh.expected,
        step_ticks=np.where(entering, 0.0, state.step_ticks) + told,
        step_seconds=np.where(entering, 0.0, state.step_seconds) + seconds,
        step_exposures=np.where(entering, 0.0, state.step_exposures) + exposures,
        gaps=state.gaps.with_tick(*gap),
        dispersion=None if past is None else update_dispersion(past, tick),
    )
