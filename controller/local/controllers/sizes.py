"""The arithmetic of a Deployment: how many replicas each of its ReplicaSets should have next.

Pure, after `pkg/controller/deployment` of Kubernetes 1.37 (rolling.go, sync.go, util): the promises
of the operator rest on the corners of it, such as what a paused Deployment does when it is scaled
from 0. Called by the other modules of the Deployment controller.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from controller.api.k8s import Deployment, ReplicaSet
from controller.api.names import HASH_LABEL

REVISION: Final = "deployment.kubernetes.io/revision"
DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MAX: Final = "deployment.kubernetes.io/max-replicas"


def template_of(item: Deployment | ReplicaSet) -> dict[str, Any]:
    """The pod template, without the hash label that tells ReplicaSets apart."""
    template: dict[str, Any] = msgspec.json.decode(item.spec.template)
    labels = template.get("metadata", {}).get("labels", {})
    labels.pop(HASH_LABEL, None)
    return template


def by_age(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first; within a second by name."""
    return sorted(sets, key=lambda one: (str(one.metadata.creation_timestamp), one.name))


def new_set(deployment: Deployment, sets: Iterable[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet of the Deployment's template; the oldest when there are several."""
    wanted = template_of(deployment)
    return next((one for one in by_age(sets) if template_of(one) == wanted), None)


def active(sets: Iterable[ReplicaSet | None]) -> list[ReplicaSet]:
    """Those that should have pods."""
    return [one for one in sets if one is not None and one.spec.replicas > 0]


def is_rolling(deployment: Deployment) -> bool:
    """Whether the strategy is RollingUpdate."""
    return bool(deployment.spec.strategy.get("type", "RollingUpdate") == "RollingUpdate")


def max_surge(deployment: Deployment) -> int:
    """Pods above the desired number."""
    return _fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Deployment) -> int:
    """Pods that may be missing."""
    if not is_rolling(deployment) or deployment.spec.replicas == 0:
        return 0
    return min(_fenceposts(deployment)[1], deployment.spec.replicas)


def _fenceposts(deployment: Deployment) -> tuple[int, int]:
    """Surge rounds up, unavailability rounds down, and one of them is at least 1."""
    rolling: Mapping[str, Any] = deployment.spec.strategy.get("rollingUpdate") or {}
    total = deployment.spec.replicas
    surge = _scaled(rolling.get("maxSurge", "25%"), total, math.ceil)
    unavailable = _scaled(rolling.get("maxUnavailable", "25%"), total, math.floor)
    return surge, unavailable if surge or unavailable else 1


def _scaled(value: int | str, total: int, rounded: Any) -> int:
    if isinstance(value, int):
        return value
    return int(rounded(int(value.rstrip("%")) * total / 100))


def total(sets: Iterable[ReplicaSet | None]) -> int:
    """Desired replicas of all."""
    return sum(one.spec.replicas for one in sets if one is not None)


def available(sets: Iterable[ReplicaSet | None]) -> int:
    """Available replicas of all."""
    return sum(one.status.available_replicas for one in sets if one is not None)


def grown_new(deployment: Deployment, sets: Iterable[ReplicaSet], has: int) -> int:
    """Size of the new ReplicaSet, which has `has`, in the next step of a rolling update."""
    wanted = deployment.spec.replicas
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total(sets)
    return has if room <= 0 else has + min(room, wanted - has)


def shrunk_old(
    deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]
) -> dict[str, int]:
    """New sizes of old ReplicaSets: the unhealthy go first, then as many as availability allows."""
    sizes = {one.name: one.spec.replicas for one in by_age(active(old))}
    least = deployment.spec.replicas - max_unavailable(deployment)
    missing_new = new.spec.replicas - new.status.available_replicas
    most = total([*old, new]) - least - missing_new
    if not sizes or most <= 0:
        return {}
    for one in by_age(active(old)):
        sick = sizes[one.name] - one.status.available_replicas
        cut = max(0, min(most, sick))
        sizes[one.name] -= cut
        most -= cut
    spare = max(0, available([*old, new]) - least)
    for one in by_age(active(old)):
        cut = min(sizes[one.name], spare)
        sizes[one.name] -= cut
        spare -= cut
    return {
        one.name: sizes[one.name] for one in active(old) if sizes[one.name] != one.spec.replicas
    }


def only_one_to_scale(new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet that takes the whole size: the only active one, else the new, else the latest.

    With a paused edit there is no new one, so after 0 the *latest made* old one is filled: the trap
    on which the operator's guard rests. None when several are active, or when there is none.
    """
    running = active([*old, new])
    if len(running) > 1 or (new is None and not old):
        return None
    return running[0] if running else new or by_age(old)[-1]


def is_saturated(deployment: Deployment, new: ReplicaSet | None) -> bool:
    """Whether the new ReplicaSet alone is all that is wanted, and up."""
    wanted = deployment.spec.replicas
    return (
        new is not None
        and new.metadata.annotations.get(DESIRED) == str(wanted)
        and new.spec.replicas == wanted == new.status.available_replicas
    )


def proportional(deployment: Deployment, sets: Iterable[ReplicaSet]) -> dict[str, int]:
    """Sizes of several active ReplicaSets after the Deployment was scaled: each its share.

    The largest takes what rounding leaves; of equals the newer grow and the older shrink first.
    """
    wanted = deployment.spec.replicas
    allowed = wanted + max_surge(deployment) if wanted else 0
    change = allowed - total(sets := list(sets))
    aged = by_age(sets)
    if change > 0:
        aged.reverse()
    ordered = sorted(aged, key=lambda one: -one.spec.replicas)
    sizes, given = {}, 0
    for one in ordered:
        share = _share(deployment, one, change, given)
        sizes[one.name] = one.spec.replicas + share
        given += share
    if ordered and change:
        sizes[ordered[0].name] = max(0, sizes[ordered[0].name] + change - given)
    return sizes


def _share(deployment: Deployment, one: ReplicaSet, change: int, given: int) -> int:
    if change in (0, given):
        return 0
    fraction = _fraction(deployment, one)
    return min(fraction, change - given) if change > 0 else max(fraction, change - given)


def _fraction(deployment: Deployment, one: ReplicaSet) -> int:
    has = one.spec.replicas
    if deployment.spec.replicas == 0:
        return -has
    annotated = one.metadata.annotations.get(MAX, "")
    before = int(annotated) if annotated.isdecimal() else 0
    before = before or deployment.status.replicas
    if not before:
        return 0
    exact = has * (deployment.spec.replicas + max_surge(deployment)) / before
    return math.floor(exact + 0.5) - has
