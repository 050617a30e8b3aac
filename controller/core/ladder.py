"""Which weights a release climbs, and how many pods a weight needs."""

from __future__ import annotations

from controller.api.rollout import DEFAULT_LADDER, RolloutSpec, Step
from controller.api.share import pods_for, replicas_for


def ladder(spec: RolloutSpec) -> tuple[Step, ...]:
    """The steps of a Rollout, or the default ladder."""
    return spec.steps or tuple(Step(weight=w) for w in DEFAULT_LADDER)


def canary_pods(weight: float, stable_pods: int, *, routed: bool) -> int:
    """Pods that carry `weight` percent beside `stable_pods`: at least 1.

    With a route the router makes the share and the canary needs its share of the full size, rounded
    up. Without one the pods make it, rounded down, as a weight is a limit: beside few pods the one
    that there must be is more than a small weight says.
    """
    return replicas_for(weight, stable_pods) if routed else pods_for(weight, stable_pods)
