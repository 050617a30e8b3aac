"""Which exposures does an order of now belong to? Conversion lag, and what follows from it.

With sticky sessions an order belongs to a session that began minutes ago, so after a change of
weight the current exposure is the wrong one: that alone rolled back every A/A run within 10 s.
Exposures are therefore spread over the delays: N'_t = sum_k f_k N_{t-k}. It knows exposures of
past ticks and a delay law; no events of the canary. Called before ``counts`` by the sampler.

Assumes that both arms share one law and that it is right. Guarantee: approximate only (true mean
300 s, assumed 240 s: 14% false rollback at a step from 1% to 5%). When not to use: where the arm is
stored with the session or each request is counted where it is served, for then there is no lag.
A checkout that is slower on the canary looks like loss in either case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.checks import number
from analysis.ticks import Counts, FloatArray

MOST_TICKS = 10_000
"""Mean delay in ticks that a law may have; it holds some seven times as many."""
SUM_WITHIN = 1e-6
TAIL = 1e-3
"""Part of the delays that a law may cut off; the rest is scaled to sum 1."""


def exponential_law(mean_s: float, tick_s: float) -> FloatArray:
    """Delay weights f_k of ticks 0, 1, ... for an exponential delay of ``mean_s`` > 0.

    Sums to 1, cut where less than 0.1% is left. Exposures and delays are spread evenly in a tick.

    >>> law = exponential_law(300.0, 10.0)
    >>> round(float(law.sum()), 12), law.size
    (1.0, 210)
    """
    number(mean_s, "mean_s", above=0.0)
    number(tick_s, "tick_s", above=0.0)
    if mean_s > MOST_TICKS * tick_s:
        raise ValueError(
            f"mean_s must be at most {MOST_TICKS:g} ticks; came {mean_s / tick_s:g} of {tick_s} s"
        )
    keep = math.exp(-tick_s / mean_s)
    size = max(1, math.ceil(math.log(TAIL) / math.log(keep)) + 1) if keep > 0.0 else 1
    # a session is half a tick old on average: its order falls into the same tick less often
    first = 1.0 - mean_s / tick_s * (1.0 - keep)
    later = (1.0 - first) * (1.0 - keep) * keep ** np.arange(size)
    law = np.concatenate([[first], later])
    return np.asarray(law / law.sum())


def delay_law(law: npt.ArrayLike) -> FloatArray:
    """``law`` as weights of ticks 0, 1, ...: a list of numbers >= 0 that sums to 1.

    >>> delay_law([0.5, 0.4])
    Traceback (most recent call last):
    ValueError: a delay law must be weights >= 0 that sum to 1; came a sum of 0.9
    """
    weights = np.asarray(law, dtype=np.float64)
    if weights.ndim != 1 or not weights.size:
        raise ValueError(f"a delay law must be a list of weights; came shape {weights.shape}")
    total = float(weights.sum())
    if not (weights >= 0.0).all() or not abs(total - 1.0) <= SUM_WITHIN:
        came = f"a sum of {total:.9g}" if (weights >= 0.0).all() else f"{law!r}"
        raise ValueError(f"a delay law must be weights >= 0 that sum to 1; came {came}")
    return weights


@dataclass(frozen=True, slots=True)
class LagState:
    """Exposures of both arms in past ticks, newest first, shape ``(ticks, 2, ...)``.

    assigned: exposures before the first tick are taken to be like the first one, split by the
    share that was in force then.
    """

    past: FloatArray

    @classmethod
    def start(cls, law: FloatArray, canary: npt.ArrayLike, baseline: npt.ArrayLike) -> LagState:
        """As if the exposures per tick had always been these (canary 0 before a rollout)."""
        pair = np.stack(np.broadcast_arrays(*_pair(canary, baseline)))
        return cls(np.repeat(pair[None], delay_law(law).size, axis=0))

    def update(self, canary: npt.ArrayLike, baseline: npt.ArrayLike) -> LagState:
        """One more tick of exposures."""
        pair = np.stack(np.broadcast_arrays(*_pair(canary, baseline)))
        return LagState(np.concatenate([pair[None], self.past[:-1]]))

    def exposures(self, law: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lag-convolved exposures (canary, baseline) of the newest tick."""
        weights = delay_law(law)[: self.past.shape[0]]
        spread = np.tensordot(weights, self.past[: weights.size], axes=(0, 0))
        return np.asarray(spread[0]), np.asarray(spread[1])


