"""Reads both arms of every active run, tick by tick, and keeps the newest evidence of each.

One task for each run (`follower`), so a slow provider delays its own releases and no others. It
decides nothing: after each tick it calls `changed`, and the reconciler looks. Called by the
reconciler (`watch`, `forget`, `evidence`) and the manager.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from controller.api.meta import Key
from controller.metrics.port import Pod, Tools
from controller.runtime.clock import Now, TickClock
from controller.runtime.evidence import Arm, EvidenceView, NoDataNote, Run
from controller.runtime.follower import Follower
from controller.runtime.reading import Reader

__all__ = ["Arm", "EvidenceView", "NoDataNote", "Pod", "Run", "Sampler"]


class Sampler:
    """Owns one task for each watched run; an async context manager that ends them all."""

    def __init__(
        self, tools: Tools, now: Now, changed: Callable[[Key], None], *, wall: Now | None = None
    ) -> None:
        """now: what facts are written with. wall: the machine's clock; None: it is the same."""
        self._now, self._wall, self._changed = now, wall or now, changed
        self._reader = Reader(tools)
        self._followers: dict[str, Follower] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for uid in list(self._followers):
            self.forget(uid)
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._reader.close()

    def watch(self, run: Run) -> None:
        """Follow a run, or take over how it stands now. An equal run changes nothing."""
        follower = self._followers.get(run.change_uid)
        if follower is None:
            clock = TickClock(self._now, self._wall)
            follower = Follower(run, self._reader, clock, self._changed)
            self._followers[run.change_uid] = follower
            follower.task = asyncio.create_task(follower.follow(), name=f"sampler {run.key}")
        elif (run := run.until_in_force(follower.folding.run)) != follower.folding.run:
            follower.update_run(run)

    def forget(self, change_uid: str) -> None:
        """The run is over. Unknown uids are fine."""
        follower = self._followers.pop(change_uid, None)
        if follower is not None and follower.task is not None:
            follower.task.cancel()
            self._ending.add(follower.task)
            follower.task.add_done_callback(self._ending.discard)

    def evidence(self, change_uid: str) -> EvidenceView | None:
        """The newest evidence of a run; None for one that is not watched."""
        follower = self._followers.get(change_uid)
        return follower.view() if follower else None
