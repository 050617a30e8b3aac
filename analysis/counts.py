"""Is the canary worse than tolerated? Evidence of harm from two streams of counted events.

The conditional-binomial e-process over a grid of rate ratios, mixed over start times: exact
under continuous looks, any traffic, any schedule of weights. It knows counts and intervals; not
what they mean, how many metrics there are, or what is decided. Called by release (one release)
and by the simulator (thousands of runs at once): every array has any leading shape ``(...)``.

Hypotheses: H0 "the rate ratio r = (canary per exposure) / (baseline per exposure) is not beyond
``edge`` on the harmful side"; with ``difference``, H0 is "not beyond the edge *or* not worse by
more than the difference". Guarantee: P(E >= 1/alpha at any time | H0) <= alpha (Ville 1939), if
at every tick and given the past and the exposures the arms' events are independent sums of
Bernoulli or Poisson variables given a common intensity, and edge, grid, starts, exclusions and
dispersion use only the past. When not to use: a ratio near one half (valid, but blind by a factor
1 - p), events that do not come from the counted exposures, several events per unit.

Sources: Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021; Lindon & Malek 2022; start-time
mixture as in Shin, Ramdas & Rinaldo 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis import dispersion, prior, starts
from analysis.factors import difference_factor, ratio_factor
from analysis.logspace import clip, log_add, log_sum, settle
from analysis.ticks import Direction, FloatArray, IntArray, Tick

RATE_NEEDS_S = 60.0
"""Seconds of past ticks before their rate replaces the fallback in the choice of a grid."""

NOTHING = 1e-300
"""Stands for wealth of zero where a logarithm is taken."""


@dataclass(frozen=True, slots=True)
class HarmSpec:
    """What counts as harm, and how sharply to look for it.

    direction: the harmful side. edge: r0, <= 1 for Decrease, >= 1 for Increase; inside it nobody
    is woken. difference: absolute rate that is tolerated as well (errors per request), or None.
    alpha: error budget, chooses the grid only. expected_rate: events of both arms per second
    from history, None or NaN if unknown. batched: events may come in batches, so temper by the
    dispersion; dispersion_before: its value before the rollout. truncate_nats: most that one
    tick may add to any cell (None: no limit); needed with ``batched``. late_starts: off for
    tests and for callers that look once. starts: steps that the release will have, the watch
    included; each owns a part of the wealth.

    >>> HarmSpec("Decrease", edge=1.1)
    Traceback (most recent call last):
    ValueError: the edge of a Decrease must lie in (0, 1]; came 1.1
    """

    direction: Direction
    edge: float
    difference: float | None = None
    alpha: float = 0.01
    expected_rate: npt.ArrayLike | None = None
    batched: bool = False
    dispersion_before: float = 1.0
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
        if not 1.0 <= self.dispersion_before < np.inf:
            raise ValueError(f"dispersion must be >= 1; came {self.dispersion_before}")
        if self.truncate_nats is not None and not self.truncate_nats > 0.0:
            raise ValueError(f"truncate_nats must be > 0; came {self.truncate_nats}")
        if self.starts < 1:
            raise ValueError(f"starts must be >= 1; came {self.starts}")

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
            dispersion=dispersion.DispersionState.start(shape) if self.batched else None,
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
    dispersion: dispersion.DispersionState | None
    grid: Grid | None


def update_harm(spec: HarmSpec, state: HarmState, tick: Tick) -> HarmState:
    """Fold one tick. A tick that was folded before changes nothing; an overlap is a ValueError.

    >>> from analysis.ticks import Counts, Interval
    >>> spec = HarmSpec("Decrease", edge=0.99, expected_rate=50.0)
    >>> lost = Tick(Interval(0, 10), Counts(0, 170, 495, 16500), share=0.01)
    >>> round(float(log_evidence(update_harm(spec, spec.start(), lost))), 3)
    3.018
    """
    if tick.interval.already_folded(state.window_end_s):
        return state
    state = _with_starts_due(spec, state, tick)
    grid = _grid(spec, state)
    wealth = state.log_wealth + _increment(spec, state, grid, tick)
    by_difference = state.log_wealth_difference
    if by_difference is not None:
        by_difference = clip(by_difference + _difference_increment(spec, state, grid, tick))
    counts, informative = tick.counts, tick.informative
    events = np.where(informative, counts.canary_events + counts.baseline_events, 0.0)
    past = state.dispersion
    return replace(
        state,
        log_wealth=clip(wealth),
        log_wealth_difference=by_difference,
        events=state.events + events,
        seconds=state.seconds + np.where(informative, tick.interval.length_s, 0.0),
        window_end_s=tick.interval.end_s,
        dispersion=None if past is None else dispersion.update_dispersion(past, tick),
        grid=grid,
    )


def log_evidence(state: HarmState) -> FloatArray:
    """ln E, shape ``(...)``: exactly 0 without data; reject H0 once it reaches ln(1/alpha).

    With a tolerated difference it is the smaller of the two processes: harm must lie beyond
    both, and each is an e-process for its own null.
    """
    ratio = _log_total(state.log_wealth, state.waiting)
    if state.log_wealth_difference is None:
        return ratio
    return np.minimum(ratio, _log_total(state.log_wealth_difference, state.waiting))


def _log_total(log_wealth: FloatArray, waiting: FloatArray) -> FloatArray:
    moving = log_sum(log_wealth)
    return settle(log_add(moving, np.log(np.maximum(waiting, NOTHING))))


def _grid(spec: HarmSpec, state: HarmState) -> Grid:
    if state.grid is not None:
        return state.grid
    cells = prior.harm_cells(spec.direction, state.finest_sigma)
    return Grid(spec.sign * cells, prior.harm_log_weights(cells, state.sigma))


def _increment(spec: HarmSpec, state: HarmState, grid: Grid, tick: Tick) -> FloatArray:
    edge = spec.edge * np.asarray(tick.widen, dtype=np.float64) ** spec.sign
    return _tempered(spec, state, tick, ratio_factor(tick.counts, edge, grid.offset))


def _difference_increment(spec: HarmSpec, state: HarmState, grid: Grid, tick: Tick) -> FloatArray:
    assert spec.difference is not None
    widen = np.asarray(tick.widen, dtype=np.float64)
    bet = np.exp(grid.offset)
    factor = difference_factor(tick.counts, spec.difference * widen, bet, claim="Harm")
    return _tempered(spec, state, tick, factor)


def _tempered(spec: HarmSpec, state: HarmState, tick: Tick, factor: FloatArray) -> FloatArray:
    """Divide by the dispersion of the past, cut from above, drop where data is missing."""
    if state.dispersion is not None:
        factor = factor / dispersion.phi(state.dispersion, spec.dispersion_before)[..., None]
    if spec.truncate_nats is not None:
        factor = np.minimum(factor, spec.truncate_nats)
    missing = np.asarray(tick.missing, dtype=bool)
    return np.where(missing[..., None], 0.0, factor) if missing.any() else factor


def _with_starts_due(spec: HarmSpec, state: HarmState, tick: Tick) -> HarmState:
    """Bet the mass of the step or the minute that this tick begins; before its counts are used."""
    entering = (state.step != tick.step) | np.asarray(tick.restart, dtype=bool)
    if entering.any():
        state = _enter_step(spec, state, tick, entering)
    elapsed = tick.interval.start_s - state.step_start_s
    minute = np.floor(elapsed / starts.MINUTE_S).astype(np.int64) + 1
    due = (minute > state.minute) & spec.late_starts
    if not due.any():
        return state
    late = np.where(due, starts.late_mass(minute) * state.start_mass, 0.0)
    return replace(_bet(spec, state, late), minute=np.maximum(minute, state.minute))


def _enter_step(
    spec: HarmSpec, state: HarmState, tick: Tick, entering: npt.NDArray[np.bool_]
) -> HarmState:
    """A start of its own for the new step, on a grid made for its share and the past rate."""
    n_opt = prior.events_in_sight(_rate(spec, state), tick.share)
    sigma = np.where(entering, prior.detectable_effect(spec.alpha, n_opt), state.sigma)
    finest = np.minimum(state.finest_sigma, sigma)
    state = _on_finer_grid(spec, state, finest)
    ordinal = state.ordinal + entering
    mass = np.where(
        entering, starts.start_mass(ordinal, spec.starts, state.waiting), state.start_mass
    )
    state = replace(
        state,
        sigma=sigma,
        finest_sigma=finest,
        step=np.where(entering, tick.step, state.step),
        ordinal=ordinal,
        minute=np.where(entering, 1, state.minute),
        start_mass=mass,
        step_start_s=np.where(entering, tick.interval.start_s, state.step_start_s),
        grid=None,
    )
    part = starts.AT_ONCE if spec.late_starts else 1.0
    return _bet(spec, state, np.where(entering, part * mass, 0.0))


def _rate(spec: HarmSpec, state: HarmState) -> FloatArray:
    """Events per second of both arms: as configured, else of the past, else NaN (unknown)."""
    past = np.where(
        state.seconds >= RATE_NEEDS_S, state.events / np.maximum(state.seconds, 1.0), np.nan
    )
    if spec.expected_rate is None:
        return past
    stated = np.asarray(spec.expected_rate, dtype=np.float64)
    return np.where(np.isnan(stated), past, stated)


def _on_finer_grid(spec: HarmSpec, state: HarmState, finest: FloatArray) -> HarmState:
    """The state with its wealth moved to the cells of ``finest``, where there is any to move."""
    moved = np.asarray((finest < state.finest_sigma) & np.isfinite(state.finest_sigma))
    if not moved.any():
        return state
    old = np.where(moved, state.finest_sigma, finest)

    def carried(wealth: FloatArray) -> FloatArray:
        return np.where(moved[..., None], prior.rebet(wealth, spec.direction, old, finest), wealth)

    by_difference = state.log_wealth_difference
    return replace(
        state,
        log_wealth=carried(state.log_wealth),
        log_wealth_difference=None if by_difference is None else carried(by_difference),
    )


def _bet(spec: HarmSpec, state: HarmState, mass: FloatArray) -> HarmState:
    """Move ``mass`` from what waits onto the grid, by the weights of the current step."""
    grid = _grid(spec, state)
    with np.errstate(divide="ignore"):
        placed = grid.log_weight + np.log(mass)[..., None]
    by_difference = state.log_wealth_difference
    return replace(
        state,
        log_wealth=log_add(state.log_wealth, placed),
        log_wealth_difference=None if by_difference is None else log_add(by_difference, placed),
        waiting=state.waiting - mass,
        grid=grid,
    )
