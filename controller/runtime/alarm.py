"""Containment that does not wait for a worker: a look that is late is done here, as far as it takes
traffic away.

A worker may stand in a slow write of the same Rollout, or all may stand in those of others. What
may be harm or a person's Abort is therefore heard here as well: if no look has come a moment later,
one is taken apart from the workers. In the ordinary case nothing is done twice. Called by the
manager; what a look sees and what it takes away is the reconciler's part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from controller.api.meta import Key
from controller.kube.port import ApiError
from controller.runtime.acts.writer import NotLeading
from controller.runtime.clock import Now

log = structlog.get_logger(__name__)

PATIENCE_S = 0.25
"""A look that comes within this is in time: workers that are free begin within milliseconds."""


class Alarm:
    """Hears what may be urgent; `run` it in a task of its own."""

    def __init__(
        self,
        contain: Callable[[Key], Awaitable[None]],
        looked_at: Callable[[Key], datetime | None],
        now: Now,
        armed: Callable[[], bool],
    ) -> None:
        """`looked_at` says when a Rollout was last looked at; `armed`, whether we may write."""
        self._contain, self._looked_at = contain, looked_at
        self._now, self._armed = now, armed
        self._heard: asyncio.Queue[tuple[float, datetime, Key]] = asyncio.Queue()
        self._acting: set[Key] = set()

    def hear(self, key: Key) -> None:
        """New evidence, or a command: somebody should look by now."""
        if self._armed():
            due = asyncio.get_running_loop().time() + PATIENCE_S
            self._heard.put_nowait((due, self._now(), key))

    async def run(self) -> None:
        """Acts on looks that are late, for ever."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                due, since, key = await self._heard.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if self._late(key, since):
                    self._acting.add(key)
                    group.create_task(self._act(key), name=f"alarm {key}")

    def _late(self, key: Key, since: datetime) -> bool:
        if key in self._acting or not self._armed():
            return False
        looked_at = self._looked_at(key)
        return looked_at is None or looked_at < since

    async def _act(self, key: Key) -> None:
        try:
            await self._contain(key)
        except NotLeading:
            pass
        except ApiError as error:
            log.warning("late look refused", release=str(key), error=str(error))
            self.hear(key)
        except Exception:  # one key's bug must not end the watch over the others
            log.exception("late look failed", release=str(key))
        finally:
            self._acting.discard(key)
