"""What one tick multiplies the evidence by: the exact forms for counts of two arms.

Pure formulas on arrays. Each returns ln of a factor whose expectation is at most 1 for every
member of its null hypothesis, conditionally on the past and on the exposures, for Poisson counts
and for sums of independent Bernoulli trials alike. They know nothing of grids, steps or budgets.
Called by counts (evidence of harm) and promotion (evidence that harm is excluded).

Why: E[x^S] <= exp(mu (x - 1)) for both kinds of count, with equality for Poisson, because
ln(1 + u) <= u. Each factor below is x^{S_c} y^{S_b} times a constant that makes the exponents
cancel at the edge of the null. It fails if the arms' events are not independent sums given a
common intensity (several events per unit, retries, arm effects): see dispersion.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.ticks import Counts, FloatArray, Tick

REACH = 0.98
"""How much of its legal range an excess bet may use; at 1 a single baseline event would ruin it."""


def ratio_factor(counts: Counts, edge: npt.ArrayLike, offset: FloatArray) -> FloatArray:
    """ln factor for the null "rate ratio r is on the other side of ``edge``", per alternative.

    Alternatives are r = edge * exp(offset). With rho = N_c / N_b,

        S_c ln(r/r0) + (S_c + S_b) (ln(1 + rho r0) - ln(1 + rho r)),

    the likelihood ratio of S_c ~ Binomial(S_c + S_b, rho r / (1 + rho r)); written with exposure
    fractions, so that an arm without exposures needs no special case. A tick without canary
    exposures is not dropped: events of earlier exposures still count against a loss.

    counts: shape ``(...)``; edge: > 0, shape ``(...)`` ; offset: shape ``(..., G)``.
    Returns shape ``(..., G)``; zero where nothing was exposed.

    >>> counts = Counts(5, 1, 300, 19)
    >>> float(ratio_factor(counts, 1.0, np.log([0.5]))[0].round(6))
    4.256196
    """
    canary = counts.canary_fraction[..., None]
    edge = np.asarray(edge, dtype=np.float64)[..., None]
    at_edge = (1.0 - canary) + canary * edge
    events = counts.canary_events[..., None]
    total = events + counts.baseline_events[..., None]
    log_mean = np.log1p(canary * edge * np.expm1(offset) / at_edge)
    factor = events * offset - total * log_mean
    return np.where(counts.exposed[..., None], factor, 0.0)


def difference_factor(
    counts: Counts, difference: npt.ArrayLike, bet: FloatArray, *, claim: Literal["Harm", "Safe"]
) -> FloatArray:
    """ln factor for a null about the difference of the rates, per bet x on the canary's events.

    With rho = N_c / N_b and D the difference,

        S_c ln x + S_b ln(1 + rho (1 - x)) + sign N_c D |1 - x|.

    | claim | sign | x < 1: H0 | x > 1: H0 |
    | Safe  | +    | p_c >= p_b + D (errors) | p_c <= p_b - D (orders) |
    | Harm  | -    | p_c >= p_b - D (orders) | p_c <= p_b + D (errors) |

    Exposures without any event are evidence here: a thousand requests without an error exclude
    an error rate of 1% more. A bet x >= 1 + 1/rho is drawn back inside its legal range, which
    uses the exposures of the tick alone, and everything is conditional on those. Zero where
    the baseline has no exposures: a difference needs two rates.

    bet: shape ``(..., G)``; returns the same shape.

    >>> bet = np.array([0.1])
    >>> round(float(difference_factor(Counts(0, 1000, 0, 9000), 0.01, bet, claim="Safe")[0]), 6)
    9.0
    >>> bet = np.array([2.0])
    >>> round(float(difference_factor(Counts(9, 100, 0, 900), 0.01, bet, claim="Harm")[0]), 4)
    5.2383
    """
    compared = counts.compared[..., None]
    exposures = counts.canary_exposures[..., None]
    baseline = np.where(compared, counts.baseline_exposures[..., None], 1.0)
    rho = np.where(compared, exposures / baseline, 0.0)
    gap = np.maximum(1.0 - bet, -REACH / np.maximum(rho, 1e-12))
    allowed = exposures * np.asarray(difference, dtype=np.float64)[..., None] * np.abs(gap)
    factor = counts.canary_events[..., None] * np.log1p(-gap)
    factor = factor + counts.baseline_events[..., None] * np.log1p(rho * gap)
    factor = factor + allowed if claim == "Safe" else factor - allowed
    return np.where(compared, factor, 0.0)


def weighed(factor: FloatArray, tick: Tick, truncate_nats: float | None) -> FloatArray:
    """``factor`` as it may be used: divided by the dispersion, cut from above, 0 where missing.

    Cutting from above only makes an e-process smaller. Dividing is approximate: it restores the
    variance of a split of batches, not its tails, so the two go together.
    """
    temper = np.asarray(tick.temper, dtype=np.float64)
    if temper.ndim or temper != 1.0:
        factor = factor / temper[..., None]
    if truncate_nats is not None:
        factor = np.minimum(factor, truncate_nats)
    missing = np.asarray(tick.missing, dtype=bool)
    return np.where(missing[..., None], 0.0, factor) if missing.any() else factor
