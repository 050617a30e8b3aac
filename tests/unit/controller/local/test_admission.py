"""The hold and the lock as functions; that they agree with the policies is a contract test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controller.api.names import OPERATOR_ACCOUNT, ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS, REPLICASETS
from controller.kube.memory import MemoryCluster
from controller.kube.port import Forbidden
from controller.local.admission import MACHINERY, hold_and_lock

pytestmark = pytest.mark.looptime
NOW = datetime(2026, 11, 24, tzinfo=UTC)
EDIT = {"spec": {"template": {"metadata": {"annotations": {"x": "y"}}}}}


def manifest(name: str = "web") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "labels": {ROLLOUT_LABEL: name}}, "spec": spec}


async def adopted(operator: str = OPERATOR_ACCOUNT) -> MemoryCluster:
    cluster = MemoryCluster(
        lambda: NOW, namespaces=("shop",), admission=hold_and_lock(operator), user=operator
    )
    await cluster.create(DEPLOYMENTS, "shop", manifest())
    await cluster.create(REPLICASETS, "shop", manifest("set"))
    return cluster


@pytest.mark.parametrize("user", sorted(MACHINERY))
async def test_the_machinery_is_not_locked_out_but_held(user: str) -> None:
    view = (await adopted()).as_user(user)
    assert (await view.patch_merge(DEPLOYMENTS, "shop", "web", EDIT)).spec.paused
    await view.patch_merge(REPLICASETS, "shop", "set", {"spec": {"replicas": 1}})
    await view.delete(REPLICASETS, "shop", "set")


async def test_the_operator_is_whoever_the_manifests_say() -> None:
    cluster = await adopted("system:serviceaccount:other:operator")
    assert not (await cluster.patch_merge(DEPLOYMENTS, "shop", "web", EDIT)).spec.paused
    usual = cluster.as_user(OPERATOR_ACCOUNT)
    with pytest.raises(Forbidden, match="replicaset shop/set is written by its Deployment only"):
        await usual.patch_merge(REPLICASETS, "shop", "set", {"spec": {"replicas": 1}})


async def test_a_status_or_a_scale_passes_unasked() -> None:
    alice = (await adopted()).as_user("alice")
    await alice.patch_merge(
        REPLICASETS, "shop", "set", {"spec": {"replicas": 1}}, subresource="scale"
    )
    body = {"status": {"replicas": 1}}
    await alice.patch_merge(DEPLOYMENTS, "shop", "web", body, subresource="status")


async def test_an_adopted_deployment_may_be_created_by_anyone() -> None:
    alice = (await adopted()).as_user("alice")
    made = await alice.create(DEPLOYMENTS, "shop", manifest("mine"))
    assert not made.spec.paused
