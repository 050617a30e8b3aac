"""Many metrics, one verdict: how e-values are put together, and who is to be named.

Hypotheses: H0 "every metric's null holds"; an e-value has an expectation of at most 1 under it.
Assumes e-values that are valid in the joint history, and weights fixed beforehand. Guarantee:
P(the mean of e-processes ever reaches 1/alpha | H0) <= alpha under any dependence between the
metrics. When not to use: weights or metrics chosen after looking, p-values (``adjusted_p``), a
product of dependent parts. It knows log e-values and weights; not metrics, steps or time. Called
by release and by whoever wants the rules in a notebook.

Sources: Vovk & Wang 2021 (means); Wang & Ramdas 2022 (e-BH); Holm 1979.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from analysis.checks import budget
from analysis.logspace import log_weighted_mean, settle
from analysis.ticks import FloatArray


def rollback_evidence(log_e: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
    """ln of the weighted mean of e-values along the last axis: the statistic of a rollback.

    log_e: ln E_j, shape ``(..., J)``, valid in the joint history; weights: ``(J,)``, >= 0, fixed
    beforehand, scaled to sum 1. A mean of e-values is one under any dependence, and it dominates
    weighted Bonferroni, so correlated metrics need no correction. Reject at ln(1/alpha). Exactly
    0 where every E is 1 (Vovk & Wang 2021, section 3).

    >>> round(float(np.exp(rollback_evidence(np.log([30, 0.5, 0.2, 400]), [1, 1, 1, 1]))), 3)
    107.675
    """
    values, share = _evidence(log_e), np.asarray(weights, dtype=np.float64)
    if share.ndim != 1 or not (share >= 0.0).all() or not 0.0 < share.sum() < math.inf:
        raise ValueError(f"weights must be >= 0 with a positive sum; came {weights!r}")
    if values.shape[-1] != share.size:
        raise ValueError(f"one weight per e-value; came {share.size} for {values.shape[-1]}")
    return log_weighted_mean(values, share)


def mean_evidence(log_e: npt.ArrayLike) -> FloatArray:
    """ln of the plain mean along the last axis: edges of one histogram, segments of one metric.

    >>> float(mean_evidence([0.0, 0.0, 0.0]))
    0.0
    """
    values = _evidence(log_e)
    if values.shape[-1] == 0:
        raise ValueError("a mean needs at least one e-value; came none")
    if values.shape[-1] == 1:
        return values[..., 0]
    return log_weighted_mean(values, np.ones(values.shape[-1]))


def promotion_evidence(log_e: npt.ArrayLike) -> FloatArray:
    """The weakest evidence along the last axis: every required metric must exclude harm alone.

    Intersection-union: no correction is needed, and none helps. An empty axis asks for nothing
    and gives +inf; a metric without data gives 0 and so holds the step.

    >>> float(promotion_evidence([3.2, 0.0, 7.0]))
    0.0
    """
    values = _evidence(log_e)
    return np.asarray(values.min(axis=-1, initial=math.inf))


def joint_evidence(log_e: npt.ArrayLike) -> FloatArray:
    """ln of the product along the last axis, for parts that are independent or follow in time.

    >>> float(joint_evidence([1.0, -0.25]))
    0.75
    """
    return settle(_evidence(log_e).sum(axis=-1))


def guilty_by_ebh(log_e: npt.ArrayLike, alpha: float) -> list[int]:
    """Indexes named by e-BH: false discovery rate <= alpha under any dependence.

    The largest k such that the k-th largest of K values is at least K / (alpha k) (Wang & Ramdas
    2022). For naming metrics after an alarm, not for raising one.

    >>> guilty_by_ebh(np.log([30, 0.5, 0.2, 450]), alpha=0.01)
    [3]
    """
    values = _list(log_e)
    budget(alpha)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(1, values.size + 1)
    passing = values[order] >= np.log(values.size / (alpha * ranks)) - 1e-12
    named = int(ranks[passing].max()) if passing.any() else 0
    return sorted(int(i) for i in order[:named])


def guilty_by_holm(log_e: npt.ArrayLike, alpha: float) -> list[int]:
    """Indexes named by Holm on p = min(1, 1/E): family-wise error <= alpha, any dependence.

    >>> guilty_by_holm(np.log([30, 0.5, 0.2, 450]), alpha=0.01)
    [3]
    """
    values = _list(log_e)
    budget(alpha)
    named: list[int] = []
    for place, index in enumerate(np.argsort(-values, kind="stable")):
        if values[index] < math.log((values.size - place) / alpha) - 1e-12:
            break
        named.append(int(index))
    return sorted(named)


def _evidence(log_e: npt.ArrayLike) -> FloatArray:
    """ln E along a last axis; +-inf is evidence too, NaN is none and would hide the rest."""
    values = np.asarray(log_e, dtype=np.float64)
    if values.ndim < 1 or np.isnan(values).any():
        raise ValueError(f"log_e must be numbers along an axis, none NaN; came {log_e!r}")
    return values


def _list(log_e: npt.ArrayLike) -> FloatArray:
    """Evidence of K metrics; -inf and inf are evidence too, NaN is none."""
    values = np.asarray(log_e, dtype=np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"log_e must be a list of numbers without NaN; came {log_e!r}")
    return values
