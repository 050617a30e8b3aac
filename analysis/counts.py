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

from dataclasses import replace

import numpy as np

from analysis.entering import grid_of, with_starts_due
from analysis.factors import difference_factor, ratio_factor, weighed
from analysis.harm import Grid, HarmSpec, HarmState
from analysis.logspace import clip, log_add, log_sum, settle
from analysis.ticks import FloatArray, Tick

__all__ = ["HarmSpec", "HarmState", "log_evidence", "update_harm"]

NOTHING = 1e-300
"""Stands for wealth of zero where a logarithm is taken."""


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
    state = with_starts_due(spec, state, tick)
    grid = grid_of(spec, state)
    wealth = state.log_wealth + _increment(spec, grid, tick)
    by_difference = state.log_wealth_difference
    if by_difference is not None:
        by_difference = clip(by_difference + _difference_increment(spec, grid, tick))
    counts, informative = tick.counts, tick.informative
    events = np.where(informative, counts.canary_events + counts.baseline_events, 0.0)
    return replace(
        state,
        log_wealth=clip(wealth),
        log_wealth_difference=by_difference,
        events=state.events + events,
        seconds=state.seconds + np.where(informative, tick.interval.length_s, 0.0),
        window_end_s=tick.interval.end_s,
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


def _increment(spec: HarmSpec, grid: Grid, tick: Tick) -> FloatArray:
    edge = spec.edge * np.asarray(tick.widen, dtype=np.float64) ** spec.sign
    return weighed(ratio_factor(tick.counts, edge, grid.offset), tick, spec.truncate_nats)


def _difference_increment(spec: HarmSpec, grid: Grid, tick: Tick) -> FloatArray:
    assert spec.difference is not None
    widen = np.asarray(tick.widen, dtype=np.float64)
    bet = np.exp(grid.offset)
    factor = difference_factor(tick.counts, spec.difference * widen, bet, claim="Harm")
    return weighed(factor, tick, spec.truncate_nats)
