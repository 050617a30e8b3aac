"""How owned objects go, by each propagation, and how finalizers and namespaces end."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.meta import Object
from controller.api.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICASETS,
    Resource,
)
from controller.kube.port import Conflict, Forbidden, Invalid, NotFound
from tests.contract.deployments import NAME, Shop
from tests.contract.worlds import World, eventually

HELD = "example.com/hold"


async def is_gone(world: World, resource: Resource[Any], name: str) -> bool:
    try:
        await world.alice.get(resource, world.namespace, name)
    except NotFound:
        return True
    return False


async def config_map(world: World, name: str, **metadata: Any) -> Object:
    body = {"metadata": {"name": name, **metadata}, "data": {"a": "1"}}
    return await world.alice.create(CONFIG_MAPS, world.namespace, body)


def owned_by(*owners: Object, block: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner.name,
            "uid": owner.metadata.uid,
            "blockOwnerDeletion": block,
        }
        for owner in owners
    ]


async def test_background_deletion_takes_the_owner_at_once_and_the_rest_after(
    world: World,
) -> None:
    shop = Shop(world)
    await shop.create("web:1", 2)
    await shop.complete()
    await world.alice.delete(DEPLOYMENTS, world.namespace, NAME)
    assert await shop.gone()

    async def nothing_left() -> bool:
        return not await shop.sets() and not await shop.pods()

    await eventually(nothing_left)


async def test_foreground_deletion_keeps_the_owner_until_its_pods_are_gone(world: World) -> None:
    shop = Shop(world)
    await shop.create("web:1", 2)
    await shop.complete()
    await world.alice.delete(DEPLOYMENTS, world.namespace, NAME, propagation="Foreground")
    marked = await shop.deployment()
    assert marked.metadata.deletion_timestamp is not None
    assert marked.metadata.finalizers == ("foregroundDeletion",)
    await eventually(shop.gone)
    assert not await shop.sets()
    assert not await shop.pods()


async def test_orphaning_leaves_sets_and_pods_and_a_new_deployment_adopts_them(
    world: World,
) -> None:
    shop = Shop(world)
    await shop.create("web:1", 2)
    await shop.complete()
    pods = {pod.metadata.uid for pod in await shop.pods()}
    await world.alice.delete(DEPLOYMENTS, world.namespace, NAME, propagation="Orphan")
    await eventually(shop.gone)
    (left,) = await shop.sets()
    assert left.metadata.owner_references == ()
    await shop.create("web:1", 2)
    await shop.complete()
    assert {pod.metadata.uid for pod in await shop.pods()} == pods
    assert [one.metadata.uid for one in await shop.sets()] == [left.metadata.uid]


async def test_an_object_with_two_owners_goes_with_the_last(world: World) -> None:
    one, two = await config_map(world, "one"), await config_map(world, "two")
    await config_map(world, "child", ownerReferences=owned_by(one, two))
    await world.alice.delete(CONFIG_MAPS, world.namespace, "one")

    async def one_left() -> bool:
        child = await world.alice.get(CONFIG_MAPS, world.namespace, "child")
        return [owner.name for owner in child.metadata.owner_references] == ["two"]

    await eventually(one_left)
    await world.alice.delete(CONFIG_MAPS, world.namespace, "two")
    await eventually(lambda: is_gone(world, CONFIG_MAPS, "child"))


async def test_an_object_whose_owner_never_was_is_collected(world: World) -> None:
    ghost = await config_map(world, "ghost")
    await world.alice.delete(CONFIG_MAPS, world.namespace, "ghost")
    await config_map(world, "child", ownerReferences=owned_by(ghost))
    await eventually(lambda: is_gone(world, CONFIG_MAPS, "child"))


async def test_a_blocking_dependent_with_a_finalizer_holds_a_foreground_owner(
    world: World,
) -> None:
    owner = await config_map(world, "owner")
    await config_map(world, "child", ownerReferences=owned_by(owner, block=True), finalizers=[HELD])
    await world.alice.delete(CONFIG_MAPS, world.namespace, "owner", propagation="Foreground")

    async def child_marked() -> bool:
        child = await world.alice.get(CONFIG_MAPS, world.namespace, "child")
        return child.metadata.deletion_timestamp is not None

    await eventually(child_marked)
    assert not await is_gone(world, CONFIG_MAPS, "owner")
    body = {"metadata": {"finalizers": None}}
    await world.alice.patch_merge(CONFIG_MAPS, world.namespace, "child", body)
    await eventually(lambda: is_gone(world, CONFIG_MAPS, "owner"))


async def test_a_finalizer_holds_an_object_and_no_new_one_may_join(world: World) -> None:
    await config_map(world, "held", finalizers=[HELD])
    await world.alice.delete(CONFIG_MAPS, world.namespace, "held")
    held = await world.alice.get(CONFIG_MAPS, world.namespace, "held")
    assert held.metadata.deletion_timestamp is not None
    more = {"metadata": {"finalizers": [HELD, "example.com/more"]}}
    with pytest.raises(Invalid):
        await world.alice.patch_merge(CONFIG_MAPS, world.namespace, "held", more)
    none = {"metadata": {"finalizers": []}}
    await world.alice.patch_merge(CONFIG_MAPS, world.namespace, "held", none)
    assert await is_gone(world, CONFIG_MAPS, "held")


async def test_deletion_of_another_uid_is_a_conflict(world: World) -> None:
    await config_map(world, "one")
    other = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Conflict):
        await world.alice.delete(CONFIG_MAPS, world.namespace, "one", uid=other)
    with pytest.raises(NotFound):
        await world.alice.delete(CONFIG_MAPS, world.namespace, "none")


async def test_a_bound_pod_is_marked_and_goes_when_its_node_says_so(world: World) -> None:
    shop = Shop(world)
    await shop.create("web:1", 1)
    await shop.complete()
    (pod,) = await shop.pods()
    await world.alice.delete(PODS, world.namespace, pod.name)
    marked = await world.alice.get(PODS, world.namespace, pod.name)
    assert marked.metadata.deletion_timestamp is not None
    await eventually(lambda: is_gone(world, PODS, pod.name))


async def test_a_terminating_namespace_takes_nothing_new_and_ends_when_empty(
    world: World,
) -> None:
    await config_map(world, "held", finalizers=[HELD])
    await world.admin.delete(NAMESPACES, "", world.namespace)
    with pytest.raises(Forbidden):
        await world.admin.create(CONFIG_MAPS, world.namespace, {"metadata": {"name": "late"}})

    async def marked() -> bool:
        held = await world.admin.get(CONFIG_MAPS, world.namespace, "held")
        return held.metadata.deletion_timestamp is not None

    await eventually(marked)
    none = {"metadata": {"finalizers": None}}
    await world.admin.patch_merge(CONFIG_MAPS, world.namespace, "held", none)

    async def ended() -> bool:
        try:
            await world.admin.get(NAMESPACES, "", world.namespace)
        except NotFound:
            return True
        return False

    await eventually(ended)


async def test_creation_in_a_namespace_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.admin.create(CONFIG_MAPS, "nowhere", {"metadata": {"name": "x"}})


async def test_a_set_of_a_deleted_deployment_is_not_refilled(world: World) -> None:
    shop = Shop(world)
    await shop.create("web:1", 2)
    await shop.complete()
    one = await shop.set_of("web:1")
    await world.alice.delete(REPLICASETS, world.namespace, one.name, propagation="Orphan")

    async def replaced() -> bool:
        return [found.metadata.uid != one.metadata.uid for found in await shop.sets()] == [True]

    await eventually(replaced)
