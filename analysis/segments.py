"""Is one part of the traffic harmed that the total hides? Evidence by payment, country or zone.

"No orders with method X" may be a loss of 2% in all. Each segment has a harm process of its own,
and all are averaged with fixed weights, so the budget of the whole is that of one metric whatever
the number of segments; one bad segment of weight w pays ln(1/w) nats for it. Beside them stands
a stratified process: harm that is common to all segments, each compared with its own baseline, so
that a canary with another mix of countries or zones is not blamed for the mix.

Hypotheses: H0 "in no segment r_s is beyond the edge". Guarantee: P(E >= 1/alpha at any time | H0)
<= alpha under the assumptions of counts in every segment; the segments may depend on each other
for the average (any dependence), but must be independent given their exposures for the stratified
part, which sums of independent Bernoulli or Poisson variables are. Segments, weights and rates are
fixed before the release; what belongs to none of them is one more segment, "other".
When not to use: segments chosen after looking; segments that the canary itself assigns.

Source: averages of e-values, Vovk & Wang 2021; naming, Wang & Ramdas 2022 (weighted e-BH).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, whole
from analysis.combine import guilty_by_ebh
from analysis.counts import log_evidence, update_harm
from analysis.entering import grid_of, with_starts_due
from analysis.factors import difference_factor, ratio_factor, weighed
from analysis.harm import HarmSpec, HarmState
from analysis.logspace import clip, log_weighted_mean
from analysis.ticks import Direction, FloatArray, Tick

UNIFORM_PART = 0.2
"""Of the segments' weight, spread evenly: a segment without history must not be invisible."""


@dataclass(frozen=True)
class SegmentsSpec:
    """Which segments there are, and what is harm in each.

    names: at least two, distinct. expected_rates: events per second of both arms in each, from
    history, > 0. direction, edge, difference, alpha, starts: see HarmSpec. common_part: weight of
    the stratified process, in [0, 1); the rest goes to the segments by expected information,
    which is in proportion to their events, after an even part.

    >>> spec = SegmentsSpec(("card", "invoice"), (45.0, 5.0), "Decrease", 0.99)
    >>> spec.weights().round(3).tolist()
    [0.5, 0.41, 0.09]
    """

    names: tuple[str, ...]
    expected_rates: tuple[float, ...]
    direction: Direction
    edge: float
    difference: float | None = None
    alpha: float = 0.01
    starts: int = 1
    common_part: float = 0.5

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) != len(self.names):
            raise ValueError(f"segments need at least two distinct names; came {self.names}")
        if len(self.expected_rates) != len(self.names):
            raise ValueError(
                f"one expected rate per segment ({len(self.names)}); "
                f"came {len(self.expected_rates)}"
            )
        if not all(0.0 < rate < math.inf for rate in self.expected_rates):
            raise ValueError(f"expected rates must be finite and > 0; came {self.expected_rates}")
        if not 0.0 <= self.common_part < 1.0:
            raise ValueError(f"common_part must lie in [0, 1); came {self.common_part}")
        whole(self.starts, "starts")
        self.sides()

    def sides(self) -> tuple[HarmSpec, HarmSpec]:
        """The specs of the stratified process and of the segments' own."""
        common = HarmSpec(
            self.direction,
            self.edge,
            difference=self.difference,
            alpha=self.alpha,
            expected_rate=sum(self.expected_rates),
            starts=self.starts,
        )
        return common, replace(common, expected_rate=np.array(self.expected_rates))

    def weights(self) -> FloatArray:
        """Weight of the stratified process, then of each segment; they sum to 1."""
        rates = np.array(self.expected_rates)
        even = np.full(rates.size, 1.0 / rates.size)
        own = UNIFORM_PART * even + (1.0 - UNIFORM_PART) * rates / rates.sum()
        return np.concatenate([[self.common_part], (1.0 - self.common_part) * own])

    def start(self, shape: tuple[int, ...] = ()) -> SegmentsState:
        """Nothing seen: E is exactly 1."""
        common, own = self.sides()
        return SegmentsState(common.start(shape), own.start((*shape, len(self.names))))


@dataclass(frozen=True, slots=True)
class SegmentsState:
    """common: the stratified process, shape ``(...)``; own: one per segment, ``(..., K)``."""

    common: HarmState
    own: HarmState


