"""A few threads for blocking calls, shared so that one slow server cannot take them all.

Each lane (one server) may hold a part of the threads; a call that finds its lane full waits for it,
and that wait counts against its deadline. A call past its deadline is given up by its caller, but
its lane stays taken until the thread is really back. Called by `runtime.tools` for plug-ins.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 16
PER_LANE = 4


class Threads:
    """The threads; use `close` when done with them."""

    def __init__(self, threads: int = THREADS, per_lane: int = PER_LANE) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="metrics")
        self._per_lane = per_lane
        self._lanes: weakref.WeakValueDictionary[str, asyncio.Semaphore] = (
            weakref.WeakValueDictionary()
        )

    async def run(self, lane: str, call: Callable[[], Any], deadline_s: float) -> Any:
        """What `call()` gives, run in a thread; TimeoutError when it takes longer in all."""
        async with asyncio.timeout(deadline_s):
            place = self._lane(lane)
            await place.acquire()
            work = asyncio.get_running_loop().run_in_executor(self._pool, call)
            work.add_done_callback(lambda done: _leave(place, done))
            return await asyncio.shield(work)

    def _lane(self, lane: str) -> asyncio.Semaphore:
        place = self._lanes.get(lane)
        if place is None:
            place = self._lanes[lane] = asyncio.Semaphore(self._per_lane)
        return place

    def close(self) -> None:
        """Take no more calls; threads end when their calls do."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _leave(place: asyncio.Semaphore, done: asyncio.Future[Any]) -> None:
    place.release()
    if not done.cancelled():
        done.exception()  # seen here, as its caller may have left at the deadline
