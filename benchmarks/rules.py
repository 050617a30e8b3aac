"""The rules that stand beside the recommended one in the detection benchmark.

Each sees the same ticks of the same runs. They know the configured share only, as the tools that
use them do, and take an absent metric for zero; SPRT is Wald's test that knows the truth and
bounds what any rule can reach. Called by benchmarks.detection.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.factors import ratio_factor
from analysis.means import MeanState, asymptotic_radius, tuned_rho2
from analysis.rates import rate_test
from analysis.scenario import Scenario
from analysis.spending import spending_boundaries
from analysis.ticks import Counts, FloatArray, Tick
from analysis.traffic import Observation

BoolArray = npt.NDArray[np.bool_]
MINUTE_S = 60.0
HOUR_S = 3600.0
ALPHA = 0.01


class NotFailed:
    """Promotes at one hour whatever has not been rolled back: what most tools do."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        self.scenario, self.runs = scenario, runs
        self.odds = scenario.share / (1.0 - scenario.share)
        self.sign = -1.0 if scenario.direction == "Decrease" else 1.0
        self.quiet = np.zeros(runs, dtype=bool)

    def observe(self, seen: Observation) -> tuple[BoolArray, BoolArray]:
        alarm = self.alarm(seen)
        return alarm, np.full(self.runs, seen.interval.end_s >= HOUR_S)

    def alarm(self, seen: Observation) -> BoolArray:
        raise NotImplementedError

    def minute_ends(self, seen: Observation, every_s: float = MINUTE_S) -> bool:
        end = seen.interval.end_s
        return (end + 1e-9) // every_s > (seen.interval.start_s + 1e-9) // every_s


class GroupSequential(NotFailed):
    """GST: Lan-DeMets boundaries of O'Brien-Fleming type, one-sided, a look each 5 minutes.

    Planned to the end of the scenario, with information in proportion to time; the score statistic
    of the conditional binomial on all counts so far.
    """

    every_s = 300.0

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.events = np.zeros((2, runs))
        self.bounds = boundaries(max(1, int(scenario.horizon_s // self.every_s)))
        self.looks = 0
        self.alarmed = np.zeros(runs, dtype=bool)

    def alarm(self, seen: Observation) -> BoolArray:
        self.events = self.events + np.stack(
            [seen.counts.canary_events, seen.counts.baseline_events]
        )
        if self.minute_ends(seen, self.every_s) and self.looks < self.bounds.size:
            total = np.maximum(self.events.sum(axis=0), 1e-9)
            share = self.odds / (1.0 + self.odds)
            z = (self.events[0] - total * share) / np.sqrt(total * share * (1.0 - share))
            self.alarmed = self.alarmed | (self.sign * z >= self.bounds[self.looks])
            self.looks += 1
        return self.alarmed


@lru_cache
def boundaries(looks: int) -> FloatArray:
    """One-sided z of each of so many equally spaced looks at ALPHA; inf where none could cross."""
    return spending_boundaries(np.arange(1, looks + 1) / looks, alpha=ALPHA, two_sided=False)


class PeekedExact(NotFailed):
    """ZP: the exact conditional test of all counts so far, each minute, at 0.01."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.events = np.zeros((2, runs))

    def alarm(self, seen: Observation) -> BoolArray:
        self.events = self.events + np.stack(
            [seen.counts.canary_events, seen.counts.baseline_events]
        )
        if not self.minute_ends(seen):
            return self.quiet
        p = rate_test(
            self.events[0],
            self.odds,
            self.events[1],
            1.0,
            alternative="less" if self.sign < 0.0 else "greater",
        )
        return np.asarray(p <= ALPHA)


class NormalMixture(NotFailed):
    """NM: asymptotic one-sided confidence sequence on the tick differences.

    From 30 expected canary events and a minute on.
    """

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.state = MeanState.start((runs,))
        self.expected = np.zeros(runs)
        self.rho2 = tuned_rho2(600.0 / scenario.tick_s, ALPHA, two_sided=False)

    def alarm(self, seen: Observation) -> BoolArray:
        gap = seen.counts.canary_events - self.odds * seen.counts.baseline_events
        self.state = self.state.update(self.sign * gap)
        self.expected = self.expected + self.odds * seen.counts.baseline_events
        if seen.interval.end_s < MINUTE_S:
            return self.quiet
        radius = asymptotic_radius(
            self.state.n, self.state.variance, ALPHA, rho2=self.rho2, two_sided=False
        )
        return np.asarray((self.state.mean > radius) & (self.expected >= 30.0))


class PlainE(NotFailed):
    """EP: the e-process alone: configured weights, r0 = 1, no late starts, no tempering."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.spec = HarmSpec(
            scenario.direction, 1.0, expected_rate=scenario.event_rate, late_starts=False
        )
        self.state = self.spec.start((runs,))

    def alarm(self, seen: Observation) -> BoolArray:
        share = self.scenario.share
        c = seen.counts
        counts = Counts(c.canary_events, share, c.baseline_events, 1.0 - share)
        self.state = update_harm(self.spec, self.state, Tick(seen.interval, counts, share))
        return np.asarray(log_evidence(self.state) >= -math.log(ALPHA))


class KnowsTheTruth(NotFailed):
    """SPRT: Wald's test against r = 1 that is told ratio, onset, split, gaps, batches and warm-up.

    In an A/A run its alternative is the margin; it promotes at its lower boundary ln(0.05).
    """

    def __init__(self, scenario: Scenario, runs: int) -> None:
        super().__init__(scenario, runs)
        self.log_ratio = np.zeros(runs)

    def observe(self, seen: Observation) -> tuple[BoolArray, BoolArray]:
        s = self.scenario
        true = s.ratio_at(seen.interval.start_s)
        alternative = s.margin if s.ratio == 1.0 or math.isfinite(s.until_s) else true
        factor = ratio_factor(seen.units, 1.0, np.log([max(alternative, 1e-9)]))[..., 0]
        warming = math.isfinite(s.until_s) and true != 1.0
        self.log_ratio = self.log_ratio + np.where(seen.missing | warming, 0.0, factor)
        return (
            np.asarray(self.log_ratio >= -math.log(ALPHA)),
            np.asarray(self.log_ratio <= math.log(0.05)),
        )
