"""Guards against what two arms cannot see: harm to both, pods that differ, noise known before.

A canary that locks the database pulls both arms down and the ratio stays 1. ``TotalSpec``
compares the total after a weight step with the time just before it, and holds. Pod effects that
no amount of data removes become a dead-band (``pod_dead_band``, ``before_dead_band``), and a
covariate from before the rollout removes known noise (CUPED). Numbers only. For users of the
library: the operator does not run it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis import checks
from analysis.checks import budget, number, numbers
from analysis.interval import beta_mixture_log_e
from analysis.sequence import RatioState, ratio_bounds
from analysis.ticks import Direction, FloatArray, amounts


@dataclass(frozen=True, slots=True)
class TotalSpec:
    """When a change of the total rate after a step is too large to be the time of day.

    direction: harmful side of the total. ratio: what traffic alone may do within the windows (a
    rate ratio; 0.7 for orders that may fall by 30% in ten minutes, or from history by hour).
    alpha: budget of this alarm, beside the rollback's; it steps down and holds, no more.

    >>> TotalSpec("Decrease", ratio=1.3)
    Traceback (most recent call last):
    ValueError: ratio of a Decrease must lie in (0, 1]; came 1.3
    """

    direction: Direction
    ratio: float
    alpha: float = 0.001

    def __post_init__(self) -> None:
        checks.direction(self.direction)
        down = self.direction == "Decrease"
        if not (0.0 < self.ratio <= 1.0 if down else 1.0 <= self.ratio < math.inf):
            allowed = "(0, 1]" if down else "[1, inf)"
            raise ValueError(
                f"ratio of a {self.direction} must lie in {allowed}; came {self.ratio}"
            )
        budget(self.alpha)


def total_log_e(
    spec: TotalSpec,
    events_after: npt.ArrayLike,
    seconds_after: npt.ArrayLike,
    events_before: npt.ArrayLike,
    seconds_before: npt.ArrayLike,
) -> FloatArray:
    """ln E of H0 "the total's rate changed by no more than ``ratio``"; broadcasts.

    Totals of both arms, in a window before the step (fixed) and since it (growing). The beta
    mixture of ``interval`` with time as exposure. Guarantee: E <= 1 exactly at any one look;
    over many looks no proof, for the prior is on the share of the events, which moves as the
    second window grows, but at most half the budget was used in simulation (a look each 10 s for
    20 min, 0.05 to 50 events/s, alpha 5% and 0.1%). Assumes Poisson totals whose rate changes by
    at most ``ratio`` of itself: when not to use, bursts that both arms share (flash sales), unless
    ``ratio`` allows for them. Alarm at ln(1/alpha); it holds, it never takes back.

    >>> spec = TotalSpec("Decrease", ratio=0.8)
    >>> bool(total_log_e(spec, 40, 60, 30_000, 600) > math.log(1000))
    True
    >>> float(total_log_e(spec, 0, 0, 0, 600))
    0.0
    """
    after, before = amounts(events_after, "events after"), amounts(events_before, "events before")
    since, until = amounts(seconds_after, "seconds"), amounts(seconds_before, "seconds")
    usable = (since > 0.0) & (until > 0.0)
    odds = np.where(usable, since, 1.0) / np.where(usable, until, 1.0)
    side: Literal["less", "greater"] = "less" if spec.direction == "Decrease" else "greater"
    log_e = beta_mixture_log_e(after, before, odds, r0=spec.ratio, side=side)
    return np.where(usable, log_e, 0.0)


def pod_dead_band(ratios: npt.ArrayLike, direction: Direction, *, sds: float = 2.0) -> float:
    """r0 that leaves room for pods that differ without a cause.

    ratios: rate of each pod (or of random halves of them) over that of all, from A/A history,
    shape ``(pods,)``, > 0, at least two. Two standard deviations of ln ratio, on the harmful
    side: with an effect of sd 2% and no dead-band 19% of good releases were rolled back.

    >>> round(pod_dead_band([0.98, 1.02, 1.0, 0.97, 1.03], "Decrease"), 3)
    0.95
    """
    checks.direction(direction)
    values = numbers(ratios, "ratios", above=0.0)
    if values.ndim != 1 or values.size < 2:
        raise ValueError(f"ratios must be at least two numbers, one per pod; came {ratios!r}")
    spread = number(sds, "sds", least=0.0) * float(np.log(values).std(ddof=1))
    return math.exp(-spread if direction == "Decrease" else spread)


def before_dead_band(before: RatioState, direction: Direction, *, alpha: float = 0.01) -> float:
    """r0 from a phase in which the canary's pods ran the old version (pre-period).

    before: the ratio of that phase, one comparison. The harmful-side end of its confidence
    sequence at alpha / 5, at most 1 for Decrease and at least 1 for Increase; 1 without data.
    Exact by a union bound over both phases: spend 4/5 of alpha on the rollout.

    >>> before_dead_band(RatioState.start(), "Decrease")
    1.0
    """
    checks.direction(direction)
    low, high = (float(end) for end in ratio_bounds(before, budget(alpha) / 5.0))
    if direction == "Decrease":
        return min(low, 1.0) if low > 0.0 else 1.0
    return max(high, 1.0) if math.isfinite(high) else 1.0


class Cuped(NamedTuple):
    """theta = cov / var of the pre-period, its mean there, and the variance that is left."""

    theta: float
    mean: float
    variance: float


def cuped(pre: npt.ArrayLike, post: npt.ArrayLike) -> Cuped:
    """theta of y - theta (x - mean): variance times 1 - corr^2 (Deng, Xu, Kohavi & Walker 2013).

    pre, post: covariate and outcome per unit, both from before the rollout, same length >= 2. A
    covariate without variance gives theta 0. Keep theta fixed from then on: estimated from the
    data under test it breaks sequential validity.

    >>> found = cuped([2, 4, 6, 8, 10, 12], [1, 3, 2, 5, 4, 6])
    >>> round(found.theta, 6), round(found.variance, 6)
    (0.442857, 0.754286)
    """
    x, y = numbers(pre, "pre"), numbers(post, "post")
    if x.ndim != 1 or x.shape != y.shape or x.size < 2:
        raise ValueError(
            f"pre and post must be lists of one length >= 2; came {x.shape}, {y.shape}"
        )
    spread = float(x.var(ddof=1))
    both = float(np.cov(x, y)[0, 1])
    theta = both / spread if spread > 0.0 else 0.0
    return Cuped(theta, float(x.mean()), float(y.var(ddof=1)) - theta * both)


def cuped_adjusted(y: npt.ArrayLike, x: npt.ArrayLike, fixed: Cuped) -> FloatArray:
    """Outcomes with what the covariate explains taken out; broadcasts.

    >>> cuped_adjusted([3.0], [7.0], Cuped(0.5, 5.0, 1.0)).tolist()
    [2.0]
    """
    return np.asarray(numbers(y, "y") - fixed.theta * (numbers(x, "x") - fixed.mean))
