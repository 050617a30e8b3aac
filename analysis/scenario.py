"""What could a rollout look like? Made-up traffic of two arms, for simulation and back-tests.

A scenario says how much traffic there is, how it is split, what is truly wrong with the canary,
and which engineering faults spoil the counts (gaps, resets, batches, a wrong split, lag). Streams
are vectorised over runs and made from a generator that the caller seeds. It must not know any
rule or verdict. Called by ``simulate`` and the benchmarks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.ticks import Counts, Direction, FloatArray, Interval

DAY_S = 86_400.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Truth and traffic. Rates are per second of both arms together.

    exposure_rate: sessions or requests; probability: events per exposure of the baseline. share:
    configured canary share; true_share: the real one. ratio: canary rate over baseline rate from
    ``onset_s`` to ``until_s``, reached linearly over ``ramp_s``. diurnal: amplitude of the daily
    wave, in [0, 1). batch_mean: events come in geometric batches of this mean; noise_variance:
    of a gamma factor per minute common to both arms. gap_every_s, gap_s: the canary's metrics are
    absent for gap_s in each gap_every_s; gap_share: and in this share of ticks. reset_loss: part
    of the canary's events and exposures lost. arm_sd: fixed relative effect of the canary's pods;
    arm_noise: the same anew each minute. retries: failed units try again up to so often and fail
    again with ``fails_again``. lag_s: mean delay from exposure to event. orders_per_event: what
    one event beyond the baseline's costs (-1: the events are the orders). margin: harm that
    promotion must exclude; tolerated: edge of harm. warm_up_s: left out by the recommended rule.
    """

    name: str
    direction: Direction
    exposure_rate: float
    probability: float
    share: float
    horizon_s: float
    margin: float
    ratio: float = 1.0
    onset_s: float = 0.0
    ramp_s: float = 0.0
    until_s: float = math.inf
    tick_s: float = 10.0
    true_share: float | None = None
    diurnal: float = 0.0
    batch_mean: float = 1.0
    noise_variance: float = 0.0
    gap_every_s: float = math.inf
    gap_s: float = 0.0
    gap_share: float = 0.0
    reset_loss: float = 0.0
    arm_sd: float = 0.0
    arm_noise: float = 0.0
    retries: int = 0
    fails_again: float = 0.0
    lag_s: float = 0.0
    orders_per_event: float = -1.0
    tolerated: float | None = None
    warm_up_s: float = 0.0
    batched: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("share", 0.0, 1.0),
            ("probability", 0.0, 1.0),
            ("exposure_rate", 0.0, math.inf),
            ("horizon_s", 0.0, math.inf),
            ("tick_s", 0.0, math.inf),
            ("margin", 0.0, math.inf),
        ):
            if not low < getattr(self, name) < high:
                raise ValueError(
                    f"{name} of {self.name} must lie inside ({low:g}, {high:g}); "
                    f"came {getattr(self, name)}"
                )
        if not (self.ratio >= 0.0 and 0.0 <= self.diurnal < 1.0 and self.batch_mean >= 1.0):
            raise ValueError(
                f"{self.name} needs ratio >= 0, diurnal in [0, 1) and batch_mean >= 1; "
                f"came {self.ratio}, {self.diurnal}, {self.batch_mean}"
            )

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Scenario:
        """A scenario from a mapping (a YAML file); unknown keys are refused with what is known.

        >>> Scenario.parse({"name": "x", "rate": 3})
        Traceback (most recent call last):
        ValueError: unknown key 'rate' in scenario 'x'; known are name, direction, exposure_rate, \
probability, share, horizon_s, margin, ratio, onset_s, ramp_s, until_s, tick_s, true_share, \
diurnal, batch_mean, noise_variance, gap_every_s, gap_s, gap_share, reset_loss, arm_sd, arm_noise, \
retries, fails_again, lag_s, orders_per_event, tolerated, warm_up_s, batched
        """
        known = [field.name for field in fields(cls)]
        name = document.get("name", "unnamed")
        for key in document:
            if key not in known:
                raise ValueError(
                    f"unknown key {key!r} in scenario {name!r}; known are {', '.join(known)}"
                )
        try:
            return cls(**{"name": name, **document})
        except TypeError as error:
            raise ValueError(f"scenario {name!r} is incomplete: {error}") from error

    @property
    def edge(self) -> float:
        """r0: what is tolerated, 1% beyond 1 unless stated."""
        if self.tolerated is not None:
            return self.tolerated
        return 0.99 if self.direction == "Decrease" else 1.01

    @property
    def event_rate(self) -> float:
        """Events per second of both arms while the canary is as good as the baseline."""
        return self.exposure_rate * self.probability

    @property
    def dispersion(self) -> float:
        """phi of the batches: 2 m - 1."""
        return 2.0 * self.batch_mean - 1.0

    @property
    def ticks(self) -> int:
        """Number of ticks until the horizon."""
        return math.ceil(self.horizon_s / self.tick_s)

    def ratio_at(self, time_s: float) -> float:
        """The true ratio at ``time_s``.

        >>> leak = Scenario("leak", "Increase", 1000, 0.002, 0.1, 14400, 1.5,
        ...                 ratio=6.0, onset_s=1800, ramp_s=10800)
        >>> [leak.ratio_at(t) for t in (0, 1800, 7200, 20000)]
        [1.0, 1.0, 3.5, 6.0]
        """
        if time_s < self.onset_s or time_s >= self.until_s:
            return 1.0
        part = min(1.0, (time_s - self.onset_s) / self.ramp_s) if self.ramp_s else 1.0
        return 1.0 + (self.ratio - 1.0) * part

    @property
    def harmful_from_s(self) -> float:
        """First time at which the ratio is at or beyond the margin; 0 if it never is."""

        def beyond(time_s: float) -> bool:
            ratio = self.ratio_at(time_s)
            return ratio <= self.margin if self.direction == "Decrease" else ratio >= self.margin

        times = (number * self.tick_s for number in range(self.ticks))
        return next((time_s for time_s in times if beyond(time_s)), 0.0)

    def loss_per_second(self, time_s: float) -> float:
        """Orders lost per second while the canary has its share and the ratio of ``time_s``."""
        excess = self.event_rate * self.share * (self.ratio_at(time_s) - 1.0)
        return self.orders_per_event * excess


