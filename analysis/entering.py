"""When a step or a minute begins: which grid its bets are placed on, and how much is bet.

Everything here uses the past only: the share and rate known when the step begins, and the wealth
that waits. It never sees the counts of the tick at hand. Called by counts before each tick.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analysis import prior, starts
from analysis.harm import Grid, HarmSpec, HarmState
from analysis.logspace import log_add
from analysis.ticks import FloatArray, Tick

RATE_NEEDS_S = 60.0
"""Seconds of past ticks before their rate replaces the fallback in the choice of a grid."""


def grid_of(spec: HarmSpec, state: HarmState) -> Grid:
    """The grid that the state's two sigmas make; kept in the state once made."""
    if state.grid is not None:
        return state.grid
    cells = prior.harm_cells(spec.direction, state.finest_sigma)
    return Grid(spec.sign * cells, prior.harm_log_weights(cells, state.sigma))


def with_starts_due(spec: HarmSpec, state: HarmState, tick: Tick) -> HarmState:
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
    """A start of its own for the new step, on a grid made for its share and the past rate.

    Batches carry the information of rate / temper independent events.
    """
    rate = _rate(spec, state) / np.asarray(tick.temper, dtype=np.float64)
    n_opt = prior.events_in_sight(rate, tick.share)
    sigma = np.where(entering, prior.detectable_effect(spec.alpha, n_opt), state.sigma)
    finest = np.minimum(state.finest_sigma, sigma)
    state = _on_finergrid_of(spec, state, finest)
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
    # the sum of a minute's ticks may be a few last bits short of a minute
    known = state.seconds >= RATE_NEEDS_S * (1.0 - 1e-6)
    past = np.where(known, state.events / np.maximum(state.seconds, 1.0), np.nan)
    if spec.expected_rate is None:
        return past
    stated = np.asarray(spec.expected_rate, dtype=np.float64)
    return np.where(np.isnan(stated), past, stated)


def _on_finergrid_of(spec: HarmSpec, state: HarmState, finest: FloatArray) -> HarmState:
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
    grid = grid_of(spec, state)
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
