"""Closed forms for two streams at a constant exposure ratio: e-value and interval by beta mixture.

With theta = rho r / (1 + rho r), S_c of S_c + S_b events fall on the canary; a Beta(a, b) prior
over theta integrates in closed form (Robbins 1970; Lindon & Malek 2022 for k arms):

    E(theta0) = B(a + S_c, b + S_b) / (B(a, b) theta0^{S_c} (1 - theta0)^{S_b}).

One-sided: both Beta functions over theta < theta0 (or >) only. Hypotheses: H0 r = r0 (two-sided),
r >= r0 (side "less"), r <= r0 ("greater"). Assumes as ``counts`` does. Guarantee: E >= 1/alpha ever
with probability <= alpha, and the interval covers at all times at once, while rho is constant.
When not to use: over the steps of a ladder (``sequence``). For notebooks, tests, a second opinion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, number, numbers
from analysis.ticks import FloatArray, amounts

Side = Literal["two", "less", "greater"]
TINY = 1e-290
"""Below this the regularised incomplete beta function is found as a logarithm instead."""
BISECTIONS = 200
MOST_TERMS = 100_000
"""Of the continued fraction; a few dozen are used, thousands next to its limit."""


def beta_mixture_log_e(
    canary_events: npt.ArrayLike,
    baseline_events: npt.ArrayLike,
    exposure_ratio: npt.ArrayLike,
    *,
    a: float = 0.5,
    b: float = 0.5,
    r0: npt.ArrayLike = 1.0,
    side: Side = "two",
) -> FloatArray:
    """ln E of the beta mixture against the null rate ratio ``r0``; all arrays broadcast.

    canary_events, baseline_events: >= 0, may be fractional; exposure_ratio: rho > 0, canary over
    baseline exposures; a, b: > 0. No events give exactly 0.

    >>> round(float(beta_mixture_log_e(5, 300, 1 / 19)), 4)
    1.7588
    >>> round(float(beta_mixture_log_e(5, 300, 1 / 19, side="less")), 4)
    3.6987
    """
    from scipy.special import betaln

    if side not in ("two", "less", "greater"):
        raise ValueError(f"side must be two, less or greater; came {side!r}")
    number(a, "a", above=0.0)
    number(b, "b", above=0.0)
    s_c, s_b = amounts(canary_events, "canary events"), amounts(baseline_events, "baseline events")
    odds = numbers(exposure_ratio, "exposure_ratio", above=0.0) * numbers(r0, "r0", above=0.0)
    log_theta, log_rest = np.log(odds) - np.log1p(odds), -np.log1p(odds)
    log_e = betaln(a + s_c, b + s_b) - betaln(a, b) - s_c * log_theta - s_b * log_rest
    if side != "two":
        theta = odds / (1.0 + odds)
        log_e = log_e + _log_tail(a + s_c, b + s_b, theta, side) - _log_tail(a, b, theta, side)
    return np.asarray(np.where(s_c + s_b > 0.0, log_e, 0.0))


def ratio_interval(
    canary_events: float,
    baseline_events: float,
    exposure_ratio: float,
    *,
    a: float = 0.5,
    b: float = 0.5,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """{r : E(r) < 1/alpha}: the (1 - alpha) confidence sequence at a constant ``exposure_ratio``.

    One comparison. The lower end is 0 without canary events, the upper one infinite without
    baseline events. ln E(r) is convex in ln r with its least value at the maximum likelihood
    estimate, so each end is bracketed by it.

    >>> tuple(round(end, 4) for end in ratio_interval(5, 300, 1 / 19))
    (0.0387, 1.118)
    """
    budget(alpha)
    s_c = number(canary_events, "canary events", least=0.0)
    s_b = number(baseline_events, "baseline events", least=0.0)
    number(exposure_ratio, "exposure_ratio", above=0.0)

    def excess(u: float) -> float:
        value = beta_mixture_log_e(
            canary_events, baseline_events, exposure_ratio, a=a, b=b, r0=math.exp(u)
        )
        return float(value) + math.log(alpha)

    centre = math.log((s_c + 1e-9) / (s_b + 1e-9) / exposure_ratio)
    low = 0.0 if s_c == 0.0 else math.exp(_end(excess, centre, -1.0))
    high = math.inf if s_b == 0.0 else math.exp(_end(excess, centre, 1.0))
    return low, high


def _end(excess: Callable[[float], float], inside: float, direction: float) -> float:
    """Where ``excess`` turns positive, going from ``inside``: double the step, then halve."""
    step = 1.0
    while excess(inside + direction * step) < 0.0 and step < 512.0:
        step *= 2.0
    near, far = inside, inside + direction * step
    for _ in range(BISECTIONS):
        middle = 0.5 * (near + far)
        if middle in (near, far):
            break
        near, far = (middle, far) if excess(middle) < 0.0 else (near, middle)
    return 0.5 * (near + far)


def _log_tail(
    a: float | FloatArray, b: float | FloatArray, theta: FloatArray, side: Side
) -> FloatArray:
    """ln of the regularised incomplete beta function below theta ("less") or above it."""
    from scipy.special import betainc, betaincc

    lower = side == "less"
    tail = np.asarray(betainc(a, b, theta) if lower else betaincc(a, b, theta), dtype=np.float64)
    if (tail > TINY).all():
        return np.asarray(np.log(tail))
    p, q, x = (a, b, theta) if lower else (b, a, 1.0 - theta)
    return np.asarray(np.where(tail > TINY, np.log(np.maximum(tail, TINY)), _deep(p, q, x, tail)))


def _deep(
    p: float | FloatArray, q: float | FloatArray, x: FloatArray, tail: FloatArray
) -> FloatArray:
    """ln I_x(p, q) where ``tail`` is too small for a float; 0 elsewhere."""
    ps, qs, xs, tails = np.broadcast_arrays(p, q, x, tail)
    out = np.zeros(tails.shape)
    for place in zip(*np.nonzero(np.atleast_1d(tails) <= TINY), strict=True):
        found = (float(np.atleast_1d(one)[place]) for one in (ps, qs, xs))
        np.atleast_1d(out)[place] = _log_lower_tail(*found)
    return out


def _log_lower_tail(a: float, b: float, x: float) -> float:
    """ln I_x(a, b) far below its mean: x^a (1-x)^b / (a B(a, b)) over a continued fraction.

    DLMF 8.17.22 by the modified Lentz method; it converges fast for x < (a + 1) / (a + b + 2).
    """
    small = 1e-300
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0), small)
    fraction = d
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        before = fraction
        for part in (even, odd):
            d = 1.0 / _not_zero(1.0 + part * d, small)
            c = _not_zero(1.0 + part / c, small)
            fraction *= c * d
        if abs(fraction - before) <= 1e-15 * abs(fraction):
            break
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return a * math.log(x) + b * math.log1p(-x) - math.log(a) - log_beta + math.log(fraction)


def _not_zero(value: float, small: float) -> float:
    return value if abs(value) > small else small
