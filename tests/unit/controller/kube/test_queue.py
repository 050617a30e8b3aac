"""The work queue: who comes next, when, and never twice at once. In virtual time."""

from __future__ import annotations

import asyncio

import looptime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.backoff import Backoff
from controller.kube.queue import Priority, WorkQueue

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


def steady() -> float:
    return 0.0


async def nothing_for(seconds: float, queue: WorkQueue[str]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await queue.get()
    except TimeoutError:
        return True
    return False


async def test_a_key_added_many_times_is_taken_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(200):
        queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert await nothing_for(1000, queue)


async def test_two_hundred_quick_updates_are_a_handful_of_looks() -> None:
    queue: WorkQueue[str] = WorkQueue()
    looks = 0

    async def worker() -> None:
        nonlocal looks
        while True:
            key = await queue.get()
            looks += 1
            await asyncio.sleep(0.05)
            queue.done(key)

    task = asyncio.create_task(worker())
    for _ in range(200):
        queue.add("a")
        await asyncio.sleep(0.0025)
    await asyncio.sleep(1)
    task.cancel()
    assert 10 <= looks <= 12


async def test_a_delayed_key_comes_when_it_is_due() -> None:
    queue: WorkQueue[str] = WorkQueue()
    began = now()
    queue.add("a", delay_s=30)
    assert await queue.get() == "a"
    assert now() - began == pytest.approx(30, abs=1e-3)


async def test_of_two_delays_the_earlier_wins() -> None:
    queue: WorkQueue[str] = WorkQueue()
    began = now()
    queue.add("a", delay_s=60)
    queue.add("a", delay_s=5)
    queue.add("a", delay_s=30)
    assert await queue.get() == "a"
    assert now() - began == pytest.approx(5, abs=1e-3)
    queue.done("a")
    assert await nothing_for(100, queue)


async def test_a_later_key_does_not_hide_an_earlier_one() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("late", delay_s=60)
    queue.add("soon", delay_s=5)
    assert [await queue.get(), await queue.get()] == ["soon", "late"]


async def test_wishes_that_were_overtaken_are_not_kept_until_their_day() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("far", delay_s=90_000)
    for number in range(10_000):
        queue.add("moving", delay_s=80_000 - number)
    assert len(queue._later) < 200
    began = asyncio.get_running_loop().time()
    taken = []
    for _ in range(2):
        taken.append((key := await queue.get(), asyncio.get_running_loop().time() - began))
        queue.done(key)
    assert taken == [("moving", pytest.approx(70_001)), ("far", pytest.approx(90_000))]


async def test_among_due_keys_the_urgent_goes_first() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("background", priority=Priority.BACKGROUND)
    queue.add("normal")
    queue.add("urgent", priority=Priority.URGENT)
    assert [await queue.get() for _ in range(3)] == ["urgent", "normal", "background"]


async def test_a_key_asked_for_twice_has_the_more_urgent_priority() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", priority=Priority.BACKGROUND)
    queue.add("b")
    queue.add("a", priority=Priority.URGENT)
    queue.add("a", priority=Priority.BACKGROUND)
    assert await queue.get() == "a"


async def test_a_background_key_is_not_starved_by_urgent_ones() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("background", priority=Priority.BACKGROUND)
    taken = []
    for turn in range(200):
        queue.add(f"urgent-{turn}", priority=Priority.URGENT)
        taken.append(key := await queue.get())
        queue.done(key)
        await asyncio.sleep(1)
    assert "background" in taken


async def test_a_key_is_never_in_two_workers_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert await nothing_for(10, queue)
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_key_delayed_while_it_is_worked_on_comes_after_its_delay() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    began = now()
    queue.add("a", delay_s=7)
    await asyncio.sleep(2)
    queue.done("a")
    assert await queue.get() == "a"
    assert now() - began == pytest.approx(7, abs=1e-3)


async def test_waits_after_failures_double_up_to_the_cap_and_start_afresh_once_well() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(1, 10), jitter=steady)
    waits = [queue.retry("a") for _ in range(6)]
    assert waits == [1, 2, 4, 8, 10, 10]
    queue.forget("a")
    assert queue.retry("a") == 1


async def test_a_retry_waits_at_least_what_the_server_asked() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(1, 10), jitter=steady)
    assert queue.retry("a", at_least_s=7) == 7


async def test_a_kind_of_failure_may_have_waits_of_its_own() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(10, 60), jitter=steady)
    assert [queue.retry("a", backoff=Backoff(0.5, 1)) for _ in range(3)] == [0.5, 1, 1]
    assert [queue.retry("a") for _ in range(2)] == [10, 20]


async def test_a_change_of_the_object_does_not_wait_for_the_back_off() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(60, 60), jitter=steady)
    queue.retry("a")
    began = now()
    queue.add("a")
    assert await queue.get() == "a"
    assert now() == pytest.approx(began, abs=1e-3)


async def test_a_wake_up_of_a_cancelled_worker_goes_to_another() -> None:
    queue: WorkQueue[str] = WorkQueue()
    first, second = (asyncio.create_task(queue.get()) for _ in range(2))
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await second == "a"


async def test_the_wait_of_a_key_beyond_its_due_time_is_told() -> None:
    waits: list[float] = []
    queue: WorkQueue[str] = WorkQueue(on_wait=waits.append)
    queue.add("a", delay_s=5)
    await asyncio.sleep(8)
    await queue.get()
    assert waits == [pytest.approx(3, abs=1e-3)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "retry", "forget"]),
        st.sampled_from("abc"),
        st.floats(0, 5),
        st.sampled_from(list(Priority)),
    ),
    max_size=30,
)


@pytest.mark.looptime(False)
@given(steps=STEPS, workers=st.integers(1, 3))
def test_whatever_is_asked_no_wish_is_lost_and_no_key_is_doubled(
    steps: list[tuple[str, str, float, Priority]], workers: int
) -> None:
    async def play() -> None:
        queue: WorkQueue[str] = WorkQueue(jitter=steady)
        inside: set[str] = set()
        taken_after: dict[str, int] = {}

        async def worker() -> None:
            while True:
                key = await queue.get()
                assert key not in inside
                inside.add(key)
                taken_after[key] = count
                await asyncio.sleep(0.7)
                inside.remove(key)
                queue.done(key)

        count = 0
        tasks = [asyncio.create_task(worker()) for _ in range(workers)]
        wished: dict[str, int] = {}
        for count, (step, key, seconds, priority) in enumerate(steps, 1):
            match step:
                case "add":
                    queue.add(key, delay_s=seconds, priority=priority)
                    wished[key] = count
                case "retry":
                    queue.retry(key, priority=priority)
                    wished[key] = count
                case "forget":
                    queue.forget(key)
            await asyncio.sleep(seconds / 3)
        count += 1
        await asyncio.sleep(1000)
        assert len(queue) == 0
        assert all(taken_after.get(key, 0) >= at for key, at in wished.items())
        assert not any(task.done() for task in tasks), "a worker found a key in two places"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(play())
    finally:
        loop.close()