def lagged_counts(counts: Counts, state: LagState, law: FloatArray) -> Counts:
    """The tick's events over the exposures that they come from; ``state`` includes the tick.

    >>> law = np.array([0.5, 0.5])
    >>> state = LagState.start(law, 0.0, 100.0).update(10.0, 90.0)
    >>> lagged_counts(Counts(0, 10, 3, 90), state, law)
    Counts(canary 0/5, baseline 3/95)
    """
    canary, baseline = state.exposures(law)
    return Counts(counts.canary_events, canary, counts.baseline_events, baseline)


def plausible_counts(
    counts: Counts, state: LagState, laws: Sequence[FloatArray]
) -> tuple[Counts, Counts]:
    """(for a loss, for its absence): the least and the largest canary fraction of the laws.

    When the delay is known only roughly, harm is judged with the smallest expected share of the
    canary and promotion with the largest, so that each keeps its budget if any law is right.
    """
    if not laws:
        raise ValueError("plausible_counts needs at least one delay law; came none")
    options = [lagged_counts(counts, state, law) for law in laws]
    fractions = np.stack([option.canary_fraction for option in options])

    def chosen(which: npt.NDArray[np.int64]) -> Counts:
        def pick(values: list[FloatArray]) -> FloatArray:
            stacked = np.stack(values)
            return np.asarray(np.take_along_axis(stacked, which[None], axis=0)[0])

        return Counts(
            counts.canary_events,
            pick([option.canary_exposures for option in options]),
            counts.baseline_events,
            pick([option.baseline_exposures for option in options]),
        )

    return chosen(np.asarray(fractions.argmin(axis=0))), chosen(
        np.asarray(fractions.argmax(axis=0))
    )


def estimated_mean_s(
    exposures: npt.ArrayLike, events: npt.ArrayLike, tick_s: float, *, longest_s: float = 3600.0
) -> float:
    """Mean delay by Poisson likelihood of baseline history, among exponential laws.

    exposures, events: per tick, shape ``(T,)``, from before the rollout, with traffic that
    varies: a constant rate says nothing about delay, and gives whatever fits its noise. Returns
    seconds between tick_s / 10 and ``longest_s``; 2% steps.

    >>> rng = np.random.default_rng(2)
    >>> sessions = rng.poisson(3000 * (1 + 0.9 * np.sin(np.arange(3000) / 60)))
    >>> orders = rng.poisson(0.03 * np.convolve(sessions, exponential_law(300, 10))[:3000])
    >>> 270 < estimated_mean_s(sessions, orders, 10.0) < 330
    True
    """
    shown, came = np.asarray(exposures, float), np.asarray(events, float)
    if shown.ndim != 1 or shown.shape != came.shape or shown.size < 10:
        raise ValueError(
            "exposures and events must be lists of one length >= 10; "
            f"came shapes {shown.shape}, {came.shape}"
        )
    number(tick_s, "tick_s", above=0.0)
    number(longest_s, "longest_s", above=tick_s / 10.0)
    means = np.exp(np.arange(math.log(tick_s / 10.0), math.log(longest_s), 0.02))
    # every law is judged on the same ticks: those whose history is long enough for the longest
    skip = min(exponential_law(longest_s, tick_s).size, shown.size // 2)

    def fit(mean_s: float) -> float:
        return _likelihood(shown, came, exponential_law(mean_s, tick_s), skip)

    coarse = max(means[::10], key=fit)
    near = means[np.abs(np.log(means / coarse)) < 0.2]
    return float(max(near, key=fit))


def _likelihood(exposures: FloatArray, events: FloatArray, law: FloatArray, skip: int) -> float:
    """Profile Poisson log-likelihood over the conversion rate."""
    spread = np.convolve(exposures, law)[: exposures.size]
    x, y = np.maximum(spread[skip:], 1e-9), events[skip:]
    rate = max(float(y.sum() / x.sum()), 1e-300)
    return float((y * np.log(rate * x) - rate * x).sum())


def _pair(canary: npt.ArrayLike, baseline: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    pair = np.asarray(canary, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if not all((arm >= 0.0).all() and np.isfinite(arm).all() for arm in pair):
        raise ValueError(f"exposures must be finite and >= 0; came {canary!r}, {baseline!r}")
    return pair
