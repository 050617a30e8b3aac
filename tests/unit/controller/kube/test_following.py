"""How trouble of a watch is noticed, waited out and told: each row of the fault table, in virtual
time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from controller.api.k8s import ConfigMap
from controller.kube.errors import IDLE_STREAM
from controller.kube.port import ApiError, Page, ServerError, Unreachable

from .conftest import ScriptedCluster, added, bookmark, config_map
from .watched import BROKEN, GONE, STORM, page, running

pytestmark = pytest.mark.looptime


class HangingLists(ScriptedCluster):
    """Answers the first list, and no other."""

    async def list_page(self, *args: object, **kwargs: object) -> Page[ConfigMap]:  # type: ignore[override]
        if "list" in self.said:
            await asyncio.Event().wait()
        return await super().list_page(*args, **kwargs)  # type: ignore[arg-type]


async def played(streams: Iterable[list[Any]], *, for_s: float) -> ScriptedCluster:
    """What was asked of a server that gives one empty list, and then these streams."""
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.extend(streams)
    async with running(cluster):
        await asyncio.sleep(for_s)
    return cluster


async def test_one_410_after_another_is_waited_out() -> None:
    cluster = await played([[GONE] for _ in range(100)], for_s=60)
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
        assert watched.reflector.lost_s < 25
    asked = [at for at, what in cluster.calls if what.startswith("watch")]
    assert 20 <= len(asked) <= 40
    assert max(b - a for a, b in itertools.pairwise(asked)) < 5
    assert 5 <= cluster.said.count("list") <= 7


SWALLOWED = Unreachable(0, "BrokenStream", "unreadable line: no JSON")


@pytest.mark.parametrize("end", [STORM, SWALLOWED, GONE], ids=["error", "unreadable", "gone"])
async def test_a_stream_that_opens_and_tells_nothing_is_not_believed(end: ApiError) -> None:
    """What it should have told is found by lists: soon, and not in a loop."""
    cluster = ScriptedCluster()
    cluster.lists.extend([page(version=1), page(config_map("abort", 2), version=9)])
    cluster.watches.extend([[0.01, end] for _ in range(1000)])
    async with running(cluster) as watched:
        await asyncio.sleep(30)
        assert watched.names == ["abort"]
        await asyncio.sleep(270)
        assert watched.reflector.problem
        assert 0 < watched.reflector.lost_s < 31
    listed = [at for at, what in cluster.calls if what == "list"]
    assert len(listed) <= 16


async def test_a_stream_that_is_opened_and_stays_silent_is_listed_beside() -> None:
    idle = Unreachable(0, IDLE_STREAM, "no byte for 90 s")
    cluster = ScriptedCluster()
    cluster.lists.extend([page(version=1), page(config_map("abort", 2), version=9)])
    cluster.watches.extend([[90.0, idle] for _ in range(100)])
    async with running(cluster) as watched:
        await asyncio.sleep(182)
        assert watched.names == ["abort"]
        await asyncio.sleep(720)
        assert watched.reflector.problem
    assert [round(at / 90) for at, what in cluster.calls if what == "list"] == [0, *range(2, 11)]


async def test_a_store_that_cannot_be_followed_falls_behind_from_the_end_of_its_stream() -> None:
    """Not from the first answer: a list may hang for its whole deadline."""
    cluster = HangingLists()
    cluster.lists.append(page(version=1))
    cluster.watches.extend([[10.0, GONE]])
    async with running(cluster) as watched:  # type: ignore[arg-type]
        await asyncio.sleep(40)
        assert watched.reflector.lost_s == pytest.approx(30)


async def test_a_fault_of_ours_in_one_kind_is_waited_out_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([added(config_map("a", 5)), added(config_map("b", 6)), 100.0])
    async with running(cluster) as watched:
        stored, put = [], watched.reflector.store.put

        def failing(item: ConfigMap) -> object:
            stored.append(item.name)
            if len(stored) == 1:
                raise RecursionError("maximum recursion depth exceeded")
            return put(item)

        monkeypatch.setattr(watched.reflector.store, "put", failing)
        await asyncio.sleep(1)
        assert "RecursionError" in watched.reflector.problem
        assert cluster.said == ["list", "watch 1", "watch 1"]


async def test_whoever_asks_is_told_when_the_store_follows_again() -> None:
    cluster = ScriptedCluster()
    cluster.lists.extend([page(version=1), STORM, page(version=2)])
    cluster.watches.extend([[10.0, GONE]])
    told: list[float] = []
    async with running(cluster) as watched:
        watched.reflector.on_recovery(told.append)
        await asyncio.sleep(100)
    assert told == [pytest.approx(0.2)]


async def test_a_server_that_ends_streams_after_each_word_is_not_asked_in_a_loop() -> None:
    cluster = await played([[bookmark(2 + n)] for n in range(1000)], for_s=10)
    assert len(cluster.calls) <= 55


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
        await asyncio.sleep(1)  # opened, which proves nothing yet
        assert watched.reflector.lost_s == pytest.approx(8)
        await asyncio.sleep(5)  # followed again, though nothing has come yet
        assert watched.reflector.lost_s == 0


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
    assert cluster.said == ["list", "watch 1", "watch 1", "watch 5", "list", "watch 1"]


async def test_a_server_that_ends_streams_at_once_is_not_asked_in_a_loop() -> None:
    cluster = await played([[] for _ in range(1000)], for_s=10)
    assert len(cluster.calls) <= 6


async def test_a_server_that_asks_for_more_time_gets_it() -> None:
    cluster = ScriptedCluster()
    cluster.lists.append(page(version=1))
    cluster.watches.append([ServerError(503, "", "busy", retry_after_s=12)])
    async with running(cluster):
        await asyncio.sleep(11)
        assert len(cluster.calls) == 2
        await asyncio.sleep(2)
        assert len(cluster.calls) == 3
