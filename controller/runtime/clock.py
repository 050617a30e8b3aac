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
