"""How unequal are equal pods? The effect of a pod, told apart from chance, and what follows.

Pods on other hosts, in other zones, with other caches differ for no reason of the release, and no
amount of data removes that: with an effect of sd 2% and no room for it 19% of good releases were
taken back. From counts of each pod of one version the spread beyond chance is estimated; the
dead-band is two of it. It knows counts by pod; not which version, metric or release. Called by the
A/A mode of the back-test and by whoever sets ``tolerated``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import checks
from analysis.checks import budget, number, whole
from analysis.ticks import Direction, amounts


@dataclass(frozen=True, slots=True)
class PodEffect:
    """Standard deviation of a pod's rate, relative to the mean rate, beyond chance.

    sd: estimate, >= 0; low, high: its interval at the level asked for; p: chance of a spread as
    large as was seen if all pods are equal; pods: how many were compared.
    """

    sd: float
    low: float
    high: float
    p: float
    pods: int

    def dead_band(
        self, direction: Direction, *, canaries: int = 1, baselines: int = 1, sds: float = 2.0
    ) -> float:
        """r0 that leaves room for arms of so many pods: exp(+-sds x sd x sqrt(1/m + 1/n)).

        >>> effect = PodEffect(0.02, 0.01, 0.04, 0.001, 10)
        >>> round(effect.dead_band("Decrease", canaries=1, baselines=9), 4)
        0.9587
        """
        checks.direction(direction)
        whole(canaries, "canaries")
        whole(baselines, "baselines")
        number(sds, "sds", least=0.0)
        spread = sds * self.sd * math.sqrt(1.0 / canaries + 1.0 / baselines)
        return math.exp(-spread if direction == "Decrease" else spread)


def pod_effect(
    events: npt.ArrayLike, exposures: npt.ArrayLike, *, confidence: float = 0.9
) -> PodEffect:
    """The spread of rates between pods of one version, less what chance alone gives.

    events, exposures: one number per pod over one common stretch of time, at least two pods,
    some events. Estimand: sd of a pod's rate over the mean rate. X^2 = sum (S - E)^2 / E, with E
    the events at the common rate, has the mean k - 1 + sd^2 (sum E - sum E^2 / sum E) (moments as
    in DerSimonian & Laird 1986); the interval inverts the chi-square law of X^2 scaled by its
    mean, which is exact in the limit for pods of equal traffic, approximate elsewhere. When not
    to use: fewer than five pods (the interval says so by its width), pods of unlike traffic,
    events in batches (their dispersion looks like a difference of pods).

    >>> alike = pod_effect([100, 104, 97, 99], [1000, 1000, 1000, 1000])
    >>> alike.sd, alike.low
    (0.0, 0.0)
    >>> round(pod_effect([1000, 1100, 900, 1050], [9000, 9000, 9000, 9000]).sd, 3)
    0.078
    """
    from scipy.special import chdtrc, chdtri

    seen, exposed = amounts(events, "events of a pod"), amounts(exposures, "exposures of a pod")
    if seen.ndim != 1 or seen.shape != exposed.shape or seen.size < 2:
        raise ValueError(
            "events and exposures must be lists of one length >= 2, a number per pod; "
            f"came shapes {seen.shape}, {exposed.shape}"
        )
    budget(confidence, "confidence")
    if not ((exposed > 0.0).all() and seen.sum() > 0.0):
        raise ValueError("every pod needs exposures, and some pod events; came none")
    expected = exposed * (seen.sum() / exposed.sum())
    free = seen.size - 1
    square = float(((seen - expected) ** 2 / expected).sum())
    gain = float(expected.sum() - (expected**2).sum() / expected.sum())

    def sd(mean_square: float) -> float:
        return math.sqrt(max(0.0, free * (mean_square - 1.0) / gain))

    tail = (1.0 - confidence) / 2.0
    return PodEffect(
        sd=sd(square / free),
        low=sd(square / float(chdtri(free, tail))),
        high=sd(square / float(chdtri(free, 1.0 - tail))),
        p=float(np.clip(chdtrc(free, square), 0.0, 1.0)),
        pods=int(seen.size),
    )
