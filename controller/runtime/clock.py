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


def loop_now(epoch: datetime) -> Now:
    """A wall clock that moves with the running loop: virtual when the loop's time is virtual."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return lambda: epoch + timedelta(seconds=loop.time() - start)
