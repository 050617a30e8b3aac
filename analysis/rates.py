"""Are two event rates equal, seen once? Single-look tests for two Poisson streams.

For one planned look at the end of a step, and as a cross-check. It must not know of looks: used
again and again on growing data, each of these rejects a true null far too often (10 looks at 5%:
19%, 50 looks: 32%; Armitage, McPherson & Rowe 1969). For monitoring use ``counts``. Called from
notebooks, from ``fixed`` and from the benchmark, which shows exactly that failure.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.ticks import FloatArray, amounts

Alternative = Literal["less", "greater", "two-sided"]
RateMethod = Literal["exact", "midp", "etest", "score", "wald"]
ALTERNATIVES: tuple[Alternative, ...] = ("less", "greater", "two-sided")
E_TEST_LIMIT = 1e5
"""Events above which the E-test's double sum is slow and the score test agrees to 1%."""


def rate_test(
    canary_events: npt.ArrayLike,
    canary_exposures: npt.ArrayLike,
    baseline_events: npt.ArrayLike,
    baseline_exposures: npt.ArrayLike,
    *,
    r0: float = 1.0,
    alternative: Alternative = "two-sided",
    method: RateMethod = "exact",
) -> FloatArray:
    """p-value of H0 "canary rate = r0 x baseline rate" against ``alternative``; broadcasts.

    events: >= 0, whole numbers; exposures: > 0; r0: > 0, the rate ratio of the null.
    "less": the canary's rate is lower. No events at all give p = 1.

    Assumes independent Poisson counts. Guarantee: fixed-n. ``exact`` (conditional binomial, the
    C-test of Przyborowski & Wilenski 1940) keeps its level always; ``midp`` on average;
    ``etest`` (Krishnamoorthy & Thomson 2004, as in scipy) nearly always and with
    more power than the C-test; ``score`` and ``wald`` for large counts only. When not to use:
    more than one look, batches, retries, an arm effect.

    >>> seen = (60, 51477.5, 30, 54308.7)
    >>> [round(float(rate_test(*seen, alternative="greater", method=m)), 6)
    ...  for m in ("wald", "score", "exact", "midp", "etest")]
    [0.000356, 0.000316, 0.000428, 0.00031, 0.000298]
    """
    s_c, s_b = _whole(canary_events, "canary events"), _whole(baseline_events, "baseline events")
    n_c = _exposed(canary_exposures, "canary exposures") * _null_ratio(r0)
    n_b = _exposed(baseline_exposures, "baseline exposures")
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}; came {alternative!r}")
    match method:
        case "exact" | "midp":
            p = _conditional(s_c, s_b, n_c / (n_c + n_b), alternative, mid=method == "midp")
        case "score" | "wald":
            p = _normal_tail(_z(s_c, n_c, s_b, n_b, score=method == "score"), alternative)
        case "etest":
            p = _e_test(s_c, n_c, s_b, n_b, alternative)
        case _:
            raise ValueError(f"method must be exact, midp, etest, score or wald; came {method!r}")
    return np.asarray(np.where(s_c + s_b > 0.0, p, 1.0))


def _conditional(
    s_c: FloatArray, s_b: FloatArray, theta: FloatArray, alternative: Alternative, *, mid: bool
) -> FloatArray:
    """Binomial(S_c + S_b, theta) tails; two-sided is twice the smaller one, at most 1."""
    from scipy.special import betainc, gammaln, xlog1py, xlogy

    # the incomplete beta function holds for any number of events, where binomial sums overflow
    less = np.where(s_b > 0.0, betainc(np.maximum(s_b, 1.0), s_c + 1.0, 1.0 - theta), 1.0)
    greater = np.where(s_c > 0.0, betainc(np.maximum(s_c, 1.0), s_b + 1.0, theta), 1.0)
    if mid:
        at = gammaln(s_c + s_b + 1.0) - gammaln(s_c + 1.0) - gammaln(s_b + 1.0)
        half = 0.5 * np.exp(at + xlogy(s_c, theta) + xlog1py(s_b, -theta))
        less, greater = less - half, greater - half
    return _sided(less, greater, alternative)


def _sided(less: FloatArray, greater: FloatArray, alternative: Alternative) -> FloatArray:
    if alternative == "less":
        return less
    if alternative == "greater":
        return greater
    return np.minimum(1.0, 2.0 * np.minimum(less, greater))


def _z(
    s_c: FloatArray, n_c: FloatArray, s_b: FloatArray, n_b: FloatArray, *, score: bool
) -> FloatArray:
    """Standardised difference of the rates: pooled variance (score) or each arm's own (Wald)."""
    gap = s_c / n_c - s_b / n_b
    pooled = (s_c + s_b) / (n_c * n_b)
    own = s_c / n_c**2 + s_b / n_b**2
    variance = pooled if score else own
    return gap / np.sqrt(np.where(variance > 0.0, variance, 1.0))


def _normal_tail(z: FloatArray, alternative: Alternative) -> FloatArray:
    from scipy.special import ndtr

    return _sided(np.asarray(ndtr(z)), np.asarray(ndtr(-z)), alternative)


def _e_test(
    s_c: FloatArray, n_c: FloatArray, s_b: FloatArray, n_b: FloatArray, alternative: Alternative
) -> FloatArray:
    from scipy.stats import poisson_means_test

    def one(a: float, n: float, b: float, m: float) -> float:
        if a + b == 0.0 or a + b > E_TEST_LIMIT:
            variance = (a + b) / (n * m)
            z = (a / n - b / m) / variance**0.5 if variance > 0.0 else 0.0
            return float(_normal_tail(np.asarray(z), alternative))
        return float(poisson_means_test(int(a), n, int(b), m, alternative=alternative).pvalue)

    return np.asarray(np.vectorize(one, otypes=[float])(s_c, n_c, s_b, n_b))


def _whole(value: npt.ArrayLike, what: str) -> FloatArray:
    array = amounts(value, what)
    if (array != np.floor(array)).any():
        raise ValueError(f"{what} must be whole numbers in an exact test; came {value!r}")
    return array


def _exposed(value: npt.ArrayLike, what: str) -> FloatArray:
    array = amounts(value, what)
    if not (array > 0.0).all():
        raise ValueError(f"{what} must be > 0; came {value!r}")
    return array


def _null_ratio(r0: float) -> float:
    if not 0.0 < r0 < np.inf:
        raise ValueError(f"r0 must be finite and > 0; came {r0}")
    return r0
