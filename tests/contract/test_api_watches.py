"""Watching: every change once and in order, bookmarks, selectors. In memory and for real."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS
from controller.kube import settings
from controller.kube.port import Cluster, WatchEvent
from controller.kube.reflector import Reflector
from tests.contract.worlds import World, eventually

SELECTOR = "suite=watches"
MINE = {"suite": "watches"}


async def make(world: World, name: str, **labels: str) -> ConfigMap:
    body = {"metadata": {"name": name, "labels": {**MINE, **labels}}, "data": {}}
    return await world.operator.create(CONFIG_MAPS, world.namespace, body)


async def change(world: World, name: str, body: dict[str, Any]) -> ConfigMap:
    return await world.operator.patch_merge(CONFIG_MAPS, world.namespace, name, body)


async def version(world: World) -> str:
    page = await world.operator.list_page(CONFIG_MAPS, world.namespace, label_selector=SELECTOR)
    return page.resource_version


@contextlib.asynccontextmanager
async def watching(
    world: World, since: str, selector: str = SELECTOR
) -> AsyncIterator[list[WatchEvent[ConfigMap]]]:
    """The events of a running watch, bookmarks left out."""
    seen: list[WatchEvent[ConfigMap]] = []

    async def collect() -> None:
        events = world.operator.watch(
            CONFIG_MAPS, world.namespace, since=since, label_selector=selector
        )
        async for event in events:
            if event.type != "BOOKMARK":
                # One by one: the test looks on while they come.
                seen.append(event)  # noqa: PERF401

    task = asyncio.create_task(collect())
    try:
        yield seen
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def comes(seen: list[WatchEvent[ConfigMap]], count: int) -> None:
    async def enough() -> bool:
        return len(seen) >= count

    await eventually(enough, f"{count} events")
    assert len(seen) == count


def told(seen: list[WatchEvent[ConfigMap]]) -> list[tuple[str, str]]:
    return [(event.type, event.object.metadata.name) for event in seen if event.object]


async def test_a_watch_tells_every_change_after_its_version_once_and_in_order(
    world: World,
) -> None:
    await make(world, "before")
    async with watching(world, await version(world)) as seen:
        await make(world, "a")
        await change(world, "a", {"data": {"k": "1"}})
        await change(world, "before", {"data": {"k": "2"}})
        await world.operator.delete(CONFIG_MAPS, world.namespace, "a")
        await comes(seen, 4)
    assert told(seen) == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("MODIFIED", "before"),
        ("DELETED", "a"),
    ]
    versions = [int(event.resource_version) for event in seen]
    assert versions == sorted(set(versions))


async def test_changes_between_the_list_and_the_watch_are_not_lost(world: World) -> None:
    since = await version(world)
    await make(world, "a")
    await world.operator.delete(CONFIG_MAPS, world.namespace, "a")
    await make(world, "b")
    async with watching(world, since) as seen:
        await comes(seen, 3)
    assert told(seen) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]


async def test_an_event_carries_the_object_and_the_version_of_the_write(world: World) -> None:
    async with watching(world, await version(world)) as seen:
        made = await make(world, "a")
        changed = await change(world, "a", {"data": {"k": "1"}})
        await comes(seen, 2)
    assert [event.object for event in seen] == [made, changed]
    assert seen[1].resource_version == changed.metadata.resource_version


async def test_a_deletion_has_a_version_of_its_own_and_the_last_state(world: World) -> None:
    made = await make(world, "a")
    async with watching(world, await version(world)) as seen:
        await world.operator.delete(CONFIG_MAPS, world.namespace, "a")
        await comes(seen, 1)
    (event,) = seen
    assert int(event.resource_version) > int(made.metadata.resource_version)
    assert isinstance(event.object, ConfigMap)
    assert event.object.metadata.uid == made.metadata.uid


async def test_through_a_selector_an_object_comes_into_view_and_leaves_it(world: World) -> None:
    await make(world, "a")
    async with watching(world, await version(world), f"{SELECTOR},color=red") as seen:
        await change(world, "a", {"metadata": {"labels": {"color": "red"}}})
        await change(world, "a", {"data": {"k": "1"}})
        await change(world, "a", {"metadata": {"labels": {"color": "blue"}}})
        await change(world, "a", {"data": {"k": "2"}})
        await make(world, "b", color="red")
        await comes(seen, 4)
    assert told(seen) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]


async def test_a_write_that_changes_nothing_is_no_event(world: World) -> None:
    await make(world, "a")
    async with watching(world, await version(world)) as seen:
        await change(world, "a", {"metadata": {"labels": MINE}})
        await make(world, "b")
        await comes(seen, 1)
    assert told(seen) == [("ADDED", "b")]


async def first_bookmark(world: World, since: str) -> WatchEvent[ConfigMap]:
    """Of a stream of its own, or of the one after it."""
    for _ in range(3):
        events = world.operator.watch(
            CONFIG_MAPS, world.namespace, since=since, label_selector=SELECTOR
        )
        async for event in events:
            assert event.type == "BOOKMARK"
            return event
    raise AssertionError("no stream with a bookmark")


async def opened(world: World) -> None:
    """Time enough for a stream to be open; a server tells no moment."""
    await asyncio.sleep(0.5 if world.name == "server" else 0)


@pytest.fixture
def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server sends a bookmark each minute, and one two seconds before a stream ends."""
    monkeypatch.setattr(settings, "WATCH_LENGTH_S", 4)


