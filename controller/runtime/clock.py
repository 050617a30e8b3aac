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
    """Seconds for ticks, on one of two clocks; both go on from `now`, so a wall clock that jumps
    neither skips nor repeats a tick.

    `steady`: the loop's monotonic clock, for what is read from pods. The other is for servers,
    whose samples carry the server's time: should the machine's clock have been wrong when we began,
    `follow_wall` takes it over as it was mended.
    """

    def __init__(self, now: Now, wall: Now) -> None:
        """now: what facts are written with. wall: the machine's clock, jumps and all."""
        self._now, self._wall = now, wall
        self._offset_s = now().timestamp() - asyncio.get_running_loop().time()
        self._lead_s = 0.0
        self._mended_s = 0.0

    def ahead_s(self, *, steady: bool) -> float:
        """How far one of the two clocks is ahead of the one that facts are written with."""
        return self._lead_s if steady else self._mended_s

    def moved_s(self) -> float:
        """How far the machine's clock is ahead of the one for servers."""
        return self._wall().timestamp() - self.time_s(steady=False)

    def follow_wall(self) -> None:
        """The clock for servers is the machine's from here on."""
        self._mended_s += self.moved_s()

    def not_before(self, moment_s: float) -> None:
        """Let the steady time be that late at least: evidence may have been written by an operator
        whose wall clock was ahead of ours, and ticks of pods need only go on from there."""
        ahead_s = max(0.0, moment_s - self.time_s(steady=True))
        self._offset_s += ahead_s
        self._lead_s += ahead_s

    def time_s(self, *, steady: bool) -> float:
        """The moment now, on one of the two clocks."""
        if not steady:
            return self._now().timestamp() + self._mended_s
        return asyncio.get_running_loop().time() + self._offset_s
