"""Is one sample shifted against the other, seen once? Mann-Whitney with its interval.

For independent observations (pods, sessions), one look. Samples of ``rate(x[5m])`` taken each
minute are not independent: a single look at a nominal 2% then rejects a true null in 29%, see
``effective_size``. Called by ``judge`` and from notebooks.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, numbers
from analysis.rates import ALTERNATIVES, Alternative
from analysis.ticks import FloatArray


class RankTest(NamedTuple):
    """U of the first sample, and the p-value."""

    u: float
    p: float


class Shift(NamedTuple):
    """Hodges-Lehmann estimate of (first - second) and its confidence interval."""

    estimate: float
    low: float
    high: float


def mann_whitney(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    method: Literal["auto", "exact", "asymptotic"] = "auto",
) -> RankTest:
    """Test H0 "x and y come from one distribution" by ranks; scipy's, continuity-corrected.

    x, y: one-dimensional, finite, not empty. Assumes independent observations. Guarantee:
    fixed-n, exact without ties. When not to use: autocorrelated series, more than one look.

    >>> mann_whitney([19, 22, 16, 29, 24], [20, 11, 17, 12], method="exact").u
    17.0
    """
    first, second = _sample(x, "x"), _sample(y, "y")
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}; came {alternative!r}")
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(first, second, alternative=alternative, method=method)
    return RankTest(float(found.statistic), float(found.pvalue))


def shift_interval(x: npt.ArrayLike, y: npt.ArrayLike, *, confidence: float = 0.98) -> Shift:
    """How far x lies above y: the Hodges-Lehmann estimate and the interval that inverts the test.

    The interval runs between the k-th smallest and the k-th largest of all differences x_i - y_j
    (Hollander & Wolfe 1999, chapter 4), k from the normal approximation with continuity
    correction, as R's wilcox.test and Kayenta do with a root finder to 1e-4; here the end is the
    difference itself. The variance is corrected for ties at zero shift. Assumes independent
    observations of two distributions that differ by a shift. Guarantee: fixed-n, approximate below
    ten of each. When not to use: autocorrelated series, more than one look.

    >>> shift_interval([11.0, 12, 13, 14, 15], [1.0, 2, 3, 4, 5]).estimate
    10.0
    """
    budget(confidence, "confidence")
    first, second = _sample(x, "x"), _sample(y, "y")
    gaps = np.sort((first[:, None] - second).ravel())
    sd = math.sqrt(_variance(first, second))
    low, high = interval_places(gaps.size, sd, confidence)
    return Shift(float(np.median(gaps)), float(gaps[low]), float(gaps[high]))


def interval_places(pairs: int, sd: float, confidence: float) -> tuple[int, int]:
    """Positions of the interval's ends among the sorted differences; all of them if too few."""
    from scipy.special import ndtri

    z = float(ndtri(0.5 + 0.5 * confidence))
    k = min(math.ceil(0.5 * pairs + 0.5 + z * sd), pairs)
    return pairs - k, k - 1


def _variance(x: FloatArray, y: FloatArray) -> float:
    n, m = x.size, y.size
    _, ties = np.unique(np.concatenate([x, y]), return_counts=True)
    tied = float((ties.astype(np.float64) ** 3 - ties).sum())
    total = n + m
    return n * m / 12.0 * (total + 1.0 - tied / (total * max(total - 1.0, 1.0)))


def effective_size(n: npt.ArrayLike, phi: npt.ArrayLike) -> FloatArray:
    """How many independent samples n autocorrelated ones are worth: n (1 - phi) / (1 + phi).

    n: > 0; phi: lag-one autocorrelation in (-1, 1); broadcasts (AR(1), mean; Bayley & Hammersley
    1946).

    >>> effective_size(60, [0.5, 0.9]).round(3).tolist()
    [20.0, 3.158]
    """
    size, corr = numbers(n, "n", above=0.0), np.asarray(phi, dtype=np.float64)
    if not (np.abs(corr) < 1.0).all():
        raise ValueError(f"phi must lie inside (-1, 1); came {phi!r}")
    return size * (1.0 - corr) / (1.0 + corr)


def _sample(value: npt.ArrayLike, what: str) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{what} must be a non-empty list of finite numbers; came {value!r}")
    return array
