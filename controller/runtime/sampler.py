"""Reads both arms of every active run, tick by tick, and keeps the newest evidence of each.

One task for each run, so a slow provider delays its own releases and no others. Ticks lie on a
grid of wall-clock time, which lets releases share queries and lets a restarted operator go on from
the last tick that it wrote down. It decides nothing: after each tick it calls `changed`, and the
reconciler looks. Called by the reconciler (`watch`, `forget`, `evidence`) and the manager.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from controller.api.meta import Key
from controller.metrics.plans import Source
from controller.metrics.port import Pod, Reading, Tools, Wanted, Window
from controller.runtime.clock import Now, TickClock
from controller.runtime.evidence import Arm, EvidenceView, NoDataNote, Run
from controller.runtime.folding import Folding, Segment, questions
from controller.runtime.reading import Reader

__all__ = ["Arm", "EvidenceView", "NoDataNote", "Pod", "Run", "Sampler"]

MOST_MISSED_TICKS = 360
"""Ticks that a restarted operator reads again; what is older stays missing."""
LEARNING_LOOKBACK_S = 150.0
"""First window of a server that keeps history: shows the scrape interval up to a minute."""
LOOKBACK_GRID_S = 5.0
"""Windows are rounded up to this, so that releases share queries."""

log = structlog.get_logger(__name__)


class Sampler:
    """Owns one task for each watched run; an async context manager that ends them all."""

    def __init__(self, tools: Tools, now: Now, changed: Callable[[Key], None]) -> None:
        self._now, self._changed = now, changed
        self._reader = Reader(tools)
        self._followers: dict[str, _Follower] = {}
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
            follower = _Follower(run, self._reader, self._now, self._changed)
            self._followers[run.change_uid] = follower
            follower.task = asyncio.create_task(follower.follow(), name=f"sampler {run.key}")
        elif run != follower.folding.run:
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
        return follower.folding.view() if follower else None


class _Follower:
    """The task of one run and its times."""

    def __init__(self, run: Run, reader: Reader, now: Now, changed: Callable[[Key], None]) -> None:
        self.folding = Folding(run)
        self.task: asyncio.Task[None] | None = None
        self._reader, self._changed = reader, changed
        self._clock = TickClock(now)
        self._woken = asyncio.Event()
        self._segment: Segment | None = None
        self._step_began: tuple[int, float] | None = None
        self._last_look_s = -math.inf
        self._enter(resume=True)

    # -- segments -------------------------------------------------------------------------------

    def update_run(self, run: Run) -> None:
        """Take over a newer run; another segment drops the tick in hand."""
        self.folding.update_run(run)
        if Segment.of(run) != self._segment:
            self._enter(resume=False)
            self._woken.set()

    def _enter(self, *, resume: bool) -> None:
        run = self.folding.run
        before, self._segment = self._segment, Segment.of(run)
        if run.in_force_since is None:
            self._step_began = None
            return
        if self._steady and self.folding.window_end_s is not None:
            self._clock.not_before(self.folding.window_end_s)
        now_s = self._time_s()
        in_force_s = min(run.in_force_since.timestamp() + self._clock.lead_s, now_s)
        if self._step_began is None or before is None or before.step != run.step:
            self._step_began = (run.step, in_force_s)
        tick_s, end_s = run.plan.tick_s, self.folding.window_end_s
        if resume and end_s is not None and self._can_reread(in_force_s, end_s, now_s):
            self.folding.begin(in_force_s, self._step_began[1], end_s)
            self._last_look_s = end_s
            return
        same_weight = before is not None and before.in_force_since == run.in_force_since
        since_s = now_s if resume or same_weight else in_force_s
        since_s = max(since_s, now_s - tick_s, end_s or 0.0)
        anchor_s = math.ceil(since_s / tick_s - 1e-9) * tick_s
        self.folding.begin(since_s, self._step_began[1], anchor_s)
        self._last_look_s = anchor_s - self._pace_s()

    def _can_reread(self, in_force_s: float, end_s: float, now_s: float) -> bool:
        plan = self.folding.run.plan
        missed = (now_s - end_s) / plan.tick_s
        return (
            in_force_s <= end_s
            and 0 <= missed <= MOST_MISSED_TICKS
            and all(source.provider.rereads for source in plan.sources)
        )

    # -- time -----------------------------------------------------------------------------------

    @property
    def _steady(self) -> bool:
        return not any(s.provider.rereads for s in self.folding.run.plan.sources)

    def _time_s(self) -> float:
        return self._clock.time_s(steady=self._steady)

    def _pace_s(self) -> float:
        """Seconds between two looks: a whole part of a tick."""
        plan = self.folding.run.plan
        shortest = min(s.provider.interval_s(s.spec, plan.tick_s) for s in plan.sources)
        return plan.tick_s / max(1, math.ceil(plan.tick_s / shortest - 1e-9))

    def _settle_s(self) -> float:
        return max(s.provider.settle_s(s.spec) for s in self.folding.run.plan.sources)

    def _next_look_s(self) -> float:
        """The next moment of the grid; those that were slept through are left out."""
        pace_s = self._pace_s()
        ripe_s = math.floor((self._time_s() - self._settle_s()) / pace_s + 1e-9) * pace_s
        following = round(self._last_look_s / pace_s) * pace_s + pace_s
        return max(following, ripe_s)

    # -- the task -------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Look, fold, tell, until cancelled."""
        while True:
            self._woken.clear()
            if self._segment is None:
                await self._woken.wait()
                continue
            moment_s = self._next_look_s()
            delay_s = moment_s + self._settle_s() - self._time_s()
            longest_s = 2 * self.folding.run.plan.tick_s + self._settle_s()
            if delay_s > longest_s:
                self._clock_went_back(delay_s)
            if await self._woken_before(min(delay_s, longest_s)) or delay_s > longest_s:
                continue
            try:
                await self._look(moment_s)
            except Exception:  # one run's fault must not end its evidence: say so, look again
                log.exception("look_failed", release=str(self.folding.run.key))
                self._last_look_s = moment_s

    def _clock_went_back(self, delay_s: float) -> None:
        """No tick may be counted twice, so none is made until time has caught up; that is said."""
        if self.folding.stall(f"the clock went back: the next tick is {delay_s:.0f} s away"):
            self._changed(self.folding.run.key)

    async def _woken_before(self, delay_s: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, delay_s)):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def _look(self, moment_s: float) -> None:
        run, segment = self.folding.run, self._segment
        answers = await asyncio.gather(
            *(self._read(run, source, moment_s) for source in run.plan.sources)
        )
        if segment != self._segment:
            return
        if moment_s - self.folding.tick_end_s > MOST_MISSED_TICKS * run.plan.tick_s:
            self._enter(resume=False)
            return
        self._last_look_s = moment_s
        for answer in answers:
            self.folding.add(answer)
        if self.folding.fold_until(moment_s) or self.folding.say_trouble():
            self._changed(run.key)

    async def _read(self, run: Run, source: Source, moment_s: float) -> dict[Wanted, Reading]:
        window = Window(self._window_start_s(source, moment_s), moment_s)
        return dict(await self._reader.read(source, questions(run, source), window))

    def _window_start_s(self, source: Source, moment_s: float) -> float:
        if not source.provider.rereads:
            return moment_s - self._pace_s()
        folding = self.folding
        lookback_s = folding.lookback_s if folding.knows_spacing else LEARNING_LOOKBACK_S
        first_s = min(folding.tick_end_s, self._last_look_s) - lookback_s
        return moment_s - math.ceil((moment_s - first_s) / LOOKBACK_GRID_S) * LOOKBACK_GRID_S
