"""Leader election: never two leaders, a short gap, a clean exit. In memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.k8s import Lease
from controller.api.resources import LEASES
from controller.kube.lease import LeaderElection
from controller.kube.memory import MemoryCluster
from controller.kube.port import ServerError, Unreachable

pytestmark = pytest.mark.looptime

NS = "blastdoor-system"
LOST = Unreachable(0, "Unreachable", "connection reset")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def now() -> float:
    return asyncio.get_running_loop().time()


def new_cluster() -> MemoryCluster:
    return MemoryCluster(lambda: EPOCH + timedelta(seconds=now()), namespaces=(NS,))


def candidate(
    cluster: MemoryCluster, name: str, wall: Callable[[], datetime] | None = None
) -> LeaderElection:
    view = cluster.as_user(name)
    return LeaderElection(view, NS, "blastdoor", name, now=wall or cluster.now, jitter=lambda: 0.0)


@asynccontextmanager
async def running(*candidates: LeaderElection) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = [asyncio.create_task(one.run()) for one in candidates]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def lease(cluster: MemoryCluster) -> Lease:
    return await cluster.get(LEASES, NS, "blastdoor")


async def test_a_lone_candidate_leads_at_once_and_says_so_in_the_lease() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    assert not a.is_leader
    async with running(a):
        await asyncio.wait_for(a.elected.wait(), 1)
        assert a.is_leader
        held = await lease(cluster)
        assert held.spec.holder_identity == "a"
        assert held.spec.lease_duration_seconds == 15


async def test_of_two_candidates_one_leads_and_the_other_knows_who() -> None:
    cluster = new_cluster()
    a, b = candidate(cluster, "a"), candidate(cluster, "b")
    async with running(a, b):
        await asyncio.sleep(300)
        assert [a.is_leader, b.is_leader].count(True) == 1
        loser = b if a.is_leader else a
        assert loser.holder in "ab"
        assert loser.holder != loser.identity


async def test_a_leader_renews_a_few_times_a_minute_and_writes_nothing_else() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await asyncio.sleep(1)
        cluster.journal.clear()
        await asyncio.sleep(600)
        assert a.is_leader
        assert len(cluster.journal) <= 120


async def test_a_clean_exit_hands_over_at_once() -> None:
    cluster = new_cluster()
    a, b = candidate(cluster, "a"), candidate(cluster, "b")
    async with running(a) as tasks:
        await a.elected.wait()
        async with running(b):
            await asyncio.sleep(20)
            tasks[0].cancel()
            await asyncio.gather(tasks[0], return_exceptions=True)
            assert not a.is_leader
            began = now()
            await b.elected.wait()
            assert now() - began < 3


async def test_a_leader_that_cannot_renew_stops_before_another_can_lead() -> None:
    cluster = new_cluster()
    a, b = candidate(cluster, "a"), candidate(cluster, "b")
    async with running(a):
        await a.elected.wait()
        async with running(b):
            await asyncio.sleep(31)
            cluster.faults.fail_next(error=LOST, times=-1, user="a")
            stopped = began = now()
            while not b.is_leader:
                assert not (a.is_leader and b.is_leader)
                if a.is_leader:
                    stopped = now()
                await asyncio.sleep(0.05)
            # The lease itself lives 15 s after the last renewal; the leader acted 10 s of them.
            assert stopped - began <= 10.1
            assert now() - stopped >= 4.9
            assert now() - began <= 20


async def test_a_renewal_that_hangs_does_not_keep_the_leader_acting() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        cluster.faults.delay(1000, user="a")
        await asyncio.sleep(10.1)
        assert not a.is_leader
        assert not a.elected.is_set()


async def test_two_failed_renewals_are_survived() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        error = ServerError(500, "InternalError", "no")
        cluster.faults.fail_next("patch", LEASES, error, times=2, user="a")
        for _ in range(100):
            await asyncio.sleep(0.5)
            assert a.is_leader


async def test_a_renewal_whose_answer_was_lost_is_no_loss_of_the_lease() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        cluster.faults.fail_next("patch", LEASES, LOST, user="a", after=True)
        for _ in range(100):
            await asyncio.sleep(0.5)
            assert a.is_leader


async def test_a_leader_whose_lease_was_taken_stops_at_its_next_renewal() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        body = {"spec": {"holderIdentity": "b", "leaseDurationSeconds": 60}}
        await cluster.as_user("admin").patch_merge(LEASES, NS, "blastdoor", body)
        await asyncio.sleep(5.5)
        assert not a.is_leader
        assert a.holder == "b"


async def test_a_foreign_label_on_the_lease_is_no_loss() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        body = {"metadata": {"labels": {"seen": "yes"}}}
        await cluster.as_user("admin").patch_merge(LEASES, NS, "blastdoor", body)
        for _ in range(40):
            await asyncio.sleep(0.5)
            assert a.is_leader


async def test_a_leader_that_lost_its_way_leads_again_when_the_server_answers() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a")
    async with running(a):
        await a.elected.wait()
        cluster.faults.fail_next(error=LOST, times=-1, user="a")
        await asyncio.sleep(60)
        assert not a.is_leader
        cluster.faults.clear()
        await asyncio.wait_for(a.elected.wait(), 5)


async def test_who_led_before_another_is_told_and_who_led_before_an_outage_is_not() -> None:
    cluster = new_cluster()
    told: list[float] = []
    a = LeaderElection(
        cluster.as_user("a"), NS, "blastdoor", "a",
        now=cluster.now, deposed=lambda: told.append(now()), jitter=lambda: 0.0,
    )  # fmt: skip
    async with running(a):
        await a.elected.wait()
        cluster.faults.fail_next(error=LOST, times=-1, user="a")
        await asyncio.sleep(60)
        cluster.faults.clear()
        await asyncio.wait_for(a.elected.wait(), 5)
        assert told == []
        body = {"spec": {"holderIdentity": "b", "leaseDurationSeconds": 20}}
        await cluster.as_user("admin").patch_merge(LEASES, NS, "blastdoor", body)
        await asyncio.sleep(6)
        assert len(told) == 1  # as soon as it is seen, and long before it leads again
        await asyncio.sleep(30)
        assert a.is_leader
        assert len(told) == 1
        await cluster.as_user("admin").delete(LEASES, NS, "blastdoor")
        await asyncio.sleep(10)
        assert len(told) == 2  # somebody may have led since


async def test_wall_clocks_that_stand_still_years_apart_change_nothing() -> None:
    cluster = new_cluster()
    a = candidate(cluster, "a", wall=lambda: datetime(2038, 1, 1, tzinfo=UTC))
    b = candidate(cluster, "b", wall=lambda: datetime(1999, 1, 1, tzinfo=UTC))
    async with running(a, b):
        first = None
        for _ in range(200):
            await asyncio.sleep(0.5)
            leaders = [one.identity for one in (a, b) if one.is_leader]
            assert len(leaders) <= 1
            first = first or (leaders and leaders[0])
            assert not leaders or leaders == [first]


async def test_a_lease_too_short_to_act_in_is_refused() -> None:
    with pytest.raises(ValueError, match="no time to act"):
        LeaderElection(new_cluster(), NS, "x", "a", duration_s=10)


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["lost", "answer lost", "slow", "restart", "well"]),
        st.floats(0.1, 25),
    ),
    max_size=12,
)


@pytest.mark.looptime(False)
@settings(max_examples=40)
@given(faults=FAULTS)
def test_whatever_fails_there_are_never_two_leaders_and_one_in_the_end(
    faults: list[tuple[str, str, float]],
) -> None:
    async def play() -> None:
        cluster = new_cluster()
        elections = {name: candidate(cluster, name) for name in "abc"}
        tasks = {name: asyncio.create_task(one.run()) for name, one in elections.items()}

        async def referee() -> None:
            while True:
                assert sum(one.is_leader for one in elections.values()) <= 1
                await asyncio.sleep(0.25)

        watching = asyncio.create_task(referee())
        for name, fault, seconds in faults:
            match fault:
                case "lost":
                    cluster.faults.fail_next(error=LOST, times=-1, user=name)
                case "answer lost":
                    cluster.faults.fail_next(error=LOST, times=2, user=name, after=True)
                case "slow":
                    cluster.faults.delay(7, user=name, times=3)
                case "restart":
                    tasks[name].cancel()
                    await asyncio.gather(tasks[name], return_exceptions=True)
                    elections[name] = candidate(cluster, name)
                    tasks[name] = asyncio.create_task(elections[name].run())
                case "well":
                    cluster.faults.clear()
            await asyncio.sleep(seconds)
        cluster.faults.clear()
        await asyncio.sleep(40)
        assert sum(one.is_leader for one in elections.values()) == 1
        assert not watching.done(), watching.exception()
        everything = [watching, *tasks.values()]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)

    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(play())
    finally:
        loop.close()
