"""The cluster in memory: what only it has (journal, views, faults) and what a crash leaves."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.api.k8s import ConfigMap
from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, ROLLOUTS
from controller.kube.memory import MemoryCluster
from controller.kube.memory_admission import AdmissionRequest, Denied
from controller.kube.memory_faults import Call
from controller.kube.port import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Malformed,
    Overloaded,
    Unreachable,
    WatchEvent,
)

pytestmark = pytest.mark.looptime
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster(lambda: NOW, namespaces=("shop",))


async def put(cluster: MemoryCluster, name: str, **data: str) -> ConfigMap:
    return await cluster.apply(CONFIG_MAPS, "shop", name, {"data": data})


async def events_until(
    cluster: MemoryCluster, since: str, count: int, **options: Any
) -> list[WatchEvent[ConfigMap]]:
    found = []
    async for event in cluster.watch(CONFIG_MAPS, "shop", since=since, **options):
        found.append(event)
        if len(found) == count:
            break
    return found


# -- who wrote what --------------------------------------------------------------------------------


async def test_the_journal_says_who_wrote_what_and_whether_it_changed_anything(
    cluster: MemoryCluster,
) -> None:
    await put(cluster, "a", k="1")
    await put(cluster, "a", k="1")
    await cluster.as_user("alice").patch_merge(CONFIG_MAPS, "shop", "a", {"data": {"k": "2"}})
    await cluster.get(CONFIG_MAPS, "shop", "a")
    lines = [(one.user, one.verb, str(one.key), one.changed) for one in cluster.journal]
    assert lines == [
        (OPERATOR_ACCOUNT, "apply", "shop/a", True),
        (OPERATOR_ACCOUNT, "apply", "shop/a", False),
        ("alice", "patch", "shop/a", True),
    ]


async def test_views_share_everything_but_the_user(cluster: MemoryCluster) -> None:
    alice = cluster.as_user("alice")
    await put(cluster, "a")
    assert (await alice.get(CONFIG_MAPS, "shop", "a")).name == "a"
    assert alice.journal is cluster.journal
    assert (alice.user, cluster.user) == ("alice", OPERATOR_ACCOUNT)
    assert {manager.name for manager in cluster.managers(CONFIG_MAPS, "shop", "a")} == {"blastdoor"}


async def test_a_body_that_was_handed_out_is_nobodys_to_change(cluster: MemoryCluster) -> None:
    await put(cluster, "a", k="1")
    cluster.body(CONFIG_MAPS, "shop", "a")["data"]["k"] = "changed"
    assert (await cluster.get(CONFIG_MAPS, "shop", "a")).data == {"k": "1"}


async def test_generated_names_differ_and_a_repeated_run_gives_the_same() -> None:
    async def run() -> list[str]:
        cluster = MemoryCluster(lambda: NOW, namespaces=("shop",))
        body = {"metadata": {"generateName": "x-"}}
        return [(await cluster.create(CONFIG_MAPS, "shop", body)).name for _ in range(50)]

    first = await run()
    assert len(set(first)) == 50
    assert first == await run()


async def test_replace_is_what_a_user_may_do(cluster: MemoryCluster) -> None:
    made = await put(cluster, "a", k="1", old="1")
    body = {"metadata": {"resourceVersion": made.metadata.resource_version}, "data": {"k": "2"}}
    replaced = await cluster.as_user("alice").replace(CONFIG_MAPS, "shop", "a", body)
    assert replaced.data == {"k": "2"}
    with pytest.raises(Conflict):
        await cluster.as_user("alice").replace(CONFIG_MAPS, "shop", "a", body)


async def test_an_object_that_our_struct_refuses_is_malformed_and_hides_no_other(
    cluster: MemoryCluster,
) -> None:
    user = cluster.as_user("alice")
    good = {"workload": {"name": "web"}, "traffic": {"service": "web"}}
    await user.create(ROLLOUTS, "shop", {"metadata": {"name": "good"}, "spec": good})
    with pytest.raises(Invalid, match="steps"):
        await user.create(
            ROLLOUTS, "shop", {"metadata": {"name": "bad"}, "spec": {**good, "steps": "all"}}
        )
    page = await cluster.list_page(ROLLOUTS)
    assert [isinstance(item, Malformed) for item in page.items] == [True, False]
    assert page.items[0].metadata.name == "bad"


# -- admission -------------------------------------------------------------------------------------


async def test_admission_changes_and_refuses_with_the_words_of_a_server(
    cluster: MemoryCluster,
) -> None:
    def stamp(request: AdmissionRequest) -> AdmissionRequest:
        assert request.object is not None
        body = {**request.object, "data": {"by": request.user}}
        return dataclasses.replace(request, object=body)

    def refuse(request: AdmissionRequest) -> AdmissionRequest | Denied:
        assert request.object is not None
        return Denied("never", "Invalid") if request.key.name == "b" else request

    cluster.admission[:] = [stamp, refuse]
    assert (await cluster.as_user("alice").apply(CONFIG_MAPS, "shop", "a", {})).data == {
        "by": "alice"
    }
    with pytest.raises(Invalid, match='configmaps "b" is invalid: never'):
        await put(cluster, "b")
    assert (await cluster.list_page(CONFIG_MAPS)).items[1:] == ()


async def test_admission_sees_deletions_and_may_forbid_them(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    cluster.admission.append(
        lambda request: Denied("kept") if request.operation == "DELETE" else request
    )
    with pytest.raises(Forbidden, match="kept"):
        await cluster.delete(CONFIG_MAPS, "shop", "a")
    cluster.admission.clear()
    await cluster.delete(CONFIG_MAPS, "shop", "a")


# -- versions and pages ----------------------------------------------------------------------------


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


# -- watches ---------------------------------------------------------------------------------------


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


# -- faults ----------------------------------------------------------------------------------------


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


# -- crashes ---------------------------------------------------------------------------------------


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


async def test_a_deleted_namespace_takes_workloads_along(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    await cluster.delete(NAMESPACES, "", "shop")
    assert not (await cluster.list_page(CONFIG_MAPS)).items
    assert not (await cluster.list_page(NAMESPACES)).items
    assert not (await cluster.list_page(DEPLOYMENTS)).items
