"""Is harm beyond the step's margin excluded? Evidence that promotes a step.

Roles are swapped against counts: H0 is "harm lies at the margin or beyond it", so no data is no
evidence, and nothing is ever promoted for want of a failure. A step may be promoted at t only if
both hold for every required comparison:

1. the process that began with the step, never restarted, has E(t) >= 1/beta now;
2. for every start k on a grid of ``spacing_s`` with k <= t - d, E_k(t) >= 1/beta.

Guarantee: if r is beyond the margin from any unknown time nu on, P(promoted at any
t >= nu + d + spacing) <= beta, however often one looks: the smallest of the processes is at most
the one that started just after nu (Ville 1939). Harm younger than that is for the bake,
the next step and the watch. Simpler rules are wrong: a trailing window alone promoted 9-15% of
releases at the margin, the step's process alone 56-99% when an hour of health came first.

Assumptions as in counts. Callers: release, the simulator. Arrays have any leading shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis import checks
from analysis.factors import difference_factor, ratio_factor, weighed
from analysis.logspace import log_sum, settle
from analysis.margins import Alternatives, Margin, seconds_to_promote
from analysis.snapshots import Snapshots
from analysis.ticks import Direction, FloatArray, IntArray, Tick

MOST_YOUNG = 31
"""Starts kept that are younger than d; a longer d gets a coarser grid of starts."""
COVER_IN_EVIDENCE_TIMES = 2.0
"""d is this many expected evidence times, so that a recent start has had time to show health."""


@dataclass(frozen=True, slots=True)
class PromotionSpec:
    """The margin of each step and the promise of the rule.

    margins: one per step; None asks for no evidence at that step. beta: budget of a false
    promotion per step. cover_s: least d, in seconds. spacing_s: grid of starts. expected_rate:
    events of both arms per second from history, until the release has a rate of its own.
    stretch_cover: d is at least twice the time that a healthy canary needs to show its health;
    off, d is ``cover_s`` whatever the traffic. truncate_nats: see HarmSpec.

    >>> PromotionSpec("Decrease", (Margin(1.2),))
    Traceback (most recent call last):
    ValueError: the margin of a Decrease must be a ratio below 1; came 1.2
    """

    direction: Direction
    margins: tuple[Margin | None, ...]
    beta: float = 0.05
    cover_s: float = 300.0
    spacing_s: float = 60.0
    expected_rate: float | None = None
    stretch_cover: bool = True
    truncate_nats: float | None = None

    def __post_init__(self) -> None:
        checks.direction(self.direction)
        checks.budget(self.beta, "beta")
        if self.expected_rate is not None:
            checks.number(self.expected_rate, "expected_rate", above=0.0)
        if self.truncate_nats is not None:
            checks.number(self.truncate_nats, "truncate_nats", above=0.0)
        if not (self.spacing_s > 0.0 and 0.0 <= self.cover_s < math.inf):
            raise ValueError(
                f"spacing_s must be > 0 and cover_s >= 0; came {self.spacing_s}, {self.cover_s}"
            )
        for margin in self.margins:
            if margin is not None:
                margin.fits(self.direction)

    def start(self, shape: tuple[int, ...] = ()) -> PromotionState:
        """The state before any tick: E is exactly 1, which promotes nothing."""
        bets = Alternatives.of(self.direction, self.margins)
        return PromotionState(
            log_sums=np.zeros((*shape, bets.count)),
            snapshots=Snapshots.none(shape, bets.count),
            cover_s=np.full(shape, float(self.cover_s)),
            last_start_s=np.full(shape, -math.inf),
            step=np.full(shape, -1),
            events=np.zeros(shape),
            exposures=np.zeros(shape),
            seconds=np.zeros(shape),
            window_end_s=-math.inf,
            bets=bets,
        )


@dataclass(frozen=True, slots=True)
class PromotionState:
    """ln factor sums L of each bet since the step began, and its snapshots.

    log_sums: shape ``(..., A)``, not clipped, as only differences are used. cover_s: d in use.
    last_start_s: newest start on the grid. events, exposures, seconds: of both arms over the
    release, for the pace. bets: derived from the spec.
    """

    log_sums: FloatArray
    snapshots: Snapshots
    cover_s: FloatArray
    last_start_s: FloatArray
    step: IntArray
    events: FloatArray
    exposures: FloatArray
    seconds: FloatArray
    window_end_s: float
    bets: Alternatives


def update_promotion(spec: PromotionSpec, state: PromotionState, tick: Tick) -> PromotionState:
    """Fold one tick; a new step begins from nothing. Idempotent by interval, as update_harm."""
    if tick.interval.already_folded(state.window_end_s):
        return state
    state = _with_start_due(spec, _in_step(state, tick), tick)
    counts, told = tick.counts, tick.informative
    events = counts.canary_events + counts.baseline_events
    exposures = counts.canary_exposures + counts.baseline_exposures
    return replace(
        state,
        log_sums=state.log_sums + _increment(spec, state, tick),
        snapshots=state.snapshots.aged(tick.interval.end_s - state.cover_s),
        events=state.events + np.where(told, events, 0.0),
        exposures=state.exposures + np.where(told, exposures, 0.0),
        seconds=state.seconds + np.where(told, tick.interval.length_s, 0.0),
        window_end_s=tick.interval.end_s,
    )


def _in_step(state: PromotionState, tick: Tick) -> PromotionState:
    """The state with nothing left of an earlier step, where this tick begins a new one."""
    entering = np.asarray((state.step != tick.step) | np.asarray(tick.restart, dtype=bool))
    if not entering.any():
        return state
    entering = np.broadcast_to(entering, state.step.shape)
    return replace(
        state,
        log_sums=np.where(entering[..., None], 0.0, state.log_sums),
        snapshots=state.snapshots.forget(entering),
        last_start_s=np.where(entering, -math.inf, state.last_start_s),
        step=np.where(entering, tick.step, state.step),
    )


def _with_start_due(spec: PromotionSpec, state: PromotionState, tick: Tick) -> PromotionState:
    """One more start where the grid has one before this tick; d is looked at anew with it.

    d and the grid follow from past ticks and from both arms' sums together.
    """
    spacing = np.maximum(spec.spacing_s, state.cover_s / MOST_YOUNG)
    due = tick.interval.start_s >= state.last_start_s + spacing * (1.0 - 1e-9)
    if not due.any():
        return state
    at_s = tick.interval.start_s
    cover_s = state.cover_s
    if spec.stretch_cover:
        cover_s = np.where(due, _cover(spec, state, tick), cover_s)
    return replace(
        state,
        snapshots=state.snapshots.with_start(at_s, state.log_sums, due),
        last_start_s=np.where(due, at_s, state.last_start_s),
        cover_s=cover_s,
    )


def _cover(spec: PromotionSpec, state: PromotionState, tick: Tick) -> FloatArray:
    """d: the least one, or twice the expected evidence time at the pace of the past."""
    seen = state.seconds > 0.0
    seconds = np.where(seen, state.seconds, np.nan)
    stated = math.nan if spec.expected_rate is None else spec.expected_rate
    events = np.where(seen, state.events / seconds, stated)
    share = np.broadcast_to(np.asarray(tick.share, dtype=np.float64), state.step.shape)
    pace = state.bets.nats_per_second(state.step, share, events, state.exposures / seconds)
    pace = pace / np.asarray(tick.temper, dtype=np.float64)
    needed = COVER_IN_EVIDENCE_TIMES * seconds_to_promote(pace, spec.beta)
    return np.maximum(spec.cover_s, np.where(np.isfinite(needed), needed, spec.cover_s))


def _increment(spec: PromotionSpec, state: PromotionState, tick: Tick) -> FloatArray:
    bets, step = state.bets, state.step
    factor = ratio_factor(tick.counts, bets.edge[step], bets.offset[step])
    if bets.bet.size:
        by_difference = difference_factor(
            tick.counts, bets.difference[step], bets.bet, claim="Safe"
        )
        factor = np.concatenate([factor, by_difference], axis=-1)
    return weighed(factor, tick, spec.truncate_nats)


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
    return np.asarray(np.minimum(log_evidence_of_step(state), recent))


def _mixed(state: PromotionState, log_sums: FloatArray) -> FloatArray:
    weight = state.bets.log_weight[np.maximum(state.step, 0)]
    asked = np.asarray(np.isfinite(weight).any(axis=-1))
    empty = np.isposinf(log_sums[..., 0])
    terms = np.where(np.isposinf(log_sums), 0.0, log_sums) + weight
    value = settle(log_sum(np.where(asked[..., None], terms, 0.0)))
    return np.where(asked & ~empty, value, np.inf)