@pytest.mark.usefixtures("short_streams")
async def test_a_bookmark_moves_the_version_on_and_a_watch_goes_on_from_it(
    world: World, cluster: Cluster
) -> None:
    await make(world, "a")
    waiting = asyncio.create_task(first_bookmark(world, await version(world)))
    await opened(world)
    # Only what is newer than the stream's beginning is worth a bookmark to a real server.
    other = {"metadata": {"name": "other", "labels": {"suite": "none"}}}
    moved = await cluster.create(CONFIG_MAPS, world.namespace, other)
    bookmark = await waiting
    assert bookmark.object is None
    assert int(bookmark.resource_version) >= int(moved.metadata.resource_version)
    await make(world, "b")
    async with watching(world, bookmark.resource_version) as seen:
        await comes(seen, 1)
    assert told(seen) == [("ADDED", "b")]


async def test_a_reflector_ends_with_what_the_server_holds_and_told_every_step(
    world: World, cluster: Cluster
) -> None:
    dice = random.Random(7)
    reflector = Reflector(cluster, CONFIG_MAPS, world.namespace, SELECTOR, page_size=3)
    mirror: dict[str, str] = {}

    def follow(old: Any, new: Any) -> None:
        if old is not None:
            assert mirror.pop(old.metadata.name) == old.metadata.resource_version
        if new is not None:
            mirror[new.metadata.name] = new.metadata.resource_version

    reflector.on_change(follow)
    for name in "abcdefgh":
        await make(world, name)
    task = asyncio.create_task(reflector.run())
    try:
        await reflector.synced.wait()
        there = set("abcdefgh")
        for turn in range(60):
            name = dice.choice("abcdefghijkl")
            if name not in there:
                await make(world, name)
                there.add(name)
            elif dice.random() < 0.3:
                await cluster.delete(CONFIG_MAPS, world.namespace, name)
                there.remove(name)
            else:
                await change(world, name, {"data": {"turn": str(turn)}})
        page = await cluster.list_page(CONFIG_MAPS, world.namespace, label_selector=SELECTOR)
        truth = {item.metadata.name: item.metadata.resource_version for item in page.items}

        async def equal() -> bool:
            return mirror == truth

        await eventually(equal, "the mirror equals the server")
        assert {i.name: i.metadata.resource_version for i in reflector.store} == truth
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
