"""How often does a rule roll back, how soon, and what does it promote? Many runs at once.

``simulate_releases`` plays a scenario to one or more rules side by side, on the same ticks. The
recommended rule here is the production code of ``counts`` and ``promotion``, started with a
leading shape. No clock, no global randomness. Called by the command line and the benchmarks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.checks import budget, number, whole
from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.dispersion import DispersionState, phi, update_dispersion
from analysis.margins import Margin
from analysis.promotion import PromotionSpec, log_evidence_to_promote, update_promotion
from analysis.scenario import Scenario
from analysis.ticks import FloatArray, Tick
from analysis.traffic import Observation, stream

BoolArray = npt.NDArray[np.bool_]
HOUR_S = 3600.0


def truncate_nats(tick_s: float) -> float:
    """Most that one tick of a batched metric may add: 1 at 1 s, 2.3 at 10 s.

    >>> truncate_nats(1.0), round(truncate_nats(10.0), 9)
    (1.0, 2.3)
    """
    return float(tick_s ** math.log10(2.3))


class Rule(Protocol):
    """Sees each tick of all runs; says where it rolls back and where it would promote."""

    def observe(self, seen: Observation) -> tuple[BoolArray, BoolArray]:
        """(alarm, promote), each of shape ``(runs,)``, after this tick."""
        ...


class Recommended:
    """The design: harm process with late starts beside the promotion rule, at one step.

    edge: r0, by default the scenario's; weight: of this metric in the rollout statistic (the
    others stay at E = 1). Promotion also waits for ``bake_s``, 30 ticks, 20 expected canary
    events and at most 20% missing in ten minutes.
    """

    def __init__(
        self,
        scenario: Scenario,
        runs: int,
        *,
        edge: float | None = None,
        weight: float = 1.0,
        alpha: float = 0.01,
        beta: float = 0.05,
        bake_s: float = 300.0,
        promotes: bool = True,
    ) -> None:
        whole(runs, "runs")
        budget(alpha)
        budget(beta, "beta")
        if not 0.0 < weight <= 1.0:
            raise ValueError(f"weight must lie in (0, 1]; came {weight}")
        number(bake_s, "bake_s", least=0.0)
        self.scenario, self.bake_s, self.promotes = scenario, bake_s, promotes
        self.log_rollback = math.log((1.0 / alpha - (1.0 - weight)) / weight)
        self.log_promote = -math.log(beta)
        batched = scenario.batched or scenario.batch_mean > 1.0
        self.harm_spec = HarmSpec(
            scenario.direction,
            scenario.edge if edge is None else edge,
            alpha=alpha,
            expected_rate=scenario.event_rate,
            truncate_nats=truncate_nats(scenario.tick_s) if batched else None,
        )
        self.promotion_spec = PromotionSpec(
            scenario.direction,
            (Margin(scenario.margin),),
            beta=beta,
            expected_rate=scenario.event_rate,
        )
        self.batches = DispersionState.start((runs,)) if batched else None
        self.harm = self.harm_spec.start((runs,))
        self.promotion = self.promotion_spec.start((runs,))
        self.expected = np.zeros(runs)
        self.told = np.zeros(runs)
        self.gaps: deque[BoolArray] = deque(maxlen=max(1, round(600.0 / scenario.tick_s)))

    def observe(self, seen: Observation) -> tuple[BoolArray, BoolArray]:
        """Fold the tick into both processes."""
        warming = seen.interval.start_s < self.scenario.warm_up_s
        tick = Tick(seen.interval, seen.counts, self.scenario.share, missing=seen.missing | warming)
        if self.batches is not None:
            tick = replace(tick, temper=phi(self.batches, self.scenario.dispersion))
            self.batches = update_dispersion(self.batches, tick)
        self.harm = update_harm(self.harm_spec, self.harm, tick)
        alarm = np.asarray(log_evidence(self.harm) >= self.log_rollback)
        if not self.promotes:
            return alarm, np.zeros_like(alarm)
        self.promotion = update_promotion(self.promotion_spec, self.promotion, tick)
        self._count(seen, tick)
        ready = self._ready(seen.interval.end_s)
        return alarm, ready & (log_evidence_to_promote(self.promotion) >= self.log_promote)

    def _count(self, seen: Observation, tick: Tick) -> None:
        counts, told = seen.counts, tick.informative & seen.counts.compared
        rho = counts.canary_exposures / np.where(told, counts.baseline_exposures, 1.0)
        self.expected = self.expected + np.where(told, rho * counts.baseline_events, 0.0)
        self.told = self.told + told
        self.gaps.append(seen.missing)

    def _ready(self, time_s: float) -> BoolArray:
        missing = np.mean(self.gaps, axis=0)
        enough = (self.expected >= 20.0) & (self.told >= 30)
        return np.asarray(enough & (missing <= 0.2) & (time_s >= self.bake_s))


@dataclass(frozen=True, slots=True)
class Outcome:
    """When each run was rolled back and first promoted, in seconds; inf for never.

    A promotion counts only while the run is not rolled back, and, where the canary is ever
    harmful beyond the margin, only from then on: before, promoting it would have been right.
    """

    scenario: Scenario
    rolled_back_s: FloatArray
    promoted_s: FloatArray

    def summary(self) -> dict[str, float | int]:
        """Rates with standard errors, the censored mean delay from onset, and orders lost.

        False alarms before the onset count in ``p_rollback`` and as a delay of zero.
        """
        s, runs = self.scenario, self.rolled_back_s.size
        found = np.isfinite(self.rolled_back_s)
        delay = np.clip(np.minimum(self.rolled_back_s, s.horizon_s) - s.onset_s, 0.0, None)
        times = s.onset_s + s.tick_s * np.arange(max(1, s.ticks) + 1)
        lost = np.concatenate([[0.0], np.cumsum([s.loss_per_second(t) * s.tick_s for t in times])])
        losses = lost[np.minimum((delay / s.tick_s).astype(int), lost.size - 1)]
        early = self.promoted_s <= HOUR_S
        return {
            "p_rollback": float(found.mean()),
            "p_rollback_se": _se(found),
            "mean_delay_s": float(delay.mean()),
            "mean_delay_se": float(delay.std() / math.sqrt(runs)),
            "orders_lost": float(losses.mean()),
            "orders_lost_se": float(losses.std() / math.sqrt(runs)),
            "p_promote_1h": float(early.mean()),
            "p_promote_1h_se": _se(early),
            "runs": int(runs),
        }


def _se(hits: BoolArray) -> float:
    p = float(hits.mean())
    return math.sqrt(p * (1.0 - p) / hits.size)


def simulate_releases(
    scenario: Scenario,
    rules: Mapping[str, Callable[[Scenario, int], Rule]],
    runs: int,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Outcome]:
    """Play ``runs`` releases to every rule; a rule that has decided all its runs rests.

    progress: called with the part of the horizon that is done, now and then.

    >>> calm = Scenario("outage", "Decrease", 1667.0, 0.03, 0.05, 120.0, 0.9, ratio=0.01)
    >>> found = simulate_releases(calm, {"REC": Recommended}, 20, np.random.default_rng(1))
    >>> found["REC"].summary()["p_rollback"]
    1.0
    """
    whole(runs, "runs")
    playing = {name: make(scenario, runs) for name, make in rules.items()}
    back = {name: np.full(runs, math.inf) for name in rules}
    up = {name: np.full(runs, math.inf) for name in rules}
    harmful_from_s = scenario.harmful_from_s
    for place, seen in enumerate(stream(scenario, runs, rng)):
        at_s = seen.interval.end_s
        for name in list(playing):
            alarm, promote = playing[name].observe(seen)
            standing = np.isinf(back[name])
            back[name] = np.where(standing & alarm, at_s, back[name])
            first = np.isinf(back[name]) & promote & np.isinf(up[name]) & (at_s >= harmful_from_s)
            up[name] = np.where(first, at_s, up[name])
            if not np.isinf(back[name]).any():
                del playing[name]
        if not playing:
            break
        if progress is not None and place % 30 == 29:
            progress((place + 1) / scenario.ticks)
    return {name: Outcome(scenario, back[name], up[name]) for name in rules}


simulate = simulate_releases
"""The same, for callers that name this module anyway; on the package it would hide the module."""
