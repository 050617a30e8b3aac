"""A/A releases that break an assumption of the e-process, without and with what the design does.

The table is there to be honest: some of these are not cured, and the design says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.dispersion import DispersionState, update_dispersion
from analysis.lag import LagState, exponential_law, lagged_counts
from analysis.scenario import Scenario
from analysis.simulate import Outcome, Recommended, simulate
from analysis.ticks import Tick
from analysis.traffic import Observation, stream
from benchmarks.scenarios import HOUR, errors, orders

LAGGED = orders("lag 300 s, one order a minute", 1 / 60, 0.1, 24, 0.9, lag_s=300.0)
RETRIED = errors(
    "3 retries that fail again with 0.8", 0.003, 0.05, 2, 1.5, retries=3, fails_again=0.8
)
WIDE = orders("arm", 50, 0.25, 6, 0.9)
NOISY = replace(WIDE, name="noise of the arm, CV 10% a minute", arm_noise=0.1)
HEAVY = orders("batches with a heavy tail, k^-1.5", 10, 0.1, 6, 0.9, batch_tail=1.5)
ARMS = tuple(replace(WIDE, name=f"arm effect, sd {sd:.0%}", arm_sd=sd) for sd in (0.01, 0.02, 0.05))


class DropsEmpty(Recommended):
    """Leaves out ticks in which the canary had no exposure: wrong under lag."""

    def observe(self, seen: Observation) -> Any:
        empty = seen.missing | (seen.counts.canary_exposures == 0.0)
        return super().observe(replace(seen, missing=empty))


class Convolves(Recommended):
    """Exposures spread over the known delay, no tick dropped."""

    def __init__(self, scenario: Scenario, runs: int, **more: Any) -> None:
        super().__init__(scenario, runs, **more)
        self.law = exponential_law(scenario.lag_s, scenario.tick_s)
        per_tick = scenario.exposure_rate * scenario.tick_s
        canary = np.full(runs, per_tick * scenario.share)
        self.lag = LagState.start(self.law, canary, per_tick - canary)

    def observe(self, seen: Observation) -> Any:
        counts = seen.counts
        self.lag = self.lag.update(counts.canary_exposures, counts.baseline_exposures)
        return super().observe(replace(seen, counts=lagged_counts(counts, self.lag, self.law)))


class Capped(Recommended):
    """Each unit's events cut at the cap and divided by it: exact, and blind to what lies beyond."""

    def observe(self, seen: Observation) -> Any:
        assert seen.capped is not None, "only a scenario with a tail tells its units apart"
        return super().observe(replace(seen, counts=seen.capped))


class CountsUnits(Recommended):
    """Customers with an order in place of orders: exact."""

    def observe(self, seen: Observation) -> Any:
        return super().observe(replace(seen, counts=seen.units))


class Tempered(Recommended):
    """Told the dispersion of an hour before the rollout; truncated as batched metrics are."""

    def __init__(self, scenario: Scenario, runs: int) -> None:
        before = max(1.0, dispersion_before(scenario))
        # Recommended takes the dispersion from the scenario's batches: m = (phi + 1) / 2
        told = replace(scenario, batched=True, batch_mean=(before + 1.0) / 2.0)
        super().__init__(told, runs)


def dispersion_before(scenario: Scenario) -> float:
    """phi of an hour of A/A traffic, one history."""
    hour = replace(scenario, horizon_s=HOUR)
    state = DispersionState.start((1,))
    for seen in stream(hour, 1, np.random.default_rng(7)):
        state = update_dispersion(state, Tick(seen.interval, seen.counts, scenario.share))
    return float(state.squares[0] / max(state.ticks[0], 1.0))


def plain(scenario: Scenario, runs: int) -> Recommended:
    """The recommended rule as if nothing were wrong."""
    return Recommended(scenario, runs, promotes=False)


def dead_band(scenario: Scenario, runs: int) -> Recommended:
    """r0 moved by two sd of the pod effect known from A/A history."""
    return Recommended(
        scenario, runs, edge=scenario.edge * math.exp(-2.0 * scenario.arm_sd), promotes=False
    )


VIOLATIONS: dict[str, tuple[Scenario, dict[str, Callable[[Scenario, int], Any]]]] = {
    LAGGED.name: (LAGGED, {"ticks dropped": DropsEmpty, "convolved": Convolves}),
    RETRIED.name: (RETRIED, {"as events": plain, "tempered": Tempered}),
    NOISY.name: (NOISY, {"as events": plain, "tempered": Tempered}),
    HEAVY.name: (
        HEAVY,
        {
            "as events": plain,
            "tempered": Tempered,
            "capped at 10": Capped,
            "units counted": CountsUnits,
        },
    ),
    **{arm.name: (arm, {"no dead-band": plain, "dead-band of 2 sd": dead_band}) for arm in ARMS},
}


def violate(name: str, runs: int, seed: tuple[int, ...]) -> dict[str, Any]:
    """False rollback of each way to judge this A/A scenario."""
    scenario, rules = VIOLATIONS[name]
    outcomes: dict[str, Outcome] = simulate(scenario, rules, runs, np.random.default_rng(seed))
    found: dict[str, Any] = {
        rule: outcome.summary()["p_rollback"] for rule, outcome in outcomes.items()
    }
    return {**found, "runs": runs}
