"""Kubernetes Events: never in the way, counted in series, bounded. In memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.api.k8s import ConfigMap, Event, Namespace
from controller.api.meta import ObjectMeta
from controller.api.resources import CONFIG_MAPS, EVENTS, NAMESPACES
from controller.kube import events
from controller.kube.events import EventRecorder
from controller.kube.memory import MemoryCluster
from controller.kube.port import Forbidden, ServerError

from .conftest import config_map

pytestmark = pytest.mark.looptime

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
A = config_map("a", 1)


def new_cluster() -> MemoryCluster:
    def wall() -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    return MemoryCluster(wall, namespaces=("shop", "default"))


@asynccontextmanager
async def recording(cluster: MemoryCluster) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(cluster, instance="pod-1", now=cluster.now)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def written(cluster: MemoryCluster, namespace: str = "shop") -> list[Event]:
    page = await cluster.list_page(EVENTS, namespace, limit=10_000)
    return [item for item in page.items if isinstance(item, Event)]


def dropped(cause: str) -> float:
    return events.DROPPED.labels(cause)._value.get()


async def test_an_event_is_written_as_kubectl_describe_reads_it() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        recorder.record(CONFIG_MAPS, A, "HarmFound", "orders fell by 12%", type="Warning")
        await asyncio.sleep(1)
    (event,) = await written(cluster)
    assert (event.type, event.reason, event.message, event.count) == (
        "Warning",
        "HarmFound",
        "orders fell by 12%",
        1,
    )
    body = cluster.body(EVENTS, "shop", event.name)
    assert body["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "namespace": "shop",
        "name": "a",
        "uid": "uid-a",
    }
    assert body["source"] == {"component": "blastdoor"}
    assert body["firstTimestamp"] == body["lastTimestamp"] == "2026-01-01T00:00:00Z"


async def test_the_same_words_raise_a_count_and_make_no_second_event() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        for _ in range(5):
            recorder.record(CONFIG_MAPS, A, "Waiting", "no data")
            await asyncio.sleep(10)
    (event,) = await written(cluster)
    assert event.count == 5
    body: dict[str, Any] = cluster.body(EVENTS, "shop", event.name)
    assert body["lastTimestamp"] == "2026-01-01T00:00:40Z"


async def test_the_same_words_after_a_long_time_are_a_new_event() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        recorder.record(CONFIG_MAPS, A, "Waiting", "no data")
        await asyncio.sleep(601)
        recorder.record(CONFIG_MAPS, A, "Waiting", "no data")
        await asyncio.sleep(1)
    assert [event.count for event in await written(cluster)] == [1, 1]


async def test_recording_waits_for_nobody() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        cluster.faults.delay(3600)
        before = asyncio.get_running_loop().time()
        for number in range(5000):
            recorder.record(CONFIG_MAPS, config_map(f"x{number}", 1), "R", "m")
        assert asyncio.get_running_loop().time() == before


async def test_too_many_events_drop_the_oldest_and_are_counted() -> None:
    cluster = new_cluster()
    before = dropped("overflow")
    recorder = EventRecorder(cluster, now=cluster.now)
    for number in range(1200):
        recorder.record(CONFIG_MAPS, config_map(f"x{number}", 1), "R", "m")
    assert dropped("overflow") - before == 200
    await recorder.flush()
    names = {event.involved_object["name"] for event in await written(cluster)}
    assert len(names) == 1000
    assert "x199" not in names
    assert "x1199" in names


async def test_a_flapping_object_has_a_budget_and_others_keep_theirs() -> None:
    cluster = new_cluster()
    before = dropped("budget")
    async with recording(cluster) as recorder:
        for number in range(100):
            recorder.record(CONFIG_MAPS, A, "Flap", f"for the {number}th time")
        recorder.record(CONFIG_MAPS, config_map("b", 1), "Calm", "once")
        await asyncio.sleep(1)
    assert dropped("budget") - before == 75
    reasons = [event.reason for event in await written(cluster)]
    assert reasons.count("Flap") == 25
    assert reasons.count("Calm") == 1


async def test_a_budget_grows_again() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        for number in range(30):
            recorder.record(CONFIG_MAPS, A, "Flap", f"{number}")
        await asyncio.sleep(61)
        for number in range(30, 60):
            recorder.record(CONFIG_MAPS, A, "Flap", f"{number}")
        await asyncio.sleep(1)
    assert len(await written(cluster)) == 27


async def test_an_event_that_expired_on_the_server_is_made_anew() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        recorder.record(CONFIG_MAPS, A, "Waiting", "no data")
        await asyncio.sleep(1)
        (event,) = await written(cluster)
        await cluster.delete(EVENTS, "shop", event.name)
        recorder.record(CONFIG_MAPS, A, "Waiting", "no data")
        await asyncio.sleep(1)
    assert [event.count for event in await written(cluster)] == [1]


@pytest.mark.parametrize(
    "error", [Forbidden(403, "Forbidden", "no"), ServerError(500, "InternalError", "no")]
)
async def test_a_refused_event_is_counted_and_stops_no_other(error: Exception) -> None:
    cluster = new_cluster()
    before = dropped("refused")
    async with recording(cluster) as recorder:
        cluster.faults.fail_next("create", EVENTS, error)  # type: ignore[arg-type]
        recorder.record(CONFIG_MAPS, A, "First", "m")
        recorder.record(CONFIG_MAPS, A, "Second", "m")
        await asyncio.sleep(1)
    assert dropped("refused") - before == 1
    assert [event.reason for event in await written(cluster)] == ["Second"]


async def test_an_event_about_an_object_without_namespace_goes_to_default() -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        recorder.record(NAMESPACES, Namespace(metadata=ObjectMeta(name="shop")), "R", "m")
        await asyncio.sleep(1)
    (event,) = await written(cluster, "default")
    assert "namespace" not in event.involved_object


@pytest.mark.parametrize("message", ["x" * 5000, "é" * 5000])
async def test_a_long_message_is_cut_to_what_the_server_takes(message: str) -> None:
    cluster = new_cluster()
    async with recording(cluster) as recorder:
        recorder.record(CONFIG_MAPS, A, "R", message)
        await asyncio.sleep(1)
    (event,) = await written(cluster)
    assert len(event.message.encode()) <= 1024
    assert event.message.endswith("...")


async def test_a_name_of_253_characters_still_makes_an_event() -> None:
    cluster = new_cluster()
    long = ConfigMap(metadata=ObjectMeta(name="a." * 126 + "a", namespace="shop", uid="u"))
    async with recording(cluster) as recorder:
        recorder.record(CONFIG_MAPS, long, "R", "m")
        await asyncio.sleep(1)
    (event,) = await written(cluster)
    assert len(event.name) <= 253
