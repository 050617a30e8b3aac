"""Is a mean different, looked at any time? Asymptotic confidence sequences.

For revenue per session, differences per tick, and ratios by the delta method, where no exact
method fits. Assumes observations with one conditional mean and a finite variance. Guarantee: in
the limit of many observations the mean is ever outside with probability <= alpha. When not to
use: low counts and bursts, where it broke a 1% budget in 2 to 12% of simulated rollouts; prefer
``counts`` for events and ``bounded`` for values with known ends, and start this one after >= 30
canary events and >= 30 ticks. It knows sums of numbers, nothing else.

Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, numbers
from analysis.ticks import FloatArray

LARGEST = 1e150
"""The square of more is no number."""


def tuned_rho2(t_best: npt.ArrayLike, alpha: float, *, two_sided: bool = True) -> FloatArray:
    """rho^2 that makes the interval narrowest near ``t_best`` > 0 observations.

    (-2 ln a + ln(1 - 2 ln a)) / t_best with a = alpha, or 2 alpha for one side.

    >>> round(float(tuned_rho2(100, 0.05)), 4)
    0.0794
    """
    a = alpha if two_sided else 2.0 * alpha
    if not 0.0 < a < 1.0:
        raise ValueError(f"alpha must lie inside (0, {1.0 if two_sided else 0.5}); came {alpha}")
    t = numbers(t_best, "t_best", above=0.0)
    return np.asarray((-2.0 * math.log(a) + math.log(1.0 - 2.0 * math.log(a))) / t)


def asymptotic_radius(
    t: npt.ArrayLike,
    variance: npt.ArrayLike,
    alpha: float = 0.05,
    *,
    rho2: npt.ArrayLike,
    two_sided: bool = True,
) -> FloatArray:
    """Distance from the mean of ``t`` observations to the end of the sequence; inf at t = 0.

    sqrt(v) sqrt(2 (t rho^2 + 1) / (t^2 rho^2) ln(sqrt(t rho^2 + 1) / alpha)); for one side the
    logarithm is ln(1 + sqrt(t rho^2 + 1) / (2 alpha)). Broadcasts.

    >>> round(float(asymptotic_radius(100, 1.0, 0.05, rho2=tuned_rho2(100, 0.05))), 4)
    0.3035
    """
    budget(alpha)
    n, v = numbers(t, "t", least=0.0), numbers(variance, "variance", least=0.0)
    r2 = numbers(rho2, "rho2", above=0.0)
    q = n * r2 + 1.0
    log = np.log(np.sqrt(q) / alpha) if two_sided else np.log1p(np.sqrt(q) / (2.0 * alpha))
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.sqrt(v * 2.0 * q / (n**2 * r2) * log)
    return np.where(n > 0.0, radius, np.inf)


def sequential_p(t: npt.ArrayLike, z_squared: npt.ArrayLike, *, rho2: npt.ArrayLike) -> FloatArray:
    """p-value that stays valid in the limit at any time: sqrt(q) exp(-rho^2 S / (2 q)).

    q = t rho^2 + 1, S = t est^2 / se^2 with se the standard error of the estimate, so S = t z^2;
    z_squared = est^2 / se^2. At most 1.

    >>> float(sequential_p(100, 0.0, rho2=0.08))
    1.0
    """
    n, r2 = numbers(t, "t", least=0.0), numbers(rho2, "rho2", above=0.0)
    q = n * r2 + 1.0
    log_p = 0.5 * np.log(q) - r2 * n * numbers(z_squared, "z_squared", least=0.0) / (2.0 * q)
    return np.exp(np.minimum(log_p, 0.0))


@dataclass(frozen=True, slots=True)
class MeanState:
    """Count, mean and sum of squares of observations; arrays of any shape ``(...)``."""

    n: FloatArray
    mean: FloatArray
    squares: FloatArray

    @classmethod
    def start(cls, shape: tuple[int, ...] = ()) -> MeanState:
        """Nothing seen."""
        zero = np.zeros(shape)
        return cls(zero, zero, zero)

    def update(self, value: npt.ArrayLike) -> MeanState:
        """One more observation in each place; NaN is left out, what has no square is refused."""
        x = np.asarray(value, dtype=np.float64)
        told = ~np.isnan(x)
        if not (np.abs(x[told]) <= LARGEST).all():
            raise ValueError(f"values must lie within +-{LARGEST:g}; came {value!r}")
        one = MeanState(told.astype(np.float64), np.where(told, x, 0.0), np.zeros(np.shape(x)))
        return self.merge(one)

    def merge(self, other: MeanState) -> MeanState:
        """Both sets of observations (Chan, Golub & LeVeque 1979)."""
        n = self.n + other.n
        part = other.n / np.where(n > 0.0, n, 1.0)
        gap = other.mean - self.mean
        return MeanState(
            np.asarray(n),
            np.asarray(self.mean + gap * part),
            np.asarray(self.squares + other.squares + gap**2 * self.n * part),
        )

    @property
    def variance(self) -> FloatArray:
        """Of one observation; 0 before the second."""
        return self.squares / np.maximum(self.n, 1.0)

    def interval(
        self, alpha: float = 0.05, *, t_best: float = 100.0
    ) -> tuple[FloatArray, FloatArray]:
        """The two-sided sequence, (-inf, inf) without data.

        >>> low, high = MeanState.start().interval()
        >>> float(low), float(high)
        (-inf, inf)
        """
        radius = asymptotic_radius(self.n, self.variance, alpha, rho2=tuned_rho2(t_best, alpha))
        return self.mean - radius, self.mean + radius
