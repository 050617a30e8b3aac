"""What a Deployment and its ReplicaSets say about what runs and what moves."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import Deployment, ReplicaSet
from controller.workloads.template import digest
from controller.workloads.view import WorkloadView
from tests.unit.controller.workloads.objects import (
    a_deployment,
    a_replicaset,
    deployment,
    raw,
    read,
    replicaset,
    template,
)

V2 = template("shop:v2")


def seen(document: dict[str, Any], *sets: dict[str, Any]) -> WorkloadView:
    return WorkloadView.of(read(document, Deployment), [read(rs, ReplicaSet) for rs in sets])


def with_status(document: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {**document, "status": {**document["status"], **status}}


@pytest.mark.parametrize(
    ("view", "rolling", "complete"),
    [
        pytest.param(seen(deployment(), replicaset("a")), False, True, id="at rest"),
        pytest.param(
            seen(deployment(V2), replicaset("a"), replicaset("b", V2, replicas=1)),
            True, False, id="two active",
        ),
        pytest.param(
            seen(deployment(V2), replicaset("a", replicas=0, left=1), replicaset("b", V2)),
            True, False, id="an old pod is still there",
        ),
        pytest.param(
            seen(with_status(deployment(), observedGeneration=3), replicaset("a")),
            True, False, id="not looked at yet",
        ),
        pytest.param(
            seen(with_status(deployment(V2), updatedReplicas=0), replicaset("a")),
            True, False, id="edited, no new ReplicaSet yet",
        ),
        pytest.param(
            seen(with_status(deployment(V2, paused=True), updatedReplicas=0), replicaset("a")),
            False, False, id="paused with a proposal",
        ),
        pytest.param(
            seen(with_status(deployment(), availableReplicas=2), replicaset("a")),
            False, False, id="a pod is not available",
        ),
        pytest.param(
            seen(deployment(replicas=0), replicaset("a", replicas=0)), False, True, id="empty",
        ),
        pytest.param(seen(deployment(replicas=0)), False, False, id="nothing made yet"),
    ],
)  # fmt: skip
def test_an_update_is_rolling_or_complete(
    view: WorkloadView, rolling: bool, complete: bool
) -> None:
    assert (view.rolling, view.complete) == (rolling, complete)


def test_only_controlled_replicasets_count_oldest_first() -> None:
    view = WorkloadView.of(
        a_deployment(V2),
        [
            a_replicaset("b", V2, replicas=0, made="2026-11-02T00:00:00Z"),
            a_replicaset("x", owner="somebody-else"),
            a_replicaset("a"),
        ],
    )
    assert [rs.name for rs in view.replicasets] == ["checkout-a", "checkout-b"]
    assert [rs.name for rs in view.active] == ["checkout-a"]
    assert [rs.name for rs in view.old_active] == ["checkout-a"]
    assert view.new is not None
    assert view.new.name == "checkout-b"


def test_a_replicaset_is_found_by_its_template() -> None:
    view = seen(deployment(V2), replicaset("a"))
    assert view.by_digest(digest(raw(template()))) is view.replicasets[0]
    assert view.new is None
    assert view.by_digest("another") is None


def test_of_two_replicasets_of_one_template_the_one_with_pods_is_meant() -> None:
    view = seen(deployment(), replicaset("a", replicas=0), replicaset("b", replicas=2))
    assert view.new is not None
    assert view.new.name == "checkout-b"


@pytest.mark.parametrize(("strategy", "surge", "unavailable"), [
    ({}, 2, 1),
    ({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": "50%"}}, 3, 3),
    ({"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": "10%"}}, 0, 1),
    ({"type": "Recreate"}, 0, 6),
])  # fmt: skip
def test_what_an_update_may_add_and_leave_missing(
    strategy: dict[str, Any], surge: int, unavailable: int
) -> None:
    document = deployment(replicas=6)
    document["spec"]["strategy"] = strategy
    view = seen(document)
    assert (view.surge, view.unavailable) == (surge, unavailable)
