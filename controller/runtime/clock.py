"""Time, as the shell hands it to the core: aware UTC for facts, the loop's clock for waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]
"""Gives an aware UTC time; a fact to be written down, never a measure of a wait."""


def system_now() -> datetime:
    """The machine's UTC time."""
    return datetime.now(UTC)


def steady_now() -> Now:
    """The machine's UTC time when this was called, moved on by the loop's clock ever since.

    A wall clock that jumps in mid-run can then neither end a watch early nor stretch a deadline.
    """
    return loop_now(system_now())


def loop_now(epoch: datetime) -> Now:
    """A wall clock that moves with the running loop: virtual when the loop's time is virtual."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return lambda: epoch + timedelta(seconds=loop.time() - start)


class TickClock:
    """Wall-clock seconds for ticks.

    `steady`: moves with the loop's monotonic clock from where the wall clock stood, so a jump of
    the wall clock neither skips nor repeats a tick. A server's samples carry the server's time, so
    what is read from one follows the wall clock.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._offset_s = now().timestamp() - asyncio.get_running_loop().time()
        self.lead_s = 0.0
        """How far the steady time is ahead of the one that facts are written with."""

    def not_before(self, moment_s: float) -> None:
        """Let the steady time be that late at least: evidence may have been written by an operator
        whose wall clock was ahead of ours, and ticks of pods need only go on from there."""
        ahead_s = max(0.0, moment_s - self.time_s(steady=True))
        self._offset_s += ahead_s
        self.lead_s += ahead_s

    def time_s(self, *, steady: bool) -> float:
        """The moment now, on one of the two clocks."""
        if not steady:
            return self._now().timestamp()
        return asyncio.get_running_loop().time() + self._offset_s
