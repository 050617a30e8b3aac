"""Events under load, as people read them. In memory and on a real server alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from controller.api.k8s import ConfigMap, Event
from controller.api.meta import ObjectMeta
from controller.api.resources import CONFIG_MAPS, EVENTS
from controller.kube.events import EventRecorder
from tests.contract.worlds import World, eventually


def thing(world: World, name: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=world.namespace, uid=f"uid-{name}"))


@asynccontextmanager
async def recording(world: World) -> AsyncIterator[EventRecorder]:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    recorder = EventRecorder(world.admin, now=lambda: now)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def written(world: World) -> list[Event]:
    page = await world.admin.list_page(EVENTS, world.namespace)
    return [item for item in page.items if isinstance(item, Event) and item.reason == "Load"]


async def test_a_flood_of_equal_events_is_a_few_objects_with_true_counts(world: World) -> None:
    async with recording(world) as recorder:
        for turn in range(10):
            for name in "abcde":
                for _ in range(10):
                    recorder.record(CONFIG_MAPS, thing(world, name), "Load", "the same words")
            if turn % 3 == 0:
                await asyncio.sleep(0.05)

        async def all_counted() -> bool:
            return sum(event.count for event in await written(world)) == 500

        await eventually(all_counted, "every occurrence is counted")
        assert len(await written(world)) == 5


async def test_a_series_is_one_object_whose_count_rises(world: World) -> None:
    async with recording(world) as recorder:
        for turn in range(1, 4):
            recorder.record(CONFIG_MAPS, thing(world, "a"), "Load", "again", type="Warning")

            async def counted(turn: int = turn) -> bool:
                return [event.count for event in await written(world)] == [turn]

            await eventually(counted, f"count {turn}")
    (event,) = await written(world)
    assert (event.type, event.message) == ("Warning", "again")
    assert event.involved_object["uid"] == "uid-a"


async def test_different_words_are_different_events(world: World) -> None:
    async with recording(world) as recorder:
        for number in range(20):
            recorder.record(CONFIG_MAPS, thing(world, "a"), "Load", f"step {number}")

        async def all_there() -> bool:
            return len(await written(world)) == 20

        await eventually(all_there, "20 events")
