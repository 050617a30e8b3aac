"""What could a rollout look like? Made-up traffic of two arms, for simulation and back-tests.

A scenario says how much traffic there is, how it is split, what is truly wrong with the canary,
and which engineering faults spoil the counts (gaps, resets, batches, a wrong split, lag); traffic
plays it. It must not know any rule or verdict. Called by ``simulate`` and the benchmarks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from analysis.checks import number, whole
from analysis.margins import Margin
from analysis.ticks import Direction

MOST_TICKS = 1e7
"""More would take days to play."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Truth and traffic. Rates are per second of both arms together.

    exposure_rate: sessions or requests; probability: events per exposure of the baseline. share:
    configured canary share; true_share: the real one. ratio: canary rate over baseline rate from
    ``onset_s`` to ``until_s``, reached linearly over ``ramp_s``. diurnal: amplitude of the daily
    wave, in [0, 1). batch_mean: events come in geometric batches of this mean; batch_tail: in
    batches of which a part k^-batch_tail is of k or more (> 1; below 2 their variance is
    infinite); batch_cap: most that one unit counts in ``Observation.capped``. noise_variance: of a
    gamma factor per minute common to both arms. gap_every_s, gap_s: the canary's metrics are
    absent for gap_s in each gap_every_s; gap_share: and in this share of ticks. reset_loss: part
    of the canary's events and exposures lost. arm_sd: fixed relative effect of the canary's pods;
    arm_noise: the same anew each minute. retries: failed units try again up to so often and fail
    again with ``fails_again``. lag_s: mean delay from exposure to event. orders_per_event: what
    one event beyond the baseline's costs; unless stated -1 where a decrease is harm (the events
    are the orders) and nothing where an increase is. margin: harm that
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
    batch_tail: float | None = None
    batch_cap: float = 10.0
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
    orders_per_event: float | None = None
    tolerated: float | None = None
    warm_up_s: float = 0.0
    batched: bool = False

    def __post_init__(self) -> None:
        self._check_types()
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
        if self.batch_tail is not None and not 1.0 < self.batch_tail < math.inf:
            raise ValueError(
                f"batch_tail of {self.name} must be > 1 and finite; came {self.batch_tail}"
            )
        if not self.horizon_s / self.tick_s <= MOST_TICKS:
            raise ValueError(
                f"horizon_s of {self.name} must be at most {MOST_TICKS:g} ticks; "
                f"came {self.horizon_s / self.tick_s:g}"
            )
        self._check_parts()

    def _check_types(self) -> None:
        """What came from a file may be anything."""
        if self.direction not in ("Decrease", "Increase"):
            raise ValueError(
                f"direction of {self.name} must be Decrease or Increase; came {self.direction!r}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("name", "direction") or (value is None and field.default is None):
                continue
            if field.name == "batched":
                if not isinstance(value, bool):
                    raise ValueError(
                        f"batched of {self.name} must be true or false; came {value!r}"
                    )
            elif isinstance(value, bool) or not isinstance(value, Real):
                raise ValueError(f"{field.name} of {self.name} must be a number; came {value!r}")

    def _check_parts(self) -> None:
        """Shares of time, traffic or counts, and what cannot be negative."""
        for name in ("gap_share", "reset_loss", "fails_again", "diurnal"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(
                    f"{name} of {self.name} must lie in [0, 1); came {getattr(self, name)}"
                )
        for name in ("until_s", "gap_every_s"):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f"{name} of {self.name} must be >= 0; came {getattr(self, name)}")
        for name in (
            "ratio", "onset_s", "ramp_s", "noise_variance", "gap_s", "arm_sd", "arm_noise",
            "lag_s", "warm_up_s",
        ):  # fmt: skip
            number(getattr(self, name), f"{name} of {self.name}", least=0.0)
        whole(self.retries, f"retries of {self.name}", least=0)
        number(self.event_costs, f"orders_per_event of {self.name}")
        number(self.batch_mean, f"batch_mean of {self.name}", least=1.0)
        if self.tolerated is not None:
            number(self.tolerated, f"tolerated of {self.name}", above=0.0)
        self._check_sides()
        if self.true_share is not None and not 0.0 < self.true_share < 1.0:
            raise ValueError(
                f"true_share of {self.name} must lie inside (0, 1); came {self.true_share}"
            )
        if not 1.0 <= self.batch_cap < math.inf:
            raise ValueError(f"batch_cap of {self.name} must be >= 1; came {self.batch_cap}")

    def _check_sides(self) -> None:
        """Margin and tolerance on the harmful side, the margin not inside; units within reach."""
        Margin(self.margin).fits(self.direction)
        sign = -1.0 if self.direction == "Decrease" else 1.0
        tolerated, margin = (sign * math.log(r) for r in (self.edge, self.margin))
        if not -1e-12 <= tolerated <= margin + 1e-12:
            raise ValueError(
                f"{self.name} needs its tolerated ratio between 1 and its margin {self.margin}; "
                f"came {self.edge}"
            )
        rate = self.probability * max(self.ratio, 1.0) / self.unit_events
        if rate > 1.0 and not self.lag_s:
            raise ValueError(
                f"{self.name} must have at most one unit per exposure: probability x ratio; "
                f"came {rate:.3g}"
            )

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Scenario:
        """A scenario from a mapping (a YAML file); unknown keys are refused with what is known.

        >>> Scenario.parse({"name": "x", "rate": 3})
        Traceback (most recent call last):
        ValueError: unknown key 'rate' in scenario 'x'; known are name, direction, exposure_rate, \
probability, share, horizon_s, margin, ratio, onset_s, ramp_s, until_s, tick_s, true_share, \
diurnal, batch_mean, batch_tail, batch_cap, noise_variance, gap_every_s, gap_s, gap_share, \
reset_loss, arm_sd, arm_noise, retries, fails_again, lag_s, orders_per_event, tolerated, \
warm_up_s, batched
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
    def event_costs(self) -> float:
        """Orders lost with one event more than the baseline has."""
        if self.orders_per_event is not None:
            return self.orders_per_event
        return -1.0 if self.direction == "Decrease" else 0.0

    @property
    def unit_events(self) -> float:
        """Mean number of events of a unit."""
        if self.batch_tail is None:
            return self.batch_mean
        from scipy.special import zeta

        return float(zeta(self.batch_tail))

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
        return self.event_costs * excess
