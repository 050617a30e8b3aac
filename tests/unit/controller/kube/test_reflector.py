"""The live cache: each row of the fault table in one test, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from controller.api.k8s import ConfigMap
from controller.api.meta import Key, ObjectMeta
from controller.api.resources import CONFIG_MAPS
from controller.kube.errors import IDLE_STREAM
from controller.kube.port import Gone, Malformed, NotFound, Page, ServerError, Unreachable
from controller.kube.reflector import Reflector

from .conftest import ScriptedCluster, added, bookmark, config_map, deleted, modified

pytestmark = pytest.mark.looptime

GONE = Gone(410, "Expired", "too old resource version")
STORM = ServerError(500, "InternalError", "etcd is gone")
BROKEN = Unreachable(0, "BrokenStream", "the stream ended in the middle of a line")


class Watched:
    """A running reflector and what it told."""

    def __init__(self, cluster: ScriptedCluster) -> None:
        self.cluster = cluster
        self.told: list[tuple[str, str]] = []
        self.reflector = Reflector(cluster, CONFIG_MAPS, jitter=lambda: 0.0)  # type: ignore[arg-type]
        self.reflector.on_change(self._hear)

    @property
    def names(self) -> list[str]:
        return sorted(item.name for item in self.reflector.store)

    def _hear(self, old: ConfigMap | Malformed | None, new: ConfigMap | Malformed | None) -> None:
        if old is None:
            assert new is not None
            self.told.append(("new", new.metadata.name))
        elif new is None:
            self.told.append(("gone", old.metadata.name))
        else:
            self.told.append(("changed", new.metadata.name))


@asynccontextmanager
async def running(cluster: ScriptedCluster) -> AsyncIterator[Watched]:
    watched = Watched(cluster)
    task = asyncio.create_task(watched.reflector.run())
    try:
        yield watched
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def page(*items: ConfigMap | Malformed, version: int, next_page: str = "") -> Page[ConfigMap]:
    return Page(items, str(version), next_page)


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


async def test_one_410_after_another_is_waited_out() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[GONE] for _ in range(100)])
    async with running(cluster):
        await asyncio.sleep(60)
    assert len(cluster.calls) <= 16


async def test_a_storm_of_500s_on_the_watch_is_a_handful_of_requests() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[STORM] for _ in range(1000)])
    async with running(cluster) as watched:
        await asyncio.sleep(5)
        assert "500" in watched.reflector.problem or "etcd" in watched.reflector.problem
    assert len(cluster.calls) <= 5


async def test_a_storm_of_500s_on_the_list_is_a_handful_of_requests() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(STORM)
    async with running(cluster) as watched:
        await asyncio.sleep(5)
        assert not watched.reflector.synced.is_set()
    assert len(cluster.calls) <= 4


async def test_the_back_off_starts_afresh_after_an_event() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[STORM], [STORM], [STORM], [bookmark(5), STORM], [100.0]])
    async with running(cluster) as watched:
        await asyncio.sleep(6)
        assert [round(at, 1) for at, _ in cluster.calls] == [0, 0, 0.2, 1.2, 3.2, 3.4]
        assert watched.reflector.problem


async def test_streams_that_open_and_break_are_asked_for_every_few_seconds() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[0.5, BROKEN] for _ in range(100)])
    async with running(cluster) as watched:
        await asyncio.sleep(120)
        assert watched.reflector.problem
        assert watched.reflector.lost_s < 5
    asked = [at for at, what in cluster.calls if what.startswith("watch")]
    assert 20 <= len(asked) <= 40
    assert max(b - a for a, b in itertools.pairwise(asked)) < 5


async def test_the_problem_is_over_once_a_quiet_stream_has_stood() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([STORM])
    async with running(cluster) as watched:
        await asyncio.sleep(0.1)
        assert watched.reflector.problem
        await asyncio.sleep(40)
        assert watched.reflector.problem == ""


async def test_a_store_tells_for_how_long_it_may_have_fallen_behind() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[10.0, STORM], *([STORM] for _ in range(3)), [100.0]])
    async with running(cluster) as watched:
        await asyncio.sleep(9)
        assert watched.reflector.lost_s == 0
        await asyncio.sleep(8)
        assert watched.reflector.lost_s == pytest.approx(7)
        await asyncio.sleep(1)  # followed again, though nothing has come yet
        assert watched.reflector.lost_s == 0


async def test_a_broken_stream_goes_on_from_the_last_version_without_a_list() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([added(config_map("a", 5)), BROKEN])
    async with running(cluster):
        await asyncio.sleep(2)
    assert cluster.said == ["list", "watch 1", "watch 5"]


async def test_one_quiet_stream_is_asked_for_anew_without_ado_and_two_are_a_problem() -> None:
    idle = Unreachable(0, IDLE_STREAM, "no byte for 90 s")
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[90.0, idle], [bookmark(5), 90.0, idle], [90.0, idle]])
    async with running(cluster) as watched:
        await asyncio.sleep(269)
        assert watched.reflector.problem == ""
        await asyncio.sleep(2)
        assert watched.reflector.problem
    assert cluster.said == ["list", "watch 1", "watch 1", "watch 5", "watch 5"]


async def test_a_server_that_ends_streams_at_once_is_not_asked_in_a_loop() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[] for _ in range(1000)])
    async with running(cluster):
        await asyncio.sleep(10)
    assert len(cluster.calls) <= 6


async def test_a_server_that_asks_for_more_time_gets_it() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([ServerError(503, "", "busy", retry_after_s=20)])
    async with running(cluster):
        await asyncio.sleep(19)
        assert len(cluster.calls) == 2
        await asyncio.sleep(2)
        assert len(cluster.calls) == 3


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
