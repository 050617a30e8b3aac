"""The cluster in memory to whoever lists and watches: pages, versions, history, streams."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS, PODS
from controller.kube.memory import MemoryCluster
from controller.kube.port import Gone, Unreachable, WatchEvent
from tests.unit.controller.kube.memory import put

pytestmark = pytest.mark.looptime


async def events_until(
    cluster: MemoryCluster, since: str, count: int, **options: Any
) -> list[WatchEvent[ConfigMap]]:
    found = []
    async for event in cluster.watch(CONFIG_MAPS, "shop", since=since, **options):
        found.append(event)
        if len(found) == count:
            break
    return found


async def test_pages_are_a_cut_of_one_moment(cluster: MemoryCluster) -> None:
    for name in "abcde":
        await put(cluster, name)
    first = await cluster.list_page(CONFIG_MAPS, limit=2)
    await put(cluster, "aa")
    await cluster.delete(CONFIG_MAPS, "shop", "d")
    second = await cluster.list_page(CONFIG_MAPS, limit=2, page=first.next_page)
    third = await cluster.list_page(CONFIG_MAPS, limit=2, page=second.next_page)
    pages = (first, second, third)
    assert [item.metadata.name for page in pages for item in page.items] == list("abcde")
    assert {page.resource_version for page in pages} == {first.resource_version}
    assert not third.next_page


async def test_compaction_ends_page_tokens_and_old_watches(cluster: MemoryCluster) -> None:
    since = (await put(cluster, "a")).metadata.resource_version
    await put(cluster, "b")
    page = await cluster.list_page(CONFIG_MAPS, limit=1)
    assert len(await events_until(cluster, since, 1)) == 1
    cluster.compact()
    with pytest.raises(Gone):
        await cluster.list_page(CONFIG_MAPS, limit=1, page=page.next_page)
    with pytest.raises(Gone):
        await events_until(cluster, since, 1)


async def test_history_is_bounded_and_what_fell_out_is_gone(cluster: MemoryCluster) -> None:
    since = (await put(cluster, "a")).metadata.resource_version
    for number in range(10_001):
        await cluster.patch_merge(CONFIG_MAPS, "shop", "a", {"data": {"n": str(number)}})
    with pytest.raises(Gone):
        await events_until(cluster, since, 1)
    recent = str(cluster.version - 10)
    assert len(await events_until(cluster, recent, 10)) == 10


async def test_a_quiet_watch_says_each_minute_how_far_it_is(
    cluster: MemoryCluster, looptime: float
) -> None:
    await put(cluster, "a")
    since = str(cluster.version)
    await cluster.create(PODS, "shop", {"metadata": {"name": "p"}, "spec": {"containers": []}})
    (event,) = await events_until(cluster, since, 1)
    assert (event.type, event.object) == ("BOOKMARK", None)
    assert event.resource_version == str(cluster.version) != since
    assert looptime == 60


async def test_a_selector_shows_coming_into_view_and_leaving_it(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    since = str(cluster.version)
    for labels in ({"x": "1"}, {"x": "1", "y": "2"}, {"x": None}):
        await cluster.patch_merge(CONFIG_MAPS, "shop", "a", {"metadata": {"labels": labels}})
    await put(cluster, "b")
    events = await events_until(cluster, since, 3, label_selector="x=1")
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_watch_from_nothing_begins_with_what_is_there(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    await put(cluster, "b")
    events = await events_until(cluster, "0", 2)
    assert [(event.type, event.object and event.object.metadata.name) for event in events] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
    ]


async def test_a_dropped_watch_is_unreachable_and_others_go_on(cluster: MemoryCluster) -> None:
    alice = cluster.as_user("alice")
    ours = asyncio.create_task(events_until(cluster, str(cluster.version), 1))
    hers = asyncio.create_task(events_until(alice, str(cluster.version), 1))
    await asyncio.sleep(1)
    cluster.faults.drop_watches(CONFIG_MAPS)
    with pytest.raises(Unreachable):
        await ours
    await put(cluster, "a")
    assert [event.type for event in await hers] == ["ADDED"]


async def test_a_silent_watch_is_given_up_after_a_while(
    cluster: MemoryCluster, looptime: float
) -> None:
    cluster.faults.silence_watches()
    await put(cluster, "a")
    with pytest.raises(Unreachable, match="no byte"):
        await events_until(cluster, "1", 1)
    assert looptime == 90


async def test_two_watchers_each_see_every_change_once(cluster: MemoryCluster) -> None:
    since = str(cluster.version)
    watchers = [asyncio.create_task(events_until(cluster, since, 20)) for _ in range(2)]
    for number in range(20):
        await put(cluster, f"c{number % 3}", n=str(number))
    for seen in await asyncio.gather(*watchers):
        versions = [int(event.resource_version) for event in seen]
        assert versions == sorted(set(versions))
        assert len(versions) == 20