def update_segments(spec: SegmentsSpec, state: SegmentsState, tick: Tick) -> SegmentsState:
    """Fold one tick whose counts have a last axis of segments; share, step and the rest do not.

    A tick that was folded before changes nothing.

    >>> from analysis.ticks import Counts, Interval
    >>> spec = SegmentsSpec(("card", "invoice"), (45.0, 5.0), "Decrease", 0.99)
    >>> state = spec.start()
    >>> counts = Counts([23, 0], [900, 100], [427, 47], [17_100, 1_900])
    >>> for t in range(30):
    ...     state = update_segments(spec, state, Tick(Interval(10 * t, 10 * t + 10), counts, 0.05))
    >>> bool(log_evidence_of_segments(spec, state) > math.log(100))
    True
    >>> guilty_segments(spec, state)
    ('invoice',)
    """
    size = len(spec.names)
    if tick.counts.canary_fraction.shape[-1:] != (size,):
        raise ValueError(
            f"counts need a last axis of {size} segments; "
            f"came shape {tick.counts.canary_fraction.shape}"
        )
    if tick.interval.already_folded(state.own.window_end_s):
        return state
    common, own = spec.sides()
    each = replace(
        tick,
        share=_per_segment(tick.share),
        step=_per_segment(tick.step),
        missing=_per_segment(tick.missing),
        widen=_per_segment(tick.widen),
        restart=_per_segment(tick.restart),
        temper=_per_segment(tick.temper),
    )
    return SegmentsState(
        _update_common(common, state.common, tick, each), update_harm(own, state.own, each)
    )


def log_evidence_of_segments(spec: SegmentsSpec, state: SegmentsState) -> FloatArray:
    """ln E of harm in any segment or in all, shape ``(...)``; exactly 0 without data."""
    every = np.concatenate(
        [log_evidence(state.common)[..., None], log_evidence(state.own)], axis=-1
    )
    return log_weighted_mean(every, spec.weights())


def guilty_segments(
    spec: SegmentsSpec, state: SegmentsState, alpha: float | None = None
) -> tuple[str, ...]:
    """Segments named after an alarm, false discovery rate <= alpha; for one comparison.

    e-BH on K v_s E_s, with v the segments' weights scaled to sum 1. None may be named though the
    alarm is real: then the harm is common to all.
    """
    level = budget(spec.alpha if alpha is None else alpha)
    found = log_evidence(state.own)
    if found.size != len(spec.names):
        raise ValueError(f"segments are named for one comparison; came shape {found.shape}")
    own = spec.weights()[1:]
    weighted = found.reshape(-1) + np.log(own / own.mean())
    return tuple(spec.names[place] for place in guilty_by_ebh(weighted, level))


def _per_segment(value: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """A value of the whole comparison, shaped to meet the counts of its segments."""
    return np.asarray(value)[..., None]


def _update_common(spec: HarmSpec, state: HarmState, tick: Tick, each: Tick) -> HarmState:
    """The process of ``counts``, its increment summed over strata before it meets the grid."""
    state = with_starts_due(spec, state, tick)
    grid = grid_of(spec, state)
    offset, counts = grid.offset[..., None, :], tick.counts
    widen = np.asarray(each.widen, dtype=np.float64)
    edge = spec.edge * widen**spec.sign
    by_ratio = ratio_factor(counts, edge, offset).sum(axis=-2)
    by_difference = state.log_wealth_difference
    if by_difference is not None:
        assert spec.difference is not None
        gap = difference_factor(counts, spec.difference * widen, np.exp(offset), claim="Harm")
        by_difference = clip(by_difference + weighed(gap.sum(axis=-2), tick, None))
    told = ~np.asarray(tick.missing, dtype=bool) & counts.exposed.any(axis=-1)
    events = (counts.canary_events + counts.baseline_events).sum(axis=-1)
    return replace(
        state,
        log_wealth=clip(state.log_wealth + weighed(by_ratio, tick, None)),
        log_wealth_difference=by_difference,
        events=state.events + np.where(told, events, 0.0),
        seconds=state.seconds + np.where(told, tick.interval.length_s, 0.0),
        window_end_s=tick.interval.end_s,
        grid=grid,
    )
