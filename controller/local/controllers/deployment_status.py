"""The status of a Deployment, and its two conditions, from its ReplicaSets.

Pure, after progress.go and sync.go of Kubernetes 1.37. `now` gives the condition times. Called by
`deployment_step`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from controller.api.k8s import Deployment, DeploymentStatus, ReplicaSet, WorkloadCondition
from controller.local.controllers import sizes

PROGRESSING: Final = "Progressing"
AVAILABLE: Final = "Available"
PAUSED: Final = "DeploymentPaused"
RESUMED: Final = "DeploymentResumed"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
COMPLETE: Final = "NewReplicaSetAvailable"
UPDATED: Final = "ReplicaSetUpdated"
CREATED: Final = "NewReplicaSetCreated"
FOUND: Final = "FoundNewReplicaSet"
_NO_DEADLINE: Final = 2**31 - 1

Conditions = tuple[WorkloadCondition, ...]


def has_deadline(deployment: Deployment) -> bool:
    """Whether progress is watched at all."""
    return deployment.spec.progress_deadline_seconds != _NO_DEADLINE


def find(conditions: Conditions, kind: str) -> WorkloadCondition | None:
    """The condition of a type."""
    return next((one for one in conditions if one.type == kind), None)


def with_condition(
    conditions: Conditions, kind: str, status: str, reason: str, message: str, now: datetime
) -> Conditions:
    """Set a condition; same status and reason change nothing, same status keeps its transition."""
    current = find(conditions, kind)
    if current and current.status == status and current.reason == reason:
        return conditions
    since = current.last_transition_time if current and current.status == status else now
    made = WorkloadCondition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        last_update_time=now,
        last_transition_time=since,
    )
    return (*(one for one in conditions if one.type != kind), made)


def pause_noted(deployment: Deployment, now: datetime) -> Conditions:
    """Conditions in which pausing and resuming are written down, so that a pause is no timeout."""
    conditions = deployment.status.conditions
    current = find(conditions, PROGRESSING)
    if not has_deadline(deployment) or (current and current.reason == TIMED_OUT):
        return conditions
    noted = current is not None and current.reason == PAUSED
    if deployment.spec.paused and not noted:
        return with_condition(
            conditions, PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now
        )
    if not deployment.spec.paused and noted:
        return with_condition(
            conditions, PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now
        )
    return conditions


def counted(
    deployment: Deployment, sets: Sequence[ReplicaSet], new: ReplicaSet | None, now: datetime
) -> DeploymentStatus:
    """The counts, and whether enough is available."""
    up = sizes.available(sets)
    enough = up >= deployment.spec.replicas - sizes.max_unavailable(deployment)
    conditions = with_condition(
        deployment.status.conditions,
        AVAILABLE,
        "True" if enough else "False",
        "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "Deployment has minimum availability."
        if enough
        else "Deployment does not have minimum availability.",
        now,
    )
    return DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=_actual(sets),
        updated_replicas=_actual([new] if new else []),
        ready_replicas=sum(one.status.ready_replicas for one in sets),
        available_replicas=up,
        unavailable_replicas=max(0, sizes.total(sets) - up),
        conditions=conditions,
    )


def progressed(
    deployment: Deployment, sets: Sequence[ReplicaSet], new: ReplicaSet | None, now: datetime
) -> DeploymentStatus:
    """The status in a rolling update: done, moving, or out of time."""
    status = counted(deployment, sets, new, now)
    if not has_deadline(deployment):
        kept = tuple(one for one in status.conditions if one.type != PROGRESSING)
        return msgspec.structs.replace(status, conditions=kept)
    current = find(deployment.status.conditions, PROGRESSING)
    was_complete = current is not None and current.reason == COMPLETE
    if was_complete and status.replicas == status.updated_replicas:
        return status
    who = f'ReplicaSet "{new.name}"' if new else f'Deployment "{deployment.name}"'
    conditions = status.conditions
    if is_complete(deployment, status):
        message = f"{who} has successfully progressed."
        conditions = with_condition(conditions, PROGRESSING, "True", COMPLETE, message, now)
    elif _moves(deployment.status, status):
        conditions = _moving(conditions, current, f"{who} is progressing.", now)
    elif current is not None and _timed_out(deployment, current, now):
        message = f"{who} has timed out progressing."
        conditions = with_condition(conditions, PROGRESSING, "False", TIMED_OUT, message, now)
    return msgspec.structs.replace(status, conditions=conditions)


def _moving(
    conditions: Conditions, current: WorkloadCondition | None, message: str, now: datetime
) -> Conditions:
    """Each sign of progress moves `lastUpdateTime`: the deadline is counted from there."""
    others = tuple(one for one in conditions if one.type != PROGRESSING)
    made = with_condition(others, PROGRESSING, "True", UPDATED, message, now)
    if current is None or current.status != "True":
        return made
    since = current.last_transition_time
    return (*made[:-1], msgspec.structs.replace(made[-1], last_transition_time=since))


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """All replicas are of the new template and available, and no old one is left."""
    wanted = deployment.spec.replicas
    return (
        status.updated_replicas == status.replicas == status.available_replicas == wanted
        and status.observed_generation >= deployment.metadata.generation
    )


def next_progress_check_s(deployment: Deployment, now: datetime) -> float | None:
    """Seconds until a lack of progress has to be noticed; None when nothing is awaited."""
    current = find(deployment.status.conditions, PROGRESSING)
    if not has_deadline(deployment) or current is None or current.last_update_time is None:
        return None
    if is_complete(deployment, deployment.status) or current.reason == TIMED_OUT:
        return None
    deadline = timedelta(seconds=deployment.spec.progress_deadline_seconds)
    return max(0.0, (current.last_update_time + deadline - now).total_seconds()) + 1.0


def _timed_out(deployment: Deployment, current: WorkloadCondition, now: datetime) -> bool:
    if current.reason == TIMED_OUT:
        return True
    if current.reason == COMPLETE or current.last_update_time is None:
        return False
    deadline = timedelta(seconds=deployment.spec.progress_deadline_seconds)
    return current.last_update_time + deadline < now


def _moves(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    return (
        new.updated_replicas > old.updated_replicas
        or new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
        or new.ready_replicas > old.ready_replicas
        or new.available_replicas > old.available_replicas
    )


def _actual(sets: Iterable[ReplicaSet]) -> int:
    return sum(one.status.replicas for one in sets)


def status_patch(status: DeploymentStatus) -> dict[str, Any]:
    """A merge patch of the status: a count of 0 is absent, as a typed server sends it."""
    plain = msgspec.to_builtins(status)
    counts = (
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    )
    return {**{name: plain.get(name) for name in counts}, **plain}
