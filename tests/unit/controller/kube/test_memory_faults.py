"""Faults of the cluster in memory strike whom they name; a crash leaves the writes before it."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.resources import CONFIG_MAPS
from controller.kube.memory import MemoryCluster
from controller.kube.memory_faults import Call
from controller.kube.port import Overloaded, Unreachable
from tests.unit.controller.kube.memory import put

pytestmark = pytest.mark.looptime


async def test_a_failed_call_is_not_carried_out(cluster: MemoryCluster) -> None:
    cluster.faults.fail_next("apply", CONFIG_MAPS)
    with pytest.raises(Unreachable):
        await put(cluster, "a")
    assert not cluster.journal
    await put(cluster, "a")


async def test_a_lost_answer_leaves_the_write_done(cluster: MemoryCluster) -> None:
    cluster.faults.fail_next("apply", after=True)
    with pytest.raises(Unreachable):
        await put(cluster, "a", k="1")
    assert (await cluster.get(CONFIG_MAPS, "shop", "a")).data == {"k": "1"}


async def test_faults_strike_the_user_they_name_and_as_often(cluster: MemoryCluster) -> None:
    alice, busy = cluster.as_user("alice"), Overloaded(429, "TooManyRequests", "later")
    cluster.faults.fail_next(error=busy, times=2)
    await alice.list_page(CONFIG_MAPS)
    for _ in range(2):
        with pytest.raises(Overloaded):
            await cluster.list_page(CONFIG_MAPS)
    await cluster.list_page(CONFIG_MAPS)
    cluster.faults.fail_next(user="alice")
    await cluster.list_page(CONFIG_MAPS)
    with pytest.raises(Unreachable):
        await alice.list_page(CONFIG_MAPS)


async def test_a_delay_takes_time_of_the_loop(cluster: MemoryCluster, looptime: float) -> None:
    cluster.faults.delay(3, "apply")
    await put(cluster, "a")
    await cluster.get(CONFIG_MAPS, "shop", "a")
    assert looptime == 3
    cluster.faults.clear()
    await put(cluster, "b")
    assert looptime == 3


async def test_a_stale_list_hides_what_came_after(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    cluster.faults.stale_lists(CONFIG_MAPS)
    await put(cluster, "b")
    assert len((await cluster.list_page(CONFIG_MAPS)).items) == 1
    assert len((await cluster.as_user("alice").list_page(CONFIG_MAPS)).items) == 2
    cluster.faults.clear()
    assert len((await cluster.list_page(CONFIG_MAPS)).items) == 2


async def three_writes(cluster: MemoryCluster) -> None:
    for name in "abc":
        await put(cluster, name)


@pytest.mark.parametrize("calls", range(4))
async def test_a_crash_before_a_call_leaves_exactly_the_writes_before_it(
    cluster: MemoryCluster, calls: int
) -> None:
    task = asyncio.create_task(three_writes(cluster))
    seen: list[Call] = []

    def crash(call: Call) -> None:
        seen.append(call)
        if len(seen) > calls:
            raise asyncio.CancelledError

    cluster.faults.before_each(crash)
    if calls < 3:
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        await task
    assert [one.key.name for one in cluster.journal] == list("abc")[:calls]


@pytest.mark.parametrize("turns", range(9))
async def test_a_task_cancelled_at_any_turn_of_the_loop_leaves_a_prefix_of_its_writes(
    cluster: MemoryCluster, turns: int
) -> None:
    task = asyncio.create_task(three_writes(cluster))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    names = [one.key.name for one in cluster.journal]
    assert names == list("abc")[: len(names)]
    present = (await cluster.list_page(CONFIG_MAPS)).items
    assert [item.metadata.name for item in present] == names
