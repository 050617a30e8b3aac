"""What becomes of a live cache and of a write when network and server fail. Memory and real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS
from controller.kube.client import ApiServer
from controller.kube.config import Direct, Kubeconfig
from controller.kube.port import Unreachable
from controller.kube.reflector import Reflector
from controller.local.controlplane import ControlPlane
from controller.local.faults import Drop, FaultProxy
from tests.contract.troubled import ProxyTrouble, Troubled, troubled_world
from tests.contract.worlds import World, eventually
from tests.plugins.real_cluster import RealCluster

SELECTOR = "suite=faults"


@pytest_asyncio.fixture
async def trouble(world: World, plane: RealCluster | None) -> AsyncIterator[Troubled]:
    async with troubled_world(world, plane) as made:
        yield made


class Cache:
    """A running reflector of the view that suffers, and what it told."""

    def __init__(self, reflector: Reflector[ConfigMap]) -> None:
        self.reflector = reflector
        self.told: list[tuple[str, str]] = []
        reflector.on_change(self._hear)

    def _hear(self, old: Any, new: Any) -> None:
        kind = "new" if old is None else "gone" if new is None else "changed"
        self.told.append((kind, (new or old).metadata.name))

    async def holds(self, *names: str) -> None:
        async def equal() -> bool:
            return sorted(item.name for item in self.reflector.store) == sorted(names)

        await eventually(equal, f"the cache holds {names}", within_s=200)


@asynccontextmanager
async def cached(trouble: Troubled) -> AsyncIterator[Cache]:
    reflector = Reflector(trouble.near, CONFIG_MAPS, trouble.namespace, SELECTOR, page_size=5)
    cache = Cache(reflector)
    task = asyncio.create_task(reflector.run())
    try:
        await reflector.synced.wait()
        # The watch must be open before a test may break it.
        await eventually(lambda: _is_watched(trouble), "the watch is open")
        yield cache
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _is_watched(trouble: Troubled) -> bool:
    return trouble.watched


async def make(trouble: Troubled, *names: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": {"suite": "faults"}}, "data": {}}
        await trouble.far.create(CONFIG_MAPS, trouble.namespace, body)


async def change(trouble: Troubled, name: str) -> None:
    await trouble.far.patch_merge(CONFIG_MAPS, trouble.namespace, name, {"data": {"k": "1"}})


async def delete(trouble: Troubled, name: str) -> None:
    await trouble.far.delete(CONFIG_MAPS, trouble.namespace, name)


# -- streams -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["cut", "tear"])
async def test_a_broken_stream_loses_nothing_and_repeats_nothing(
    trouble: Troubled, way: str
) -> None:
    await make(trouble, "a", "b")
    async with cached(trouble) as cache:
        await cache.holds("a", "b")
        cache.told.clear()
        {"cut": trouble.cut_streams, "tear": trouble.tear_streams}[way]()
        await change(trouble, "a")
        await delete(trouble, "b")
        await make(trouble, "c")
        await cache.holds("a", "c")
        assert cache.told == [("changed", "a"), ("gone", "b"), ("new", "c")]
    assert trouble.asked.count("list") == 1


async def test_a_silent_stream_is_given_up_and_nothing_is_lost(trouble: Troubled) -> None:
    await make(trouble, "a")
    async with cached(trouble) as cache:
        await cache.holds("a")
        loop = asyncio.get_running_loop()
        began = loop.time()
        trouble.silence_streams()
        await make(trouble, "b")
        await asyncio.sleep(trouble.silence_s / 2)
        assert len(cache.reflector.store) == 1
        trouble_ends = loop.call_later(trouble.silence_s, trouble.well)
        await cache.holds("a", "b")
        trouble_ends.cancel()
        assert loop.time() - began < trouble.silence_s * 2 + 5


async def test_after_410_exactly_what_changed_in_the_gap_surfaces(trouble: Troubled) -> None:
    names = [f"x{number:02}" for number in range(20)]
    await make(trouble, *names)
    async with cached(trouble) as cache:
        await cache.holds(*names)
        cache.told.clear()
        trouble.lose("watch", times=-1)
        trouble.cut_streams()
        await change(trouble, "x07")
        await delete(trouble, "x13")
        await make(trouble, "x99")
        trouble.well()
        trouble.refuse("watch", 410, "Expired", times=1)
        await cache.holds(*(set(names) - {"x13"}), "x99")
        assert sorted(cache.told) == [("changed", "x07"), ("gone", "x13"), ("new", "x99")]
    # 21 objects are five pages, twice.
    assert 8 <= trouble.asked.count("list") <= 12


async def test_a_storm_of_500s_costs_a_handful_of_requests_and_loses_nothing(
    trouble: Troubled,
) -> None:
    await make(trouble, "a")
    async with cached(trouble) as cache:
        await cache.holds("a")
        before = len(trouble.asked)
        trouble.refuse("watch", 500, "InternalError", times=-1)
        trouble.cut_streams()
        await asyncio.sleep(5)
        assert len(trouble.asked) - before <= 8
        assert "500" in cache.reflector.problem or "refused" in cache.reflector.problem
        await delete(trouble, "a")
        await make(trouble, "b")
        trouble.well()
        await cache.holds("b")


async def test_a_burst_of_429s_is_waited_out_as_long_as_asked(trouble: Troubled) -> None:
    await make(trouble, "a")
    async with cached(trouble) as cache:
        await cache.holds("a")
        loop = asyncio.get_running_loop()
        began = loop.time()
        trouble.refuse("watch", 429, "TooManyRequests", times=2, retry_after_s=1)
        trouble.cut_streams()
        await make(trouble, "b")
        await cache.holds("a", "b")
        assert loop.time() - began >= 1.9
        assert trouble.asked.count("list") == 1


async def test_a_list_that_fails_at_first_is_in_the_cache_in_the_end(trouble: Troubled) -> None:
    await make(trouble, "a")
    trouble.refuse("list", 503, "ServiceUnavailable", times=4)
    async with cached(trouble) as cache:
        await cache.holds("a")


async def test_a_slow_list_is_waited_for(trouble: Troubled) -> None:
    await make(trouble, "a")
    trouble.slow("list", 1.5)
    async with cached(trouble) as cache:
        await cache.holds("a")


async def test_a_page_token_that_expired_starts_the_list_anew(trouble: Troubled) -> None:
    names = [f"x{number:02}" for number in range(12)]
    await make(trouble, *names)
    trouble.slow("list", 0.05)
    reflector = Reflector(trouble.near, CONFIG_MAPS, trouble.namespace, SELECTOR, page_size=5)
    task = asyncio.create_task(reflector.run())
    try:
        await eventually(lambda: _listed(trouble, 1), "the first page is asked for")
        trouble.refuse("list", 410, "Expired", times=1)
        await asyncio.wait_for(reflector.synced.wait(), 30)
        assert sorted(item.name for item in reflector.store) == names
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listed(trouble: Troubled, times: int) -> bool:
    return trouble.asked.count("list") >= times


# -- writes ------------------------------------------------------------------------------------


async def test_a_write_whose_answer_is_lost_was_done_and_is_told_as_unknown(
    trouble: Troubled,
) -> None:
    await make(trouble, "a")
    trouble.lose("patch", after=True)
    with pytest.raises(Unreachable):
        await trouble.near.patch_merge(CONFIG_MAPS, trouble.namespace, "a", {"data": {"k": "ours"}})
    found = await trouble.far.get(CONFIG_MAPS, trouble.namespace, "a")
    assert found.data == {"k": "ours"}
    assert trouble.asked.count("patch") == 1


async def test_a_write_that_is_lost_on_its_way_was_not_done(trouble: Troubled) -> None:
    await make(trouble, "a")
    trouble.lose("patch")
    with pytest.raises(Unreachable):
        await trouble.near.patch_merge(CONFIG_MAPS, trouble.namespace, "a", {"data": {"k": "ours"}})
    found = await trouble.far.get(CONFIG_MAPS, trouble.namespace, "a")
    assert found.data == {}


# -- the real thing ----------------------------------------------------------------------------


@pytest.mark.e2e
async def test_a_compacted_and_restarted_server_is_followed_to_the_truth() -> None:
    """No order of a test says 410 here: etcd is compacted and the API server's cache is new."""
    async with ControlPlane() as plane:
        source = Kubeconfig(str(plane.kubeconfig("admin")))
        async with (
            FaultProxy(await source.load()) as proxy,
            ApiServer(Direct(proxy.url)) as near,
            ApiServer(source) as far,
        ):
            trouble = ProxyTrouble(near, far, "default", proxy)
            names = [f"x{number:02}" for number in range(12)]
            await make(trouble, *names)
            async with cached(trouble) as cache:
                await cache.holds(*names)
                cache.told.clear()
                proxy.order(Drop(), times=-1)
                proxy.cut_streams()
                await change(trouble, "x07")
                await delete(trouble, "x05")
                await plane.compact()
                plane.kill("kube-apiserver")
                await plane.start("kube-apiserver")
                proxy.clear()
                await cache.holds(*(set(names) - {"x05"}))
                assert sorted(cache.told) == [("changed", "x07"), ("gone", "x05")]
            # Twelve objects are three pages, twice: the server did say that the version was gone.
            assert trouble.asked.count("list") >= 6
