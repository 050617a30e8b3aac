"""Do events come one by one, or in batches, retries and bursts of one arm?

phi is the variance of the split between the arms over its variance for independent events;
geometric batches of mean m have phi = 2 m - 1. The harm process divides its increments by phi.
Assumes batches of a finite variance, like those of the past. Guarantee: none that is exact; with
the right phi of before the rollout 0.2-1.2% of good releases were taken back for a budget of 1%,
with none of it 40%. When not to use: heavy tails, or wherever distinct units can be counted
instead. So phi is the largest of three views: before the rollout, since its start, and the last
ten minutes. All use past ticks only, so this file never sees the tick that it is used on. Called
by release, the simulator and the benchmarks.

Source: Pearson's statistic over its degrees of freedom (McCullagh & Nelder 1989, section 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.checks import numbers
from analysis.ticks import LARGEST, FloatArray, Tick

PRIOR_TICKS = 60.0
"""The value from before the rollout counts as much as this many ticks."""
IGNORED_BELOW = 1.25
"""Within the noise of the estimate: independent events must not pay for it."""
BUCKETS = 10
BUCKET_S = 60.0
NEVER = -(2**53)
"""Stands for the bucket before the first tick; times may be negative, but not so far."""
RUNNING_PRIOR_EVENTS = 5.0
"""Events at equal rates that steady the running estimate of the ratio at the start."""


@dataclass(frozen=True, slots=True)
class DispersionState:
    """Sums of squared Pearson residuals, in all and by minute. Arrays of shape ``(...)``.

    squares, ticks: sums since the start; recent: shape ``(10, 2, ...)``, the same by minute;
    bucket: index of the newest minute; observed, expected: canary events, and those that the
    baseline's rate would give.
    """

    squares: FloatArray
    ticks: FloatArray
    recent: FloatArray
    bucket: int
    observed: FloatArray
    expected: FloatArray

    @classmethod
    def start(cls, shape: tuple[int, ...] = ()) -> DispersionState:
        """Nothing seen."""
        zero = np.zeros(shape)
        return cls(zero, zero, np.zeros((BUCKETS, 2, *shape)), NEVER, zero, zero)


def phi(state: DispersionState, before: npt.ArrayLike) -> FloatArray:
    """The dispersion to divide by, >= 1; ``before``: its value from before the rollout.

    >>> float(phi(DispersionState.start(), before=7.0))
    7.0
    """
    prior = numbers(before, "before", least=1.0)
    overall = (PRIOR_TICKS * prior + state.squares) / (PRIOR_TICKS + state.ticks)
    squares, ticks = state.recent[:, 0].sum(axis=0), state.recent[:, 1].sum(axis=0)
    recent = (PRIOR_TICKS * prior + squares) / (PRIOR_TICKS + ticks)
    largest = np.maximum(np.maximum(prior, overall), recent)
    return np.where(largest < IGNORED_BELOW, 1.0, largest)


def update_dispersion(state: DispersionState, tick: Tick) -> DispersionState:
    """Fold one tick: the squared residual of its split around the estimate from before it."""
    counts = tick.counts
    fraction = counts.canary_fraction
    rate = (state.observed + RUNNING_PRIOR_EVENTS) / (state.expected + RUNNING_PRIOR_EVENTS)
    mean_share = fraction * rate / (1.0 - fraction + fraction * rate)
    total = counts.canary_events + counts.baseline_events
    variance = total * mean_share * (1.0 - mean_share)
    told = tick.informative & (variance > 0.0)
    residual = counts.canary_events - total * mean_share
    with np.errstate(over="ignore"):
        square = residual**2 / np.where(told, variance, 1.0)
    square = np.where(told, np.minimum(square, LARGEST), 0.0)
    bucket = int(tick.interval.start_s // BUCKET_S)
    recent = _roll(state.recent, state.bucket, bucket)
    recent[bucket % BUCKETS, 0] += square
    recent[bucket % BUCKETS, 1] += told
    compared = told & counts.compared
    rho = counts.canary_exposures / np.where(compared, counts.baseline_exposures, 1.0)
    return DispersionState(
        squares=state.squares + square,
        ticks=state.ticks + told,
        recent=recent,
        bucket=bucket,
        observed=state.observed + np.where(compared, counts.canary_events, 0.0),
        expected=state.expected + np.where(compared, rho * counts.baseline_events, 0.0),
    )


def _roll(recent: FloatArray, last: int, now: int) -> FloatArray:
    """A copy of the ring with the buckets between ``last`` and ``now`` emptied."""
    ring = recent.copy()
    if now - last >= BUCKETS:
        ring[:] = 0.0
        return ring
    for bucket in range(last + 1, now + 1):
        ring[bucket % BUCKETS] = 0.0
    return ring
