"""The capacity floor: stable stays large enough to take all traffic back until absorb begins.

Held through the `minReplicas` of the workload's HorizontalPodAutoscaler (without one, act holds
`spec.replicas`). The owner's value is kept in an annotation in the same patch. Called by gather and
act.
"""

from __future__ import annotations

import re
from math import ceil

from controller.api import names
from controller.api.k8s import Deployment, HorizontalPodAutoscaler
from controller.api.patch import (
    Ops,
    add,
    drop_annotations,
    expect,
    expect_annotation,
    set_annotations,
)

_KEPT = re.compile(r"([0-9]{1,9})(?: \(raised to ([0-9]{1,9})\))?")


def needed(
    live_replicas: int,
    *,
    held: int = 0,
    at_start: int = 0,
    growth: float = 1.0,
    most: int | None = None,
) -> int:
    """Stable replicas that take 100% of the current traffic.

    `live_replicas` is what the owner or the autoscaler wants now. `held` is the floor in force: it
    never falls during a run, as beside a canary the autoscaler sees a part of the traffic only.
    `at_start` are the replicas when the run began, `growth` the traffic of both arms now over that
    of then. `most` is the autoscaler's maxReplicas.
    """
    grown = ceil(at_start * growth - 1e-9)
    wanted = max(live_replicas, held, grown)
    return wanted if most is None else min(wanted, most)


def scales(autoscaler: HorizontalPodAutoscaler, deployment: Deployment) -> bool:
    """Whether this autoscaler sets the replicas of this Deployment."""
    target = autoscaler.spec.scale_target_ref
    return (target.kind, target.name) == ("Deployment", deployment.name)


def held(autoscaler: HorizontalPodAutoscaler) -> int:
    """The floor that we wrote last; 0 when none is in force."""
    return _kept(autoscaler)[1]


def original(autoscaler: HorizontalPodAutoscaler) -> int | None:
    """The owner's minReplicas while a floor of ours is in force, else None.

    A value that is neither his old one nor the floor is his newest word.
    """
    owners, ours = _kept(autoscaler)
    if not owners:
        return None
    now = autoscaler.spec.min_replicas
    return owners if now in (owners, ours) else now


def floor_intact(autoscaler: HorizontalPodAutoscaler, wanted: int) -> bool:
    """Whether minReplicas is what stable needs, as far as maxReplicas lets it."""
    return autoscaler.spec.min_replicas >= min(wanted, autoscaler.spec.max_replicas)


def raise_floor(autoscaler: HorizontalPodAutoscaler, replicas: int) -> Ops:
    """minReplicas up to `replicas`, at most maxReplicas; the owner's value kept beside it."""
    now = autoscaler.spec.min_replicas
    target = min(replicas, autoscaler.spec.max_replicas)
    if now >= target:
        return []
    owners = original(autoscaler)
    kept = f"{now if owners is None else owners} (raised to {target})"
    return [
        expect_annotation(autoscaler, names.FLOOR_ANNOTATION),
        *set_annotations(autoscaler, {names.FLOOR_ANNOTATION: kept}),
        add(target, "spec", "minReplicas"),
    ]


def restore_floor(autoscaler: HorizontalPodAutoscaler) -> Ops:
    """The owner's minReplicas, and our annotation gone."""
    owners = original(autoscaler)
    if owners is None:
        return drop_annotations(autoscaler, names.FLOOR_ANNOTATION)
    now = autoscaler.spec.min_replicas
    reset = [expect(now, "spec", "minReplicas"), add(owners, "spec", "minReplicas")]
    forgotten = drop_annotations(autoscaler, names.FLOOR_ANNOTATION)
    return [*(reset if now != owners else []), *forgotten]


def _kept(autoscaler: HorizontalPodAutoscaler) -> tuple[int, int]:
    """The owner's value and ours; zeros when the annotation is absent or nobody's."""
    text = autoscaler.metadata.annotations.get(names.FLOOR_ANNOTATION, "")
    match = _KEPT.fullmatch(text)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)
