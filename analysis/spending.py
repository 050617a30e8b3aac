"""Where are the boundaries of a planned number of looks? Group-sequential designs.

Pocock and O'Brien-Fleming constants, Lan-DeMets spending, and the true error of naive peeking,
by the recursion of Armitage, McPherson & Rowe (1969). It knows information fractions and
z-values, no data. Called from notebooks and by the picture of the peeking problem.

When not to use: for a rollout. Looks and end must be fixed beforehand, early looks are nearly
blind, "not crossed" is not "safe", and neither dispersion nor a wrong split is covered. Worth
having for a planned final step of fixed length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, whole
from analysis.ticks import FloatArray

NODES = 160
"""Gauss-Legendre nodes per look: boundaries are right to 1e-8 for up to 50 looks."""
FAR = 9.0
"""Standard deviations that stand for no boundary at all."""


def crossing_probability(
    information: npt.ArrayLike, z: npt.ArrayLike, *, two_sided: bool = True
) -> FloatArray:
    """P(|Z_j| >= z_j at some look j <= k) under the null, for each k; one-sided: Z_j >= z_j.

    information: increasing fractions in (0, 1] (any positive scale), shape ``(K,)``; z: boundary
    at each look, shape ``(K,)``. Assumes the Z_j are jointly normal with independent increments.

    >>> looks = np.arange(1, 11) / 10
    >>> crossing_probability(looks, np.full(10, 1.959964))[[0, 1, 9]].round(3).tolist()
    [0.05, 0.083, 0.193]
    """
    t = _information(information)
    bounds = np.broadcast_to(np.asarray(z, dtype=np.float64), t.shape)
    if not (bounds >= 0.0 if two_sided else bounds > -np.inf).all():
        allowed = ">= 0" if two_sided else "numbers, or inf for no boundary"
        raise ValueError(f"z must be {allowed}; came {z!r}")
    walk = _Walk(two_sided)
    spent = []
    for at, bound in zip(t, bounds, strict=True):
        spent.append(walk.crossing(float(at), float(bound)))
        walk.step(float(at), float(bound))
    return np.asarray(np.minimum(np.cumsum(spent), 1.0), dtype=np.float64)


def spending_boundaries(
    information: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    spending: Literal["obf", "pocock"] = "obf",
    two_sided: bool = True,
) -> FloatArray:
    """z-boundaries that spend ``alpha`` as the information grows (Lan & DeMets 1983).

    obf: 2 - 2 Phi(z_{1-a/2} / sqrt t); pocock: a ln(1 + (e - 1) t). For two sides each one spends
    alpha / 2 by its own function, as in the usual tables. information: increasing, in (0, 1].
    Guarantee: total error alpha if the looks do not depend on the data.

    >>> spending_boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).round(3).tolist()
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    budget(alpha)
    t = _information(information)
    if t[-1] > 1.0 + 1e-12:
        raise ValueError(f"information fractions end at 1 or before; came {t.tolist()}")
    sides = 2.0 if two_sided else 1.0
    spent = sides * _spent(t, alpha / sides, spending)
    walk, bounds = _Walk(two_sided), []
    for at, part in zip(t, np.diff(spent, prepend=0.0), strict=True):
        bounds.append(walk.bound_for(float(at), float(part)))
        walk.step(float(at), bounds[-1])
    return np.array(bounds)


def pocock_constant(looks: int, *, alpha: float = 0.05) -> float:
    """C such that |Z_k| >= C at any of ``looks`` equally spaced looks has probability alpha.

    >>> round(pocock_constant(5), 3)
    2.413
    """
    return _constant(looks, alpha, lambda t: np.ones_like(t))


def obrien_fleming_constant(looks: int, *, alpha: float = 0.05) -> float:
    """C such that |Z_k| >= C sqrt(K / k) at any of K looks has probability alpha, two-sided.

    >>> round(obrien_fleming_constant(5), 3)
    2.04
    """
    return _constant(looks, alpha, lambda t: 1.0 / np.sqrt(t))


