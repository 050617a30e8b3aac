"""The capacity floor: stable stays large enough to take all traffic back in a run and just after.

Held through the `minReplicas` of the workload's HorizontalPodAutoscaler; how large it is to be, and
until when, is `core.floor`'s question. The owner's value is kept in an annotation in the same
patch. Called by facts and act.
"""

from __future__ import annotations

import re

from controller.api import names
from controller.api.k8s import HorizontalPodAutoscaler
from controller.api.patch import (
    Ops,
    add,
    drop_annotations,
    expect,
    expect_annotation,
    set_annotations,
)

_KEPT = re.compile(r"([0-9]{1,9})(?: \(raised to ([0-9]{1,9})\))?")


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
