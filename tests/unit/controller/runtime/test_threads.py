"""Threads for blocking calls: deadlines, and lanes that cannot take them all."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from controller.runtime.threads import Threads


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def test_a_call_gives_its_result_or_raises_what_it_raised() -> None:
    threads = Threads()
    assert await threads.run("a", lambda: 7, 5.0) == 7
    with pytest.raises(KeyError):
        await threads.run("a", lambda: {}["x"], 5.0)
    threads.close()


async def test_a_call_past_its_deadline_keeps_its_lane_and_no_other(gate: threading.Event) -> None:
    threads = Threads(threads=2, per_lane=1)
    with pytest.raises(TimeoutError):
        await threads.run("stuck", gate.wait, 0.05)
    with pytest.raises(TimeoutError):
        await threads.run("stuck", lambda: 1, 0.05)
    assert await threads.run("other", lambda: 2, 5.0) == 2
    gate.set()
    assert await threads.run("stuck", lambda: 3, 5.0) == 3
    threads.close()


async def test_a_caller_that_is_cancelled_frees_its_place_when_the_call_ends(
    gate: threading.Event,
) -> None:
    threads = Threads(threads=2, per_lane=1)
    began = threading.Event()

    def call() -> None:
        began.set()
        gate.wait()
        raise OSError("nobody hears this")

    task = asyncio.create_task(threads.run("a", call, 5.0))
    await asyncio.to_thread(began.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    assert await threads.run("a", lambda: 4, 5.0) == 4
    threads.close()


async def test_a_server_that_hangs_is_tried_by_one_call_at_a_time(gate: threading.Event) -> None:
    threads = Threads(threads=4, per_lane=2)
    ran = []

    def hang() -> None:
        ran.append(1)
        gate.wait()

    async def ask(times: int) -> None:
        calls = (threads.run("stuck", hang, 0.05) for _ in range(times))
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(end, TimeoutError) for end in ends)

    await ask(2)
    gate.set()
    await threads.run("other", lambda: 1, 5.0)
    gate.clear()
    ran.clear()
    await ask(4)
    assert len(ran) == 1
    gate.set()
    assert await threads.run("stuck", lambda: 3, 5.0) == 3
    gate.clear()
    ran.clear()
    await ask(2)
    assert len(ran) == 2
    threads.close()


async def test_servers_that_hang_leave_threads_for_the_others(gate: threading.Event) -> None:
    threads = Threads(threads=8, per_lane=4)

    async def look(lane: str) -> None:
        calls = (threads.run(lane, gate.wait, 0.05) for _ in range(8))
        await asyncio.gather(*calls, return_exceptions=True)

    lanes = [f"stuck {number}" for number in range(6)]
    for lane in lanes:
        await look(lane)
        gate.set()
        await threads.run("well", lambda: 5, 5.0)
        gate.clear()
    for lane in lanes:
        await look(lane)
    assert await threads.run("well", lambda: 5, 5.0) == 5
    gate.set()
    threads.close()


async def test_a_call_that_nobody_waits_for_any_more_is_not_begun(gate: threading.Event) -> None:
    threads = Threads(threads=1, per_lane=4)
    ran = []
    first = asyncio.create_task(threads.run("a", gate.wait, 5.0))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await threads.run("b", lambda: ran.append(1), 0.05)
    gate.set()
    await first
    assert await threads.run("b", lambda: 6, 5.0) == 6
    assert ran == []
    threads.close()
