"""Reading: one object, lists in pages, selectors. In memory and on a real server alike."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS
from controller.kube.port import Cluster, Malformed, NotFound, Page
from tests.contract.worlds import World

MINE = {"suite": "lists"}
SELECTOR = "suite=lists"


async def make(world: World, *names: str, **labels: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": {**MINE, **labels}}, "data": {"of": name}}
        await world.operator.create(CONFIG_MAPS, world.namespace, body)


def names(page: Page[ConfigMap]) -> list[str]:
    return [item.metadata.name for item in page.items]


async def test_an_object_is_read_as_it_was_written(world: World, cluster: Cluster) -> None:
    await make(world, "a")
    found = await cluster.get(CONFIG_MAPS, world.namespace, "a")
    assert found.data == {"of": "a"}
    assert found.metadata.namespace == world.namespace
    assert found.metadata.uid
    assert found.metadata.creation_timestamp is not None
    assert int(found.metadata.resource_version) > 0


async def test_an_absent_object_is_not_found_and_named(world: World, cluster: Cluster) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await cluster.get(CONFIG_MAPS, world.namespace, "nobody")


async def test_a_list_comes_in_pages_in_the_order_of_names(world: World, cluster: Cluster) -> None:
    await make(world, *"gfedcba")
    pages, token = [], ""
    while True:
        page = await cluster.list_page(
            CONFIG_MAPS, world.namespace, label_selector=SELECTOR, limit=3, page=token
        )
        pages.append(page)
        token = page.next_page
        if not token:
            break
    assert [names(page) for page in pages] == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert len({page.resource_version for page in pages}) == 1


async def test_pages_are_a_cut_of_one_moment(world: World, cluster: Cluster) -> None:
    await make(world, "a", "b", "d")
    first = await cluster.list_page(CONFIG_MAPS, world.namespace, label_selector=SELECTOR, limit=2)
    await make(world, "c")
    await cluster.delete(CONFIG_MAPS, world.namespace, "d")
    second = await cluster.list_page(
        CONFIG_MAPS,
        world.namespace,
        label_selector=SELECTOR,
        limit=2,
        page=first.next_page,
    )
    assert names(first) + names(second) == ["a", "b", "d"]


async def test_a_list_holds_what_was_written_before_it_was_asked(
    world: World, cluster: Cluster
) -> None:
    for name in "abcde":
        await make(world, name)
        page = await cluster.list_page(CONFIG_MAPS, world.namespace, label_selector=SELECTOR)
        assert names(page)[-1] == name


async def test_the_version_of_a_list_is_not_older_than_its_objects(
    world: World, cluster: Cluster
) -> None:
    await make(world, "a", "b")
    page = await cluster.list_page(CONFIG_MAPS, world.namespace, label_selector=SELECTOR)
    newest = max(int(item.metadata.resource_version) for item in page.items)
    assert int(page.resource_version) >= newest


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("suite=lists,color=red", ["a", "b"]),
        ("suite=lists,color!=red", ["c", "d"]),
        ("suite=lists,color in (blue)", ["c"]),
        ("suite=lists,!color", ["d"]),
        ("suite=lists,color", ["a", "b", "c"]),
        ("suite=other", []),
    ],
)
async def test_a_selector_selects_by_label(
    world: World, cluster: Cluster, selector: str, expected: list[str]
) -> None:
    await make(world, "a", "b", color="red")
    await make(world, "c", color="blue")
    await make(world, "d")
    page = await cluster.list_page(CONFIG_MAPS, world.namespace, label_selector=selector)
    assert names(page) == expected


async def test_a_list_of_all_namespaces_holds_this_one(world: World) -> None:
    await make(world, "a")
    page = await world.admin.list_page(CONFIG_MAPS, label_selector=SELECTOR)
    mine = [item for item in page.items if item.metadata.namespace == world.namespace]
    assert [item.metadata.name for item in mine] == ["a"]


async def test_reads_at_once_do_not_disturb_each_other(world: World, cluster: Cluster) -> None:
    await make(world, *"abcde")
    found = await asyncio.gather(
        *(cluster.get(CONFIG_MAPS, world.namespace, name) for name in "abcde" * 10)
    )
    assert [item.name for item in found] == list("abcde" * 10)
    assert not any(isinstance(item, Malformed) for item in found)
