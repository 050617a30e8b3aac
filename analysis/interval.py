"""Closed forms for two streams at a constant exposure ratio: e-value and interval by beta mixture.

With theta = rho r / (1 + rho r), S_c of S_c + S_b events fall on the canary; a Beta(a, b) prior
over theta integrates in closed form (Robbins 1970; Lindon & Malek 2022 for k arms):

    E(theta0) = B(a + S_c, b + S_b) / (B(a, b) theta0^{S_c} (1 - theta0)^{S_b}).

One-sided: both Beta functions over theta < theta0 (or >) only. Hypotheses: H0 r = r0 (two-sided),
r >= r0 (side "less"), r <= r0 ("greater"). Valid at all times at once while rho is constant; over
steps of a ladder use ``sequence`` instead. For notebooks, tests, and a second opinion.
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
"""Below this the regularised incomplete beta function is summed as a logarithm instead."""
BISECTIONS = 200


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

    tail = betainc(a, b, theta) if side == "less" else betaincc(a, b, theta)
    if (np.asarray(tail) > TINY).all():
        return np.asarray(np.log(tail))
    lower = side == "less"
    deep = np.vectorize(
        lambda p, q, x: _log_tail_series(p, q, x) if lower else _log_tail_series(q, p, 1.0 - x)
    )(a, b, theta)
    return np.where(np.asarray(tail) > TINY, np.log(np.maximum(tail, TINY)), deep)


def _log_tail_series(a: float, b: float, x: float) -> float:
    """ln I_x(a, b) deep in the lower tail: x^a (1-x)^b / (a B(a,b)) 2F1(a+b, 1; a+1; x).

    All terms are positive and fall at least geometrically there (DLMF 8.17.8).
    """
    total = term = 1.0
    for n in range(1_000_000):
        term *= (a + b + n) / (a + 1.0 + n) * x
        total += term
        if term < 1e-17 * total:
            break
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return a * math.log(x) + b * math.log1p(-x) - math.log(a) - log_beta + math.log(total)