def _constant(looks: int, alpha: float, shape: Callable[[FloatArray], FloatArray]) -> float:
    from scipy.optimize import brentq

    budget(alpha)
    whole(looks, "looks")
    t = np.arange(1, looks + 1) / looks

    def excess(c: float) -> float:
        return float(crossing_probability(t, c * shape(t))[-1]) - alpha

    return float(brentq(excess, 0.5, 8.0, xtol=1e-10))


def _spent(t: FloatArray, alpha: float, spending: str) -> FloatArray:
    from scipy.special import ndtr, ndtri

    if spending == "obf":
        return np.asarray(2.0 * ndtr(-ndtri(1.0 - alpha / 2.0) / np.sqrt(t)))
    if spending == "pocock":
        return alpha * np.log1p((math.e - 1.0) * t)
    raise ValueError(f"spending must be obf or pocock; came {spending!r}")


class _Walk:
    """Density of the Brownian path inside the boundaries so far, on Gauss-Legendre nodes."""

    def __init__(self, two_sided: bool) -> None:
        self.two_sided = two_sided
        self.t = 0.0
        self.at = np.zeros(1)
        self.mass = np.ones(1)

    def crossing(self, t: float, bound: float) -> float:
        """Probability to be inside until now and beyond ``bound`` at information ``t``."""
        from scipy.special import ndtr

        sd, edge = math.sqrt(t - self.t), bound * math.sqrt(t)
        out = ndtr((self.at - edge) / sd)
        if self.two_sided:
            out = out + ndtr((-edge - self.at) / sd)
        return float(self.mass @ out)

    def bound_for(self, t: float, part: float) -> float:
        """The boundary at ``t`` that is crossed with probability ``part``."""
        from scipy.optimize import brentq

        if part <= self.crossing(t, FAR):
            return math.inf
        return float(brentq(lambda z: self.crossing(t, z) - part, 0.0, FAR, xtol=1e-10))

    def step(self, t: float, bound: float) -> None:
        """Move to ``t`` with what lies beyond ``bound`` taken out."""
        high = min(bound, FAR) * math.sqrt(t)
        low = -high if self.two_sided else -FAR * math.sqrt(t)
        x, w = np.polynomial.legendre.leggauss(NODES)
        place = low + (x + 1.0) * (high - low) / 2.0
        sd = math.sqrt(t - self.t)
        kernel = np.exp(-0.5 * ((place[:, None] - self.at) / sd) ** 2)
        density = kernel @ self.mass / (sd * math.sqrt(2.0 * math.pi))
        self.t, self.at, self.mass = t, place, density * w * (high - low) / 2.0


def _information(value: npt.ArrayLike) -> FloatArray:
    t = np.asarray(value, dtype=np.float64)
    rising = t.ndim == 1 and t.size and (np.diff(t, prepend=0.0) > 0.0).all()
    if not (rising and np.isfinite(t).all()):
        raise ValueError(f"information must be positive and increasing; came {value!r}")
    return t


def sprt_bounds(alpha: float, beta: float) -> tuple[float, float]:
    """Wald's bounds of a log likelihood ratio: (reject the null above, accept it below).

    (ln((1 - beta) / alpha), ln(beta / (1 - alpha))), Wald 1947. For two simple hypotheses, looked
    at after every observation; both errors are kept up to the overshoot. No rule with these errors
    needs fewer observations on average at either hypothesis, so it is the yardstick of the
    benchmark. When not to use: a rollout, whose harm has no known size.

    >>> tuple(round(bound, 3) for bound in sprt_bounds(0.01, 0.05))
    (4.554, -2.986)
    """
    budget(alpha)
    budget(beta, "beta")
    if not alpha + beta < 1.0:
        raise ValueError(f"alpha and beta must sum to less than 1; came {alpha}, {beta}")
    return math.log((1.0 - beta) / alpha), math.log(beta / (1.0 - alpha))
