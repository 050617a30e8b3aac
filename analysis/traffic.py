"""Plays a scenario: the ticks of many releases side by side, from a generator that is seeded.

Streams are vectorised over runs. It knows the truth of a scenario; no rule, no verdict, no time of
its own. Called by simulate and the benchmarks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.scenario import Scenario
from analysis.ticks import Counts, FloatArray, Interval

DAY_S = 86_400.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One tick of all runs. missing: where the canary's metrics are absent (its counts are 0).

    units: the same tick with each batch, or failed unit, counted once. capped: with each batch cut
    at the scenario's cap and divided by it, where batches have a tail.
    """

    interval: Interval
    counts: Counts
    missing: npt.NDArray[np.bool_]
    units: Counts
    capped: Counts | None = None


def stream(scenario: Scenario, runs: int, rng: np.random.Generator) -> Iterator[Observation]:
    """The ticks of ``runs`` releases side by side; arrays of shape ``(runs,)``.

    Exposures are Poisson given the intensity, events binomial in the exposures (Poisson under
    lag or noise of an arm); the same seed gives the same stream.

    >>> calm = Scenario("calm", "Decrease", 1000.0, 0.03, 0.1, 60.0, 0.9)
    >>> first = next(iter(stream(calm, 4, np.random.default_rng(1))))
    >>> first.counts.canary_events.shape
    (4,)
    """
    arms = _Arms(scenario, runs, rng)
    for number in range(scenario.ticks):
        start_s = number * scenario.tick_s
        yield arms.tick(Interval(start_s, start_s + scenario.tick_s))


class _Arms:
    """What lives on between ticks: pod effects, the noise of the minute, exposures under lag."""

    def __init__(self, scenario: Scenario, runs: int, rng: np.random.Generator) -> None:
        self.scenario, self.runs, self.rng = scenario, runs, rng
        self.pods = np.exp(rng.normal(0.0, scenario.arm_sd, runs)) if scenario.arm_sd else 1.0
        self.minute = -1
        self.common: FloatArray | float = 1.0
        self.own: FloatArray | float = 1.0
        self.due: list[FloatArray | None] = [None, None]
        self.unit_events = scenario.unit_events

    def tick(self, interval: Interval) -> Observation:
        s, rng = self.scenario, self.rng
        self._new_minute(interval.start_s)
        wave = 1.0 + s.diurnal * math.sin(2.0 * math.pi * interval.start_s / DAY_S)
        expected = s.exposure_rate * interval.length_s * wave * self.common
        share = s.share if s.true_share is None else s.true_share
        exposed = [
            rng.poisson(expected * part, self.runs).astype(np.float64)
            for part in (share, 1.0 - share)
        ]
        ratio = s.ratio_at(interval.start_s) * self.pods * self.own
        units, events, capped = zip(
            *(self._events(arm, exposed[arm], ratio if arm == 0 else 1.0) for arm in (0, 1)),
            strict=True,
        )
        lost = self._lost(interval.start_s)
        kept = self._kept()
        canary = np.where(lost, 0.0, np.floor(exposed[0] * kept))

        def counts(arms: tuple[FloatArray, ...]) -> Counts:
            seen = arms[0] if s.reset_loss == 0.0 else rng.binomial(arms[0].astype(np.int64), kept)
            return Counts(np.where(lost, 0.0, seen), canary, arms[1], exposed[1])

        by_cap = None if s.batch_tail is None else counts(capped)
        return Observation(interval, counts(events), lost, counts(units), by_cap)

    def _kept(self) -> FloatArray | float:
        """Part of the canary's tick that is left: a reset takes half of it, of all counts alike."""
        s = self.scenario
        if not s.reset_loss:
            return 1.0
        return np.where(self.rng.random(self.runs) < 2.0 * s.reset_loss, 0.5, 1.0)

    def _new_minute(self, time_s: float) -> None:
        s, rng = self.scenario, self.rng
        if int(time_s // MINUTE_S) == self.minute:
            return
        self.minute = int(time_s // MINUTE_S)
        if s.noise_variance:
            self.common = rng.gamma(1.0 / s.noise_variance, s.noise_variance, self.runs)
        if s.arm_noise:
            self.own = np.exp(rng.normal(0.0, s.arm_noise, self.runs))

    def _events(
        self, arm: int, exposed: FloatArray, ratio: FloatArray | float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Units, events, and events by the cap, of one arm."""
        s, rng = self.scenario, self.rng
        rate = s.probability * ratio / self.unit_events
        if s.lag_s:
            keep = math.exp(-s.tick_s / s.lag_s)
            past = self.due[arm]
            # in the steady state when the rollout begins
            before = exposed.mean() * np.ones_like(exposed) if past is None else past
            exposed = self.due[arm] = keep * before + (1.0 - keep) * exposed
            units = rng.poisson(exposed * rate)
        else:
            units = rng.binomial(exposed.astype(np.int64), np.minimum(rate, 1.0))
        if s.batch_tail is not None:
            return self._with_tail(units, s.batch_tail)
        total = again = units
        if s.batch_mean > 1.0:
            more = rng.negative_binomial(np.maximum(units, 1), 1.0 / s.batch_mean)
            total = again = units + np.where(units > 0, more, 0)
        for _ in range(s.retries):
            again = rng.binomial(again, s.fails_again)
            total = total + again
        alone = units.astype(np.float64)
        return alone, total.astype(np.float64), alone

    def _with_tail(
        self, units: npt.NDArray[np.int64], tail: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Each unit brings floor(U^(-1/tail)) events, so that a part k^-tail brings k or more."""
        cap = self.scenario.batch_cap
        run = np.repeat(np.arange(self.runs), units)
        sizes = np.floor((1.0 - self.rng.random(run.size)) ** (-1.0 / tail))
        total = np.bincount(run, sizes, self.runs)
        capped = np.bincount(run, np.minimum(sizes, cap) / cap, self.runs)
        return units.astype(np.float64), total.astype(np.float64), capped.astype(np.float64)

    def _lost(self, time_s: float) -> npt.NDArray[np.bool_]:
        s = self.scenario
        lost = np.zeros(self.runs, dtype=bool)
        if s.gap_share:
            lost |= self.rng.random(self.runs) < s.gap_share
        if math.isfinite(s.gap_every_s) and time_s % s.gap_every_s >= s.gap_every_s - s.gap_s:
            lost[:] = True
        return lost
