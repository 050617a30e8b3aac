"""Plain sums of one metric: what a person wants to read beside the evidence.

No inference here. Called by metric; merges over disjoint ticks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.ticks import FloatArray, Tick


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of one metric over ticks with data; arrays of shape ``(...)``.

    expected: canary events at the baseline's rate, sum of rho_t S_b. canary_weighed,
    baseline_weighed: sums of S_c v_t and S_b w_t (exposure fractions), whose quotient is the
    Mantel-Haenszel estimate of the rate ratio over all steps.
    """

    canary_events: FloatArray
    canary_exposures: FloatArray
    baseline_events: FloatArray
    baseline_exposures: FloatArray
    expected: FloatArray
    canary_weighed: FloatArray
    baseline_weighed: FloatArray

    @classmethod
    def zero(cls, shape: tuple[int, ...] = ()) -> Totals:
        """Nothing counted."""
        return cls(*(np.zeros(shape) for _ in range(7)))

    def values(self) -> tuple[FloatArray, ...]:
        """The seven sums in the order of the fields."""
        return (
            self.canary_events,
            self.canary_exposures,
            self.baseline_events,
            self.baseline_exposures,
            self.expected,
            self.canary_weighed,
            self.baseline_weighed,
        )

    def merge(self, other: Totals) -> Totals:
        """Sums over both sets of ticks, which must be disjoint."""
        return Totals(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def with_tick(self, tick: Tick) -> Totals:
        """One tick more; a missing one adds nothing."""
        told = tick.informative
        c = tick.counts
        w = c.canary_fraction
        rho = c.canary_exposures / np.where(c.compared, c.baseline_exposures, 1.0)
        fresh = (
            c.canary_events,
            c.canary_exposures,
            c.baseline_events,
            c.baseline_exposures,
            np.where(c.compared, rho * c.baseline_events, 0.0),
            c.canary_events * (1.0 - w),
            c.baseline_events * w,
        )
        return Totals(
            *(a + np.where(told, b, 0.0) for a, b in zip(self.values(), fresh, strict=True))
        )

    def ratio(self) -> FloatArray:
        """Canary rate over baseline rate; NaN while the baseline has no events to compare."""
        below = self.baseline_weighed
        return np.where(
            below > 0.0, self.canary_weighed / np.where(below > 0.0, below, 1.0), np.nan
        )
