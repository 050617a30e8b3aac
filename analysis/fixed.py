"""Single-look tests in one place: for the end of a planned step, and for people who want them.

Rates, proportions, means, distributions, and corrections for many p-values. None of these stays
right when looked at repeatedly: for monitoring use the e-processes of this package. Whole
``scipy.stats`` is imported inside the functions that need it, never with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, numbers, whole
from analysis.proportions import TableTest, binomial_test, proportion_test
from analysis.ranks import RankTest, Shift, effective_size, mann_whitney, shift_interval
from analysis.rates import ALTERNATIVES, Alternative, rate_test
from analysis.ticks import FloatArray

__all__ = [
    "MeanTest",
    "RankTest",
    "Shift",
    "TableTest",
    "adjusted_p",
    "binomial_test",
    "block_bootstrap",
    "effective_size",
    "kolmogorov_smirnov",
    "mann_whitney",
    "mean_test",
    "proportion_test",
    "rate_test",
    "shift_interval",
]


class MeanTest(NamedTuple):
    """t, its degrees of freedom, and the p-value."""

    t: FloatArray
    df: FloatArray
    p: FloatArray


def mean_test(
    mean: tuple[npt.ArrayLike, npt.ArrayLike],
    sd: tuple[npt.ArrayLike, npt.ArrayLike],
    n: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    equal_variance: bool = False,
    alternative: Alternative = "two-sided",
) -> MeanTest:
    """Test H0 "both means are equal" from summaries (first arm, second arm); broadcasts.

    sd: > 0, with n - 1 below; n: >= 2. Welch (1947) by default, pooled with ``equal_variance``.
    Assumes independent, nearly normal means. Guarantee: fixed-n, asymptotic. When not to use:
    repeated looks (``means``), heavy tails, requests instead of pods as the unit.

    >>> float(mean_test((20.14458, 30.48101), (6.4147, 6.10771), (249, 79)).t.round(4))
    -12.9463
    """
    from scipy.special import stdtr

    m1, m2 = (numbers(part, "mean") for part in mean)
    s1, s2 = (numbers(part, "sd", above=0.0) for part in sd)
    n1, n2 = (numbers(part, "n", least=2.0) for part in n)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}; came {alternative!r}")
    scale = np.maximum(s1, s2)
    s1, s2, gap = s1 / scale, s2 / scale, (m1 - m2) / scale
    v1, v2 = s1**2 / n1, s2**2 / n2
    if equal_variance:
        df = n1 + n2 - 2.0
        spread = ((n1 - 1.0) * s1**2 + (n2 - 1.0) * s2**2) / df * (1.0 / n1 + 1.0 / n2)
    else:
        spread = v1 + v2
        df = spread**2 / (v1**2 / (n1 - 1.0) + v2**2 / (n2 - 1.0))
    t = gap / np.sqrt(spread)
    less, greater = stdtr(df, t), stdtr(df, -t)
    two = 2.0 * stdtr(df, -np.abs(t))
    p = {"less": less, "greater": greater, "two-sided": two}[alternative]
    return MeanTest(np.asarray(t), np.asarray(df), np.asarray(p))


def kolmogorov_smirnov(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Two-sided p-value of H0 "x and y have one distribution"; scipy's, exact for small samples.

    x, y: non-empty lists of finite numbers. Assumes independent observations of a continuous
    quantity. Guarantee: fixed-n. When not to use: more than one look (``quantile_difference_p``),
    histograms, autocorrelated samples. Source: Smirnov 1939.

    >>> round(kolmogorov_smirnov([1, 2, 3, 4], [5, 6, 7, 8]), 4)
    0.0286
    """
    from scipy.stats import ks_2samp

    first, second = numbers(x, "x"), numbers(y, "y")
    if first.ndim != 1 or second.ndim != 1 or not (first.size and second.size):
        raise ValueError(f"x and y must be non-empty lists; came {x!r}, {y!r}")
    return float(ks_2samp(first, second).pvalue)


def block_bootstrap(
    ticks: npt.ArrayLike,
    statistic: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
    *,
    block: int = 6,
    draws: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of ``statistic`` over resampled blocks of ticks.

    ticks: shape ``(T, ...)``, one row per tick (both arms in it, so that what they share stays
    shared); statistic: takes the resampled rows, shape ``(draws, T', ...)``, and returns shape
    ``(draws,)``. Blocks of ``block`` rows keep short autocorrelation (Künsch 1989). Resample
    ticks or pods, never requests. Guarantee: asymptotic, one look.

    >>> rng = np.random.default_rng(1)
    >>> low, high = block_bootstrap(np.arange(60.0), lambda rows: rows.mean(axis=1), rng)
    >>> low < 29.5 < high
    True
    """
    rows = numbers(ticks, "ticks")
    if rows.ndim < 1 or not 1 <= block <= rows.shape[0]:
        raise ValueError(f"block must lie in 1..{len(np.atleast_1d(rows))} ticks; came {block}")
    block, draws = whole(block, "block"), whole(draws, "draws")
    budget(confidence, "confidence")
    blocks = -(-rows.shape[0] // block)
    starts = rng.integers(0, rows.shape[0] - block + 1, size=(draws, blocks))
    chosen = (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, : rows.shape[0]]
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(statistic(rows[chosen]), [tail, 100.0 - tail])
    return float(low), float(high)


def adjusted_p(
    p: npt.ArrayLike, method: Literal["holm", "bonferroni", "bh"] = "holm"
) -> FloatArray:
    """p-values corrected for being many: reject where the result is <= alpha.

    p: shape ``(K,)``, in [0, 1]. ``holm`` (1979) and ``bonferroni``: family-wise error under any
    dependence; ``bh`` (Benjamini & Hochberg 1995): false discovery rate, assumes independent or
    positively dependent p-values. Guarantee: fixed-n, as the p-values'. When not to use: e-values
    (``guilty_by_ebh``), p-values that were looked at repeatedly.

    >>> adjusted_p([0.01, 0.02, 0.03, 0.04, 0.05]).round(6).tolist()
    [0.05, 0.08, 0.09, 0.09, 0.09]
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError(f"p must be a list of numbers in [0, 1]; came {p!r}")
    count = values.size
    order = np.argsort(values, kind="stable")
    ranks = np.arange(1, count + 1)
    match method:
        case "bonferroni":
            return np.minimum(1.0, count * values)
        case "holm":
            ranked = np.maximum.accumulate(values[order] * (count - ranks + 1))
        case "bh":
            ranked = np.minimum.accumulate((values[order] * count / ranks)[::-1])[::-1]
        case _:
            raise ValueError(f"method must be holm, bonferroni or bh; came {method!r}")
    out = np.empty(count)
    out[order] = np.minimum(1.0, ranked)
    return out
