"""Where do quantiles lie, looked at any time? Confidence sequences from raw observations.

Howard & Ramdas 2022 ("Sequential estimation of quantiles"). For people who have single latencies
instead of buckets; from Prometheus use ``exceedance``. It knows sorted values, not time. Assumes
independent observations (or exchangeable ones with one conditional distribution).

When not to use: the uniform band below ~500 observations (0.27 at t = 100), extreme quantiles of
short samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, number, numbers
from analysis.ticks import FloatArray

TUNED_AT = 32.0
"""Observations for which the beta-binomial boundary is tightest."""


def uniform_radius(t: npt.ArrayLike, alpha: float = 0.05) -> FloatArray:
    """Distance of the empirical from the true distribution function, for all x and t at once.

    0.85 sqrt((ln ln(e t) + 0.8 ln(1612 / alpha)) / t), t >= 1; at most 1.

    >>> round(float(uniform_radius(1000, 0.05)), 6)
    0.086569
    """
    n = numbers(t, "t", least=1.0)
    budget(alpha)
    inner = np.log1p(np.log(n)) + 0.8 * math.log(1612.0 / alpha)
    return np.minimum(0.85 * np.sqrt(inner / n), 1.0)


def quantile_log_e(
    below: npt.ArrayLike, t: npt.ArrayLike, p: npt.ArrayLike, *, tuned_at: float = TUNED_AT
) -> FloatArray:
    """ln E of H0 "P(X <= q) = p", from how many of ``t`` observations lie at or below q.

    below: 0..t; p: inside (0, 1); broadcasts. The beta-binomial mixture: a Beta(r p, r (1 - p))
    prior over the probability, two-sided, with r chosen so that it is tight near ``tuned_at``.
    Reject at ln(1/alpha), at any time.

    >>> bool(quantile_log_e(80, 100, 0.5) > math.log(100)), float(quantile_log_e(0, 0, 0.5))
    (True, 0.0)
    """
    from scipy.special import betaln, xlog1py, xlogy

    k, n = numbers(below, "below", least=0.0), numbers(t, "t", least=0.0)
    number(tuned_at, "tuned_at", above=0.0)
    share = np.asarray(p, dtype=np.float64)
    if not ((share > 0.0) & (share < 1.0)).all():
        raise ValueError(f"p must lie inside (0, 1); came {p!r}")
    if not ((k >= 0.0) & (k <= n)).all():
        raise ValueError(f"below must lie in 0..t; came {below!r} of {t!r}")
    a, b = tuned_at * share, tuned_at * (1.0 - share)
    log_e = betaln(a + k, b + n - k) - betaln(a, b) - xlogy(k, share) - xlog1py(n - k, -share)
    return np.where(n > 0.0, log_e, 0.0)


def quantile_interval(
    sample: npt.ArrayLike, p: float, *, alpha: float = 0.05
) -> tuple[float, float]:
    """The sequence for the p-quantile: all q that are not rejected; (-inf, inf) when too few.

    >>> low, high = quantile_interval(np.arange(1, 1001), 0.5)
    >>> bool(400 < low < 500 < high < 600)
    True
    """
    budget(alpha)
    values = np.sort(_sample(sample))
    n = values.size
    inside = np.flatnonzero(quantile_log_e(np.arange(n + 1), n, p) < -math.log(alpha))
    first, last = int(inside[0]), int(inside[-1])
    low = -math.inf if first == 0 else float(values[first - 1])
    high = math.inf if last >= n else float(values[last])
    return low, high


def quantile_difference_p(canary: npt.ArrayLike, baseline: npt.ArrayLike, p: float) -> float:
    """p-value of H0 "both arms have the same p-quantile", valid at any time.

    exp(-min over common q of the sum of the arms' log mixtures), at most 1: if some q is the
    quantile of both, the product of two e-values at that q is an e-value, and the
    smallest of them over q is at most that one.

    >>> quantile_difference_p(np.arange(200), np.arange(200), 0.9)
    1.0
    """
    x, y = np.sort(_sample(canary)), np.sort(_sample(baseline))
    points = np.concatenate([x, y])
    total = _at(x, p)(points) + _at(y, p)(points)
    before = _at(x, p, "left")(points) + _at(y, p, "left")(points)
    return float(np.exp(-max(0.0, min(total.min(), before.min()))))


def _at(values: FloatArray, p: float, side: str = "right") -> Callable[[FloatArray], FloatArray]:
    def log_e(points: FloatArray) -> FloatArray:
        below = np.searchsorted(values, points, side="left" if side == "left" else "right")
        return quantile_log_e(below, values.size, p)

    return log_e


def _sample(value: npt.ArrayLike) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"a sample must be a non-empty list of finite numbers; came {value!r}")
    return array
