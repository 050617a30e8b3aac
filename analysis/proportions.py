"""Are two proportions equal, seen once? Exact and approximate tests of 2 x 2 tables.

For one planned look. They know successes and trials of two arms; not time. For monitoring use
``counts`` (rare events) or ``bernoulli`` (ratios near one half): looking repeatedly at any of
these is not covered by their guarantee. Called from notebooks and ``fixed``.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.checks import whole
from analysis.rates import ALTERNATIVES, Alternative

ProportionMethod = Literal["fisher", "boschloo", "barnard", "score"]


class TableTest(NamedTuple):
    """statistic: odds ratio (fisher), Fisher's p (boschloo), z (barnard, score); its p-value.

    Where an arm has no trials, or all trials end alike, the table says nothing: p is 1, and a
    statistic that does not exist is NaN.
    """

    statistic: float
    p: float


def proportion_test(
    table: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    method: ProportionMethod = "boschloo",
) -> TableTest:
    """Test H0 "both columns of ``table`` have the same probability of the first row".

    table: ``[[a, b], [c, d]]`` of whole counts >= 0; columns are arms, rows are success and
    failure. ``alternative`` speaks of the first column: "less" means that its probability is
    lower. Guarantee: fixed-n. ``fisher`` conditions on both margins and is conservative;
    ``barnard`` and ``boschloo`` take the largest p over the unknown common probability and have
    more power (Boschloo 1970 is never weaker than Fisher); ``score`` needs large counts. All but
    the score test come from scipy. When not to use: repeated looks; many events per unit; tables
    of more than about 10,000 trials for the unconditional tests, which become slow.

    >>> proportion_test([[8, 2], [1, 5]], method="fisher").p.__round__(6)
    0.034965
    >>> round(proportion_test([[74, 31], [43, 32]], alternative="greater").p, 4)
    0.0356
    """
    counts = _table(table)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}; came {alternative!r}")
    if method == "score":
        return _score(counts, alternative)
    if method in ("boschloo", "barnard") and not (counts.any(axis=0) & counts.any(axis=1)).all():
        return TableTest(math.nan, 1.0)
    from scipy import stats

    found: Any
    match method:
        case "fisher":
            found = stats.fisher_exact(counts, alternative=alternative)
        case "boschloo":
            found = stats.boschloo_exact(counts, alternative=alternative)
        case "barnard":
            found = stats.barnard_exact(counts, alternative=alternative)
        case _:
            raise ValueError(f"method must be fisher, boschloo, barnard or score; came {method!r}")
    return TableTest(float(found.statistic), float(found.pvalue))


def _score(counts: npt.NDArray[np.int64], alternative: Alternative) -> TableTest:
    from scipy.special import ndtr

    trials = counts.sum(axis=0)
    pooled = counts[0].sum() / max(counts.sum(), 1)
    spread = pooled * (1.0 - pooled) * (1.0 / np.maximum(trials, 1)).sum()
    gap = counts[0, 0] / max(trials[0], 1) - counts[0, 1] / max(trials[1], 1)
    z = float(gap / np.sqrt(spread)) if spread > 0.0 else 0.0
    less, greater = float(ndtr(z)), float(ndtr(-z))
    two = min(1.0, 2.0 * min(less, greater))
    return TableTest(z, {"less": less, "greater": greater, "two-sided": two}[alternative])


def binomial_test(
    successes: int, trials: int, p0: float, *, alternative: Alternative = "two-sided"
) -> float:
    """Exact p-value of H0 "the probability of success is p0", for one arm seen once.

    successes: 0..trials; p0 in [0, 1]. Two-sided sums all outcomes that are at most as likely.

    >>> round(binomial_test(682, 925, 0.75), 4)
    0.3825
    """
    whole(trials, "trials", least=0)
    whole(successes, "successes", least=0)
    if successes > trials:
        raise ValueError(f"successes must lie in 0..trials; came {successes} of {trials}")
    if not 0.0 <= p0 <= 1.0:
        raise ValueError(f"p0 must lie in [0, 1]; came {p0}")
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}; came {alternative!r}")
    if trials == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(int(successes), int(trials), p0, alternative=alternative).pvalue)


def _table(table: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(table, dtype=np.float64)
    if array.shape != (2, 2):
        raise ValueError(f"a table must have shape (2, 2); came {array.shape}")
    if not (np.isfinite(array) & (array >= 0.0) & (array == np.floor(array))).all():
        raise ValueError(f"a table holds whole counts >= 0; came {array.tolist()}")
    return array.astype(np.int64)
