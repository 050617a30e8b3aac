"""The live cache: what it holds and tells after lists, events, breaks and 410, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.meta import Key, ObjectMeta
from controller.kube.port import Malformed, NotFound

from .conftest import ScriptedCluster, added, bookmark, config_map, deleted, modified
from .watched import BROKEN, GONE, page, running

pytestmark = pytest.mark.looptime


async def test_a_list_in_pages_is_read_to_its_end_before_it_is_told() -> None:
    cluster = ScriptedCluster()
    cluster.lists.extend(
        [page(config_map("a", 1), version=9, next_page="p2"), page(config_map("b", 2), version=9)]
    )
    async with running(cluster) as watched:
        await watched.reflector.synced.wait()
        assert watched.names == ["a", "b"]
        await asyncio.sleep(1)
    assert cluster.said == ["list", "list p2", "watch 9"]


async def test_events_change_the_store_and_are_told_with_old_and_new() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(config_map("a", 1), version=1))
    cluster.watches.append(
        [
            added(config_map("b", 2)),
            modified(config_map("a", 3)),
            deleted(config_map("b", 4)),
            100.0,
        ]
    )
    async with running(cluster) as watched:
        await asyncio.sleep(1)
        assert watched.told == [("new", "a"), ("new", "b"), ("changed", "a"), ("gone", "b")]
        assert watched.reflector.store.newest_version == "4"


async def test_a_stream_that_ended_goes_on_from_the_last_bookmark() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([added(config_map("a", 5)), bookmark(70)])
    async with running(cluster) as watched:
        await asyncio.sleep(1)
        assert watched.reflector.store.newest_version == "70"
    assert cluster.said == ["list", "watch 1", "watch 70"]


async def test_after_410_exactly_the_changed_and_the_deleted_surface() -> None:
    cluster = ScriptedCluster()
    before = [config_map(f"x{n}", n + 1) for n in range(100)]
    after = [*before[:50], config_map("x50", 300), *before[51:99]]
    cluster.lists.extend([page(*before, version=100), page(*after, version=400)])
    cluster.watches.append([10.0, GONE])
    async with running(cluster) as watched:
        await watched.reflector.synced.wait()
        watched.told.clear()
        await asyncio.sleep(11)
        assert sorted(watched.told) == [("changed", "x50"), ("gone", "x99")]
    assert cluster.said == ["list", "watch 100", "list", "watch 400"]


async def test_the_first_list_after_410_does_not_wait() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([10.0, GONE])
    async with running(cluster):
        await asyncio.sleep(20)
    assert [round(at, 3) for at, _ in cluster.calls] == [0, 0, 10, 10]


async def test_the_list_after_410_does_not_wait_for_an_outage_before_it() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[BROKEN], [BROKEN], [BROKEN], [GONE], [100.0]])
    async with running(cluster):
        await asyncio.sleep(20)
    *_, (refused_at, _), (listed_at, what), _ = cluster.calls
    assert what == "list"
    assert listed_at == refused_at


async def test_a_broken_stream_goes_on_from_the_last_version_without_a_list() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([added(config_map("a", 5)), BROKEN])
    async with running(cluster):
        await asyncio.sleep(2)
    assert cluster.said == ["list", "watch 1", "watch 5"]


async def test_a_kind_that_does_not_exist_yet_appears_later() -> None:
    cluster = ScriptedCluster()
    cluster.lists.extend(
        [NotFound(404, "NotFound", "no such kind"), page(config_map("a", 1), version=1)]
    )
    async with running(cluster) as watched:
        await asyncio.sleep(5)
        assert watched.names == ["a"]


async def test_a_malformed_object_is_told_and_the_others_live() -> None:
    bad = Malformed(ObjectMeta(name="bad", namespace="shop", resource_version="2"), "no int")
    cluster = ScriptedCluster()
    cluster.lists.append(page(config_map("a", 1), bad, version=3))
    cluster.watches.append([modified(config_map("bad", 7)), 100.0])
    async with running(cluster) as watched:
        await asyncio.sleep(1)
        assert watched.told == [("new", "a"), ("new", "bad"), ("changed", "bad")]
        assert watched.reflector.store.malformed == {}


async def test_the_store_knows_how_far_it_is_when_a_change_is_told() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([added(config_map("a", 5)), 100.0])
    seen = []
    async with running(cluster) as watched:
        store = watched.reflector.store
        watched.reflector.on_change(
            lambda old, new: seen.append((store.newest_version, Key("shop", "a") in store))
        )
        await asyncio.sleep(1)
    assert seen == [("5", True)]


async def test_a_stream_that_is_left_is_closed() -> None:
    closed = []

    class Closing(ScriptedCluster):
        async def watch(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def,override]
            try:
                await asyncio.Event().wait()
                yield
            finally:
                closed.append(True)

    cluster = Closing()
    cluster.lists.append(page(version=1))
    async with running(cluster):
        await asyncio.sleep(1)
    assert closed == [True]
