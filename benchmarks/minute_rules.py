"""Rules beside the recommended one that judge samples of whole minutes, as most tools do.

A threshold with a count of failures, and the rank test of a canary judge. As in `rules`, they know
the configured share only. Called by benchmarks.detection.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from analysis.scenario import Scenario
from analysis.ticks import FloatArray
from analysis.traffic import Observation
from benchmarks.rules import HOUR_S, BoolArray, NotFailed


class ByMinute(NotFailed):
    """Sums of the minute that ends with this tick: canary events, exposures, the baseline's."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.sums = np.zeros((4, runs))
        self.present = self.absent = np.zeros(runs)

    def minute(self, seen: Observation) -> FloatArray | None:
        c = seen.counts
        self.sums = self.sums + np.stack(
            [c.canary_events, c.canary_exposures, c.baseline_events, c.baseline_exposures]
        )
        self.present = self.present + ~seen.missing
        self.absent = self.absent + seen.missing
        if not self.minute_ends(seen):
            return None
        self.shown = self.present / (self.present + self.absent)
        self.present = self.absent = np.zeros(self.runs)
        whole, self.sums = self.sums, np.zeros((4, self.runs))
        return whole


class FixedThreshold(ByMinute):
    """FT: one check a minute, five failures in all; order ratio < 0.8, or errors > 1%.

    Where 1% is the usual rate, twice the usual: a person would not set it lower.
    """

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.failures = np.zeros(runs)

    def alarm(self, seen: Observation) -> BoolArray:
        minute = self.minute(seen)
        if minute is not None:
            events, exposures, others, _ = minute
            if self.scenario.direction == "Decrease":
                failed = (others > 0.0) & (events < 0.8 * self.odds * others)
            else:
                usual = self.scenario.probability
                failed = events > max(0.01, 2.0 * usual) * exposures
            self.failures = self.failures + failed
        return np.asarray(self.failures >= 5)


class MannWhitney(ByMinute):
    """MW5: Kayenta's interval (98%, tolerance 0.25) on minute samples, looked at each 5 minutes.

    The last hour's samples, ten of them at least; samples without a scrape are left out.
    """

    every_s = 300.0

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.samples: list[FloatArray] = []
        self.alarmed = np.zeros(runs, dtype=bool)

    def alarm(self, seen: Observation) -> BoolArray:
        minute = self.minute(seen)
        if minute is None:
            return self.alarmed
        events, exposures, others, theirs = minute
        if self.scenario.direction == "Decrease":
            with np.errstate(divide="ignore", invalid="ignore"):
                pair = np.stack([events / self.odds / self.shown, others])
        else:
            pair = np.stack([events / np.maximum(exposures, 1.0), others / np.maximum(theirs, 1.0)])
        self.samples = [*self.samples[-59:], pair]
        if self.minute_ends(seen, self.every_s) and len(self.samples) >= 10:
            active = np.flatnonzero(~self.alarmed)
            self.alarmed[active] = self._fails(np.stack(self.samples, axis=-1)[:, active])
        return self.alarmed

    def _fails(self, samples: FloatArray) -> BoolArray:
        """Whether the interval's end on the harmful side lies beyond the tolerance."""
        canary, baseline = samples
        if np.isnan(canary).any():
            return np.array(
                [self._fails(_whole(one)[:, None])[0] for one in samples.swapaxes(0, 1)]
            )
        n, m = canary.shape[-1], baseline.shape[-1]
        gaps = (canary[:, :, None] - baseline[:, None, :]).reshape(canary.shape[0], -1)
        z = float(ndtri(0.99))
        pairs = n * m
        k = min(math.ceil(0.5 * pairs + 0.5 + z * math.sqrt(pairs * (n + m + 1) / 12.0)), pairs)
        place = k - 1 if self.sign < 0.0 else pairs - k
        middle = pairs // 2
        parted = np.partition(gaps, sorted({place, middle}), axis=-1)
        end, estimate = self.sign * parted[:, place], np.abs(parted[:, middle])
        return np.asarray(end > 0.25 * estimate)


class HourlyMannWhitney(MannWhitney):
    """MW60: the same judge, looked at once an hour."""

    every_s = HOUR_S


def _whole(one: FloatArray) -> FloatArray:
    """The (canary, baseline) samples of one run, without the minutes that have none."""
    return one[:, np.isfinite(one).all(axis=0)]
