"""How long the event loop was kept from its other work, while a test does something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

BEAT_S = 0.005


@asynccontextmanager
async def stalls() -> AsyncIterator[Callable[[], float]]:
    """Gives a function that says the longest CPU time of this thread between two beats.

    CPU time, not wall time: a busy machine is no fault of the code under test.
    """
    longest_s = 0.0

    async def beat() -> None:
        nonlocal longest_s
        while True:
            before_s = time.thread_time()
            await asyncio.sleep(BEAT_S)
            longest_s = max(longest_s, time.thread_time() - before_s)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        yield lambda: longest_s
    finally:
        beating.cancel()
