"""A few threads for blocking calls, shared so that slow servers cannot take them all.

Each lane (one server) may hold a part of the threads; a call that finds its lane full waits for it,
and that wait counts against its deadline. A call past its deadline is given up by its caller, but
its lane stays taken until the thread is really back; from then on until one call comes back in time
the lane may try one at a time. Called by `runtime.tools` for plug-ins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

THREADS = 32
PER_LANE = 4


class _Lane:
    """The calls to one server."""

    def __init__(self, width: int) -> None:
        self.places, self.trial = asyncio.Semaphore(width), asyncio.Semaphore(1)
        self.hangs = False
        self.calls = 0
        """In a thread, or waiting for one."""


class Threads:
    """The threads; use `close` when done with them."""

    def __init__(self, threads: int = THREADS, per_lane: int = PER_LANE) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="metrics")
        self._per_lane = per_lane
        self._lanes: dict[str, _Lane] = {}
        """Those with calls, and those that hang."""

    async def run(self, lane: str, call: Callable[[], Any], deadline_s: float) -> Any:
        """What `call()` gives, run in a thread; TimeoutError when it takes longer in all."""
        mine = self._lanes.setdefault(lane, _Lane(self._per_lane))
        mine.calls += 1
        taken: list[asyncio.Semaphore] = []
        work: Future[Any] | None = None
        try:
            async with asyncio.timeout(deadline_s):
                for place in (mine.trial, mine.places) if mine.hangs else (mine.places,):
                    await place.acquire()
                    taken.append(place)
                work = self._pool.submit(call)
                # Its caller gone, one that waits for a thread is never run, and a running one ends
                # unheard.
                answer = await asyncio.wrap_future(work)
            mine.hangs = False
            return answer
        except TimeoutError:
            mine.hangs = mine.hangs or (work is not None and work.running())
            raise
        finally:
            self._leave(lane, taken, work)

    def _leave(self, lane: str, taken: list[asyncio.Semaphore], work: Future[Any] | None) -> None:
        """The places go with the caller, unless a thread is still at work in them."""
        if work is None or not work.running():
            self._free(lane, taken)
            return
        loop = asyncio.get_running_loop()

        def back(_: Future[Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._free, lane, taken)

        work.add_done_callback(back)

    def _free(self, lane: str, taken: list[asyncio.Semaphore]) -> None:
        mine = self._lanes[lane]
        for place in taken:
            place.release()
        mine.calls -= 1
        if not (mine.calls or mine.hangs):
            del self._lanes[lane]

    def close(self) -> None:
        """Take no more calls; threads end when their calls do."""
        self._pool.shutdown(wait=False, cancel_futures=True)