@dataclass(frozen=True, slots=True)
class Observation:
    """One tick of all runs. missing: where the canary's metrics are absent (its counts are 0).

    units: the same tick with each batch, or failed unit, counted once.
    """

    interval: Interval
    counts: Counts
    missing: npt.NDArray[np.bool_]
    units: Counts


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
        units, events = zip(
            *(self._events(arm, exposed[arm], ratio if arm == 0 else 1.0) for arm in (0, 1)),
            strict=True,
        )
        lost = self._lost(interval.start_s)
        kept = self._kept()
        canary = np.where(lost, 0.0, np.floor(exposed[0] * kept))

        def counts(arms: tuple[FloatArray, ...]) -> Counts:
            seen = arms[0] if s.reset_loss == 0.0 else rng.binomial(arms[0].astype(np.int64), kept)
            return Counts(np.where(lost, 0.0, seen), canary, arms[1], exposed[1])

        return Observation(interval, counts(events), lost, counts(units))

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
    ) -> tuple[FloatArray, FloatArray]:
        s, rng = self.scenario, self.rng
        rate = s.probability * ratio / s.batch_mean
        if s.lag_s:
            keep = math.exp(-s.tick_s / s.lag_s)
            past = self.due[arm]
            # in the steady state when the rollout begins
            before = exposed.mean() * np.ones_like(exposed) if past is None else past
            exposed = self.due[arm] = keep * before + (1.0 - keep) * exposed
            units = rng.poisson(exposed * rate)
        else:
            units = rng.binomial(exposed.astype(np.int64), np.minimum(rate, 1.0))
        total = again = units
        if s.batch_mean > 1.0:
            more = rng.negative_binomial(np.maximum(units, 1), 1.0 / s.batch_mean)
            total = again = units + np.where(units > 0, more, 0)
        for _ in range(s.retries):
            again = rng.binomial(again, s.fails_again)
            total = total + again
        return units.astype(np.float64), total.astype(np.float64)

    def _lost(self, time_s: float) -> npt.NDArray[np.bool_]:
        s = self.scenario
        lost = np.zeros(self.runs, dtype=bool)
        if s.gap_share:
            lost |= self.rng.random(self.runs) < s.gap_share
        if math.isfinite(s.gap_every_s) and time_s % s.gap_every_s >= s.gap_every_s - s.gap_s:
            lost[:] = True
        return lost
