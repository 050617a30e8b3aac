"""Writing: create, apply, patches, deletion, and each refusal. In memory and for real."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS
from controller.kube.port import (
    AlreadyExists,
    Cluster,
    Conflict,
    Gone,
    Invalid,
    NotFound,
    Propagation,
)
from tests.contract.worlds import World, eventually


async def make(world: World, name: str = "a", **data: str) -> ConfigMap:
    body = {"metadata": {"name": name}, "data": data}
    return await world.alice.create(CONFIG_MAPS, world.namespace, body)


async def data(world: World, name: str = "a") -> dict[str, str]:
    return (await world.operator.get(CONFIG_MAPS, world.namespace, name)).data


# -- create ------------------------------------------------------------------------------------


async def test_a_second_creation_says_that_somebody_was_first(world: World) -> None:
    await make(world)
    with pytest.raises(AlreadyExists, match="already exists"):
        await make(world)


async def test_an_object_made_anew_under_a_name_has_another_uid(
    world: World, cluster: Cluster
) -> None:
    first = await make(world)
    await cluster.delete(CONFIG_MAPS, world.namespace, "a")
    assert (await make(world)).metadata.uid != first.metadata.uid


async def test_nothing_is_made_in_a_namespace_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        await world.admin.create(CONFIG_MAPS, "no-such-namespace", {"metadata": {"name": "a"}})


async def test_a_name_that_is_no_name_is_invalid(world: World, cluster: Cluster) -> None:
    with pytest.raises(Invalid):
        await cluster.create(CONFIG_MAPS, world.namespace, {"metadata": {"name": "Not A Name"}})


# -- apply -------------------------------------------------------------------------------------


async def test_apply_makes_what_is_not_there_and_is_safe_to_repeat(
    world: World, cluster: Cluster
) -> None:
    first = await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "1"}})
    again = await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "1"}})
    assert first.data == {"k": "1"}
    assert again.metadata.resource_version == first.metadata.resource_version


async def test_apply_sets_our_fields_and_leaves_the_others(world: World, cluster: Cluster) -> None:
    await make(world, theirs="1")
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"ours": "2"}})
    assert await data(world) == {"theirs": "1", "ours": "2"}


async def test_a_field_that_we_no_longer_apply_is_removed(world: World, cluster: Cluster) -> None:
    await make(world, theirs="1")
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"x": "2", "y": "3"}})
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"x": "2"}})
    assert await data(world) == {"theirs": "1", "x": "2"}


async def test_without_force_a_field_of_another_is_a_conflict_that_names_it(
    world: World, cluster: Cluster
) -> None:
    await make(world, k="theirs")
    with pytest.raises(Conflict, match=r"\.data\.k"):
        await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "ours"}}, force=False)
    assert await data(world) == {"k": "theirs"}


async def test_without_force_an_equal_value_is_shared(world: World, cluster: Cluster) -> None:
    await make(world, k="same")
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "same"}}, force=False)
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {}}, force=False)
    assert await data(world) == {"k": "same"}


async def test_with_force_we_take_a_field_over(world: World, cluster: Cluster) -> None:
    await make(world, k="theirs")
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "ours"}})
    assert await data(world) == {"k": "ours"}
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {}})
    assert await data(world) == {}


async def test_a_later_write_of_another_takes_a_field_from_us(
    world: World, cluster: Cluster
) -> None:
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "ours", "l": "ours"}})
    await world.alice.patch_merge(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "theirs"}})
    await cluster.apply(CONFIG_MAPS, world.namespace, "a", {"data": {"l": "ours"}})
    assert await data(world) == {"k": "theirs", "l": "ours"}


# -- JSON patch --------------------------------------------------------------------------------


async def test_a_json_patch_whose_test_holds_is_carried_out(world: World, cluster: Cluster) -> None:
    await make(world, k="1")
    await cluster.patch_json(
        CONFIG_MAPS,
        world.namespace,
        "a",
        [
            {"op": "test", "path": "/data", "value": {"k": "1"}},
            {"op": "replace", "path": "/data/k", "value": "2"},
            {"op": "add", "path": "/metadata/annotations", "value": {"x/y": "z"}},
            {"op": "add", "path": "/metadata/annotations/x~1w", "value": "v"},
        ],
    )
    found = await cluster.get(CONFIG_MAPS, world.namespace, "a")
    assert found.data == {"k": "2"}
    assert found.metadata.annotations == {"x/y": "z", "x/w": "v"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/k", "value": "9"},
        {"op": "test", "path": "/data/absent", "value": "9"},
        {"op": "remove", "path": "/data/absent"},
    ],
    ids=lambda one: f"{one['op']}-{one['path'].rpartition('/')[2]}",
)
async def test_a_json_patch_that_does_not_fit_is_invalid_and_changes_nothing(
    world: World, cluster: Cluster, operation: dict[str, Any]
) -> None:
    await make(world, k="1")
    change = {"op": "add", "path": "/data/new", "value": "2"}
    with pytest.raises(Invalid):
        await cluster.patch_json(CONFIG_MAPS, world.namespace, "a", [change, operation])
    assert await data(world) == {"k": "1"}


async def test_a_replace_of_what_is_not_there_adds_it(world: World, cluster: Cluster) -> None:
    """Against the letter of RFC 6902: only a `test` before it tells whether something was there."""
    await make(world, k="1")
    change = [{"op": "replace", "path": "/data/absent", "value": "9"}]
    await cluster.patch_json(CONFIG_MAPS, world.namespace, "a", change)
    assert await data(world) == {"k": "1", "absent": "9"}


async def test_a_dry_run_answers_what_would_be_and_changes_nothing(
    world: World, cluster: Cluster
) -> None:
    await make(world, k="1")
    change = [{"op": "replace", "path": "/data/k", "value": "2"}]
    answer = await cluster.patch_json(CONFIG_MAPS, world.namespace, "a", change, dry_run=True)
    assert answer.data == {"k": "2"}
    assert await data(world) == {"k": "1"}


# -- merge patch -------------------------------------------------------------------------------


async def test_a_merge_patch_sets_and_removes(world: World, cluster: Cluster) -> None:
    await make(world, k="1", gone="2")
    await cluster.patch_merge(
        CONFIG_MAPS, world.namespace, "a", {"data": {"k": "3", "gone": None, "new": "4"}}
    )
    assert await data(world) == {"k": "3", "new": "4"}


async def test_a_patch_based_on_an_older_version_is_a_conflict(
    world: World, cluster: Cluster
) -> None:
    old = (await make(world, k="1")).metadata.resource_version
    fresh = await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "2"}})
    body = {"metadata": {"resourceVersion": old}, "data": {"k": "3"}}
    with pytest.raises(Conflict, match="modified"):
        await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", body)
    body["metadata"] = {"resourceVersion": fresh.metadata.resource_version}
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", body)
    assert await data(world) == {"k": "3"}


async def test_a_patch_that_changes_nothing_makes_no_version(
    world: World, cluster: Cluster
) -> None:
    before = await make(world, k="1")
    after = await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", {"data": {"k": "1"}})
    assert after.metadata.resource_version == before.metadata.resource_version


async def test_patching_what_is_not_there_is_not_found(world: World, cluster: Cluster) -> None:
    with pytest.raises(NotFound):
        await cluster.patch_json(CONFIG_MAPS, world.namespace, "nobody", [])
    with pytest.raises(NotFound):
        await cluster.patch_merge(CONFIG_MAPS, world.namespace, "nobody", {})


async def test_a_value_of_the_wrong_type_is_invalid(world: World, cluster: Cluster) -> None:
    with pytest.raises(Invalid):
        await cluster.create(
            DEPLOYMENTS,
            world.namespace,
            {"metadata": {"name": "a"}, "spec": {"replicas": "three"}},
        )


# -- delete ------------------------------------------------------------------------------------


async def test_a_deletion_by_uid_spares_another_object_of_the_name(
    world: World, cluster: Cluster
) -> None:
    made = await make(world, k="1")
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAPS, world.namespace, "a", uid="another")
    assert await data(world) == {"k": "1"}
    await cluster.delete(CONFIG_MAPS, world.namespace, "a", uid=made.metadata.uid)
    with pytest.raises(NotFound):
        await cluster.delete(CONFIG_MAPS, world.namespace, "a")


async def test_a_finalizer_keeps_a_deleted_object_until_it_is_taken_away(
    world: World, cluster: Cluster
) -> None:
    await make(world)
    hold = {"metadata": {"finalizers": ["blastdoor.dev/leave"]}}
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", hold)
    await cluster.delete(CONFIG_MAPS, world.namespace, "a")
    found = await cluster.get(CONFIG_MAPS, world.namespace, "a")
    assert found.metadata.deletion_timestamp is not None
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        await cluster.get(CONFIG_MAPS, world.namespace, "a")


async def test_a_finalizer_cannot_be_added_to_an_object_that_is_going(
    world: World, cluster: Cluster
) -> None:
    await make(world)
    await cluster.patch_merge(
        CONFIG_MAPS, world.namespace, "a", {"metadata": {"finalizers": ["blastdoor.dev/leave"]}}
    )
    await cluster.delete(CONFIG_MAPS, world.namespace, "a")
    more = {"metadata": {"finalizers": ["blastdoor.dev/leave", "blastdoor.dev/more"]}}
    with pytest.raises((Invalid, Conflict)):
        await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", more)
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "a", {"metadata": {"finalizers": None}})


# -- owners ------------------------------------------------------------------------------------


async def owned(world: World, owner: ConfigMap, name: str, *, blocking: bool = False) -> None:
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner.name,
        "uid": owner.metadata.uid,
        "blockOwnerDeletion": blocking,
    }
    body = {"metadata": {"name": name, "ownerReferences": [reference]}}
    await world.admin.create(CONFIG_MAPS, world.namespace, body)


async def gone(world: World, name: str) -> bool:
    try:
        await world.operator.get(CONFIG_MAPS, world.namespace, name)
    except (NotFound, Gone):
        return True
    return False


@pytest.mark.parametrize("how", ["Background", "Foreground"])
async def test_what_an_owner_owns_goes_with_it(
    world: World, cluster: Cluster, how: Propagation
) -> None:
    owner = await make(world, "owner")
    await owned(world, owner, "child", blocking=True)
    await cluster.delete(CONFIG_MAPS, world.namespace, "owner", propagation=how)
    await eventually(lambda: gone(world, "child"), "the child goes")
    await eventually(lambda: gone(world, "owner"), "the owner goes")


async def test_in_the_foreground_the_owner_waits_for_what_blocks_it(
    world: World, cluster: Cluster
) -> None:
    owner = await make(world, "owner")
    await owned(world, owner, "child", blocking=True)
    stay = {"metadata": {"finalizers": ["blastdoor.dev/leave"]}}
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "child", stay)
    await cluster.delete(CONFIG_MAPS, world.namespace, "owner", propagation="Foreground")

    async def child_is_going() -> bool:
        child = await cluster.get(CONFIG_MAPS, world.namespace, "child")
        return child.metadata.deletion_timestamp is not None

    await eventually(child_is_going, "the child is being deleted")
    waiting = await cluster.get(CONFIG_MAPS, world.namespace, "owner")
    assert "foregroundDeletion" in waiting.metadata.finalizers
    free = {"metadata": {"finalizers": None}}
    await cluster.patch_merge(CONFIG_MAPS, world.namespace, "child", free)
    await eventually(lambda: gone(world, "owner"), "the owner goes")


async def test_orphans_stay_without_their_owner(world: World, cluster: Cluster) -> None:
    owner = await make(world, "owner")
    await owned(world, owner, "child")
    await cluster.delete(CONFIG_MAPS, world.namespace, "owner", propagation="Orphan")
    await eventually(lambda: gone(world, "owner"), "the owner goes")
    child = await cluster.get(CONFIG_MAPS, world.namespace, "child")
    assert child.metadata.owner_references == ()


async def test_a_child_of_two_owners_stays_with_the_one_that_is_left(
    world: World, cluster: Cluster
) -> None:
    first, second = await make(world, "first"), await make(world, "second")
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": one.name, "uid": one.metadata.uid}
        for one in (first, second)
    ]
    body = {"metadata": {"name": "child", "ownerReferences": references}}
    await world.admin.create(CONFIG_MAPS, world.namespace, body)
    await cluster.delete(CONFIG_MAPS, world.namespace, "first")

    async def one_owner_is_left() -> bool:
        child = await cluster.get(CONFIG_MAPS, world.namespace, "child")
        return [owner.name for owner in child.metadata.owner_references] == ["second"]

    await eventually(one_owner_is_left, "the reference to the first goes")
