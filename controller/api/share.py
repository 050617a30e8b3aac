"""From a weight to a number of pods and back. Pure arithmetic for workloads/ and routers/."""

from __future__ import annotations

from math import ceil, floor
from typing import Final

_SLACK: Final = 1e-9
"""Keeps 10 x 10% from being rounded up to 2 by the last bit of a float."""


def replicas_for(weight_pct: float, live_replicas: int) -> int:
    """Canary replicas that carry `weight_pct` of what `live_replicas` carry: rounded up, 1 or more.

    >>> replicas_for(10, 10), replicas_for(11, 10), replicas_for(1, 3)
    (1, 2, 1)
    """
    return max(1, ceil(live_replicas * weight_pct / 100 - _SLACK))


def pods_for(weight_pct: float, stable: int) -> int:
    """Canary pods beside `stable` ones whose share c/(c+s) is at most `weight_pct`; at least 1.

    Rounded down, as a weight is a limit of what a release may reach; but beside few pods the first
    one is more than that. Never more than `stable`: a share over one half would take more pods than
    the workload has, so a full-size canary is all that a larger weight gets, and the observed share
    says what really flows.

    >>> pods_for(10, 10), pods_for(50, 3), pods_for(5, 3), pods_for(98, 4)
    (1, 3, 1, 4)
    """
    if weight_pct >= 50:
        return max(1, stable)
    return max(1, floor(stable * weight_pct / (100 - weight_pct) + _SLACK))


def observed_share(canary_ready: int, stable_ready: int) -> float:
    """Share of the ready pods that are the canary's, in percent; 0 when no pod is ready.

    >>> observed_share(1, 3)
    25.0
    """
    ready = canary_ready + stable_ready
    return 100 * canary_ready / ready if ready else 0.0
