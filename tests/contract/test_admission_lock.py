"""The lock: what nobody but the operator and the cluster's own machinery may do."""

from __future__ import annotations

import pytest

from controller.api.names import ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS, NAMESPACES, REPLICASETS
from controller.kube.port import Forbidden, NotFound
from tests.contract.deployments import NAME, Shop
from tests.contract.worlds import eventually

RELEASE = [{"op": "add", "path": "/spec/paused", "value": False}]


async def test_rollout_resume_is_refused(adopted: Shop) -> None:
    await adopted.set_image("web:2")
    with pytest.raises(Forbidden, match="is unpaused by its Rollout"):
        await adopted.merge({"paused": False})
    with pytest.raises(Forbidden, match="is unpaused by its Rollout"):
        await adopted.merge({"paused": None})
    assert (await adopted.deployment()).spec.paused


async def test_a_replace_that_leaves_paused_out_is_refused_while_a_proposal_is_pending(
    adopted: Shop,
) -> None:
    """The text of git once more: the template is the pending one, so the hold has nothing to do."""
    await adopted.set_image("web:2")
    with pytest.raises(Forbidden, match="already pending and nothing needs doing"):
        await adopted.set_image("web:2", paused=None)


async def test_the_operator_unpauses_and_the_deployment_rolls(adopted: Shop) -> None:
    await adopted.set_image("web:2")
    world = adopted.world
    await world.operator.patch_json(DEPLOYMENTS, world.namespace, NAME, RELEASE)
    await adopted.complete()
    assert await adopted.sizes() == {"web:1": 0, "web:2": 4}


async def test_an_adopted_deployment_cannot_be_deleted(adopted: Shop) -> None:
    world = adopted.world
    with pytest.raises(Forbidden, match="delete the Rollout first"):
        await world.alice.delete(DEPLOYMENTS, world.namespace, NAME)


async def test_its_labelled_stable_set_cannot_be_deleted_or_written(adopted: Shop) -> None:
    world, one = adopted.world, await adopted.set_of("web:1")
    with pytest.raises(Forbidden, match=f"replicaset {world.namespace}/{one.name} is governed"):
        await world.alice.delete(REPLICASETS, world.namespace, one.name)
    with pytest.raises(Forbidden, match="is written by its Deployment only"):
        await world.alice.patch_merge(
            REPLICASETS, world.namespace, one.name, {"spec": {"replicas": 1}}
        )


async def test_metadata_of_the_stable_set_may_be_written(adopted: Shop) -> None:
    world, one = adopted.world, await adopted.set_of("web:1")
    body = {"metadata": {"annotations": {"example.com/note": "x"}}}
    written = await world.alice.patch_merge(REPLICASETS, world.namespace, one.name, body)
    assert written.metadata.annotations["example.com/note"] == "x"


async def test_the_scale_of_a_stable_set_slips_through_and_the_deployment_undoes_it(
    adopted: Shop,
) -> None:
    """A Scale carries no labels: the one gap of the lock."""
    world, one = adopted.world, await adopted.set_of("web:1")
    await world.alice.patch_merge(
        REPLICASETS, world.namespace, one.name, {"spec": {"replicas": 0}}, subresource="scale"
    )
    await adopted.have(web_1=4)


async def test_scaling_stays_everyones_also_while_a_proposal_is_pending(adopted: Shop) -> None:
    await adopted.set_image("web:2")
    await adopted.scale(6)
    await adopted.have(web_1=6)
    await adopted.merge({"replicas": 3})
    await adopted.have(web_1=3)


async def test_the_deployment_controller_is_not_locked_out(adopted: Shop) -> None:
    await adopted.merge({"replicas": 2})
    await adopted.have(web_1=2)


async def test_the_operator_lets_go_by_taking_the_label_off(adopted: Shop) -> None:
    world = adopted.world
    body = {"metadata": {"labels": {ROLLOUT_LABEL: None}}}
    await world.operator.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    for one in await adopted.sets():
        await world.operator.patch_merge(REPLICASETS, world.namespace, one.name, body)
    await adopted.set_image("web:2")
    await adopted.complete()
    await world.alice.delete(DEPLOYMENTS, world.namespace, NAME)
    await eventually(adopted.gone)


async def test_the_garbage_collector_deletes_what_the_operator_deletes(adopted: Shop) -> None:
    world = adopted.world
    await world.operator.delete(DEPLOYMENTS, world.namespace, NAME, propagation="Foreground")

    async def nothing_left() -> bool:
        return await adopted.gone() and not await adopted.sets() and not await adopted.pods()

    await eventually(nothing_left)


async def test_a_locked_workload_does_not_keep_its_namespace_alive(adopted: Shop) -> None:
    world = adopted.world
    await world.admin.delete(NAMESPACES, "", world.namespace)

    async def ended() -> bool:
        try:
            await world.admin.get(NAMESPACES, "", world.namespace)
        except NotFound:
            return True
        return False

    await eventually(ended)
