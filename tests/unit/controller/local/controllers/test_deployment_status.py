"""Conditions of a Deployment: when they change, and when their times do."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.api.k8s import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    WorkloadCondition,
)
from controller.api.meta import ObjectMeta
from controller.local.controllers import deployment_status as statuses

T0 = datetime(2026, 11, 24, tzinfo=UTC)
T1 = T0 + timedelta(seconds=60)


def progressing(reason: str, status: str = "True", at: datetime = T0) -> WorkloadCondition:
    return WorkloadCondition(
        type="Progressing",
        status=status,
        reason=reason,
        last_update_time=at,
        last_transition_time=at,
    )


def deployment(
    *conditions: WorkloadCondition, paused: bool = False, deadline_s: int = 600, updated: int = 0
) -> Deployment:
    return Deployment(
        metadata=ObjectMeta(name="web", generation=1),
        spec=DeploymentSpec(replicas=2, paused=paused, progress_deadline_seconds=deadline_s),
        status=DeploymentStatus(conditions=conditions, updated_replicas=updated, replicas=updated),
    )


def sets(up: int) -> list[ReplicaSet]:
    status = ReplicaSetStatus(replicas=2, ready_replicas=up, available_replicas=up)
    return [
        ReplicaSet(
            metadata=ObjectMeta(name="web-1"), spec=ReplicaSetSpec(replicas=2), status=status
        )
    ]


def reason_of(status: DeploymentStatus) -> str:
    found = statuses.find(status.conditions, "Progressing")
    return found.reason if found else ""


def test_a_condition_that_says_the_same_keeps_its_times() -> None:
    before = (progressing("x"),)
    assert statuses.with_condition(before, "Progressing", "True", "x", "new", T1) is before
    (after,) = statuses.with_condition(before, "Progressing", "True", "y", "", T1)
    assert (after.last_update_time, after.last_transition_time) == (T1, T0)
    (turned,) = statuses.with_condition(before, "Progressing", "False", "y", "", T1)
    assert turned.last_transition_time == T1


@pytest.mark.parametrize(
    ("conditions", "paused", "reason"),
    [
        ((), True, "DeploymentPaused"),
        ((progressing("DeploymentPaused", "Unknown"),), False, "DeploymentResumed"),
        ((progressing("ProgressDeadlineExceeded", "False"),), True, "ProgressDeadlineExceeded"),
        ((progressing("NewReplicaSetAvailable"),), False, "NewReplicaSetAvailable"),
    ],
)
def test_pausing_and_resuming_are_noted_but_not_over_a_timeout(
    conditions: tuple[WorkloadCondition, ...], paused: bool, reason: str
) -> None:
    noted = statuses.pause_noted(deployment(*conditions, paused=paused), T1)
    found = statuses.find(noted, "Progressing")
    assert found is not None
    assert found.reason == reason


def test_all_updated_and_available_is_complete() -> None:
    (new,) = sets(2)
    status = statuses.progressed(deployment(progressing("ReplicaSetUpdated")), [new], new, T1)
    assert reason_of(status) == "NewReplicaSetAvailable"


def test_progress_moves_the_update_time_and_not_the_transition() -> None:
    (new,) = sets(1)
    status = statuses.progressed(deployment(progressing("ReplicaSetUpdated")), [new], new, T1)
    found = statuses.find(status.conditions, "Progressing")
    assert found is not None
    assert (found.last_update_time, found.last_transition_time) == (T1, T0)


def test_no_progress_within_the_deadline_is_a_timeout_and_then_stays_one() -> None:
    (new,) = sets(0)
    made = deployment(progressing("ReplicaSetUpdated"), deadline_s=59, updated=2)
    status = statuses.progressed(made, [new], new, T1)
    assert reason_of(status) == "ProgressDeadlineExceeded"
    in_time = deployment(progressing("ReplicaSetUpdated"), deadline_s=61, updated=2)
    assert reason_of(statuses.progressed(in_time, [new], new, T1)) == "ReplicaSetUpdated"


def test_the_next_check_is_a_second_after_the_deadline() -> None:
    made = deployment(progressing("ReplicaSetUpdated"), deadline_s=100)
    assert statuses.next_progress_check_s(made, T1) == 41
    timed_out = deployment(progressing("ProgressDeadlineExceeded", "False"))
    assert statuses.next_progress_check_s(timed_out, T1) is None


def test_without_a_deadline_there_is_no_progress_condition() -> None:
    (new,) = sets(0)
    made = deployment(progressing("ReplicaSetUpdated"), deadline_s=2**31 - 1)
    assert reason_of(statuses.progressed(made, [new], new, T1)) == ""


def test_counts_of_zero_are_left_out_of_the_patch() -> None:
    patch = statuses.status_patch(DeploymentStatus(replicas=2))
    assert patch["replicas"] == 2
    assert patch["readyReplicas"] is None
