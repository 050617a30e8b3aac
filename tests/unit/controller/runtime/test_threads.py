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
