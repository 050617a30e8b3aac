"""One run is followed: when its next tick is due, what is asked for it, what is said if none comes.

Ticks lie on a grid of wall-clock time, which lets releases share queries and lets a restarted
operator go on from the last tick that it wrote down. What a tick holds is `folding`'s. Called by
the sampler.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from controller.api.meta import Key
from controller.metrics.plans import Source
from controller.metrics.port import Reading, Wanted, Window
from controller.runtime.clock import TickClock
from controller.runtime.evidence import EvidenceView, NoDataNote, Run
from controller.runtime.folding import Folding, Segment
from controller.runtime.kept_evidence import attended
from controller.runtime.questions import questions
from controller.runtime.reading import Reader

MOST_MISSED_TICKS = 360
"""Ticks that a restarted operator reads again; what is older stays missing."""
LEARNING_LOOKBACK_S = 200.0
"""Window of a server that keeps history, as long as a scrape interval is not known or seems to have
changed: shows three samples of targets that are scraped once a minute."""
TICKS_AT_ONCE = 5
"""Ticks that are folded before others have a turn: after a restart there may be hundreds."""
POD_LISTS_S = 5.0
"""The pods of both arms are listed within this, or are not there."""
SILENT_S = 60.0
"""A server that gives nothing for so long may have another time than we think."""
LATE_TICKS = 3
"""Ticks that may fail to come before that is said."""
LOOKBACK_GRID_S = 5.0
"""Windows are rounded up to this, so that releases share queries."""

log = structlog.get_logger(__name__)


class Follower:
    """The task of one run and its times. `folding` has what came of them."""

    def __init__(
        self, run: Run, reader: Reader, clock: TickClock, changed: Callable[[Key], None]
    ) -> None:
        self.folding = Folding(run)
        self.task: asyncio.Task[None] | None = None
        self._reader, self._changed = reader, changed
        self._clock = clock
        self._woken = asyncio.Event()
        self._segment: Segment | None = None
        self._step_began: tuple[int, float] | None = None
        self._last_look_s = -math.inf
        self._told_at = asyncio.get_running_loop().time()
        self._kept_of = attended(run.evidence)
        self._rereads = False
        self._enter(resume=True)

    def view(self) -> EvidenceView:
        """The newest evidence. Where ticks fail to come, it says so: what was seen last is no
        evidence of what happens now."""
        view = self.folding.view()
        silent_s = asyncio.get_running_loop().time() - self._told_at
        if self._segment is None or view.no_data or silent_s <= self._patience_s():
            return view
        reason = f"no tick has come for {silent_s:.0f} s"
        names = (metric.name for metric in self.folding.run.plan.release.metrics)
        notes = tuple(NoDataNote(name, reason) for name in names)
        return replace(
            view, no_data=notes, no_data_since=datetime.fromtimestamp(self.folding.tick_end_s, UTC)
        )

    def _patience_s(self) -> float:
        late_s = self.folding.lookback_s + self._settle_s()
        return LATE_TICKS * self.folding.run.plan.tick_s + late_s

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
        if before is None:
            self._told_at = asyncio.get_running_loop().time()
        if run.in_force_since is None:
            self._step_began = None
            return
        if self._steady and self.folding.window_end_s is not None:
            self._clock.not_before(self.folding.window_end_s)
        now_s = self._time_s()
        ahead_s = self._clock.ahead_s(steady=self._steady)
        in_force_s = min(run.in_force_since.timestamp() + ahead_s, now_s)
        if self._step_began is None or before is None or before.step != run.step:
            self._step_began = (run.step, in_force_s)
        tick_s, end_s = run.plan.tick_s, self.folding.window_end_s
        if resume and end_s is not None and self._can_reread(in_force_s, end_s, now_s):
            self.folding.begin(in_force_s, self._step_began[1], end_s, ahead_s)
            self._last_look_s = end_s
            self._rereads = True
            return
        same_weight = before is not None and before.in_force_since == run.in_force_since
        since_s = now_s if resume or same_weight else in_force_s
        since_s = max(since_s, now_s - tick_s, end_s or 0.0)
        anchor_s = math.ceil(since_s / tick_s - 1e-9) * tick_s
        self.folding.begin(since_s, self._step_began[1], anchor_s, ahead_s)
        self._last_look_s = anchor_s - self._pace_s()

    def _can_reread(self, in_force_s: float, end_s: float, now_s: float) -> bool:
        plan = self.folding.run.plan
        missed = (now_s - end_s) / plan.tick_s
        return (
            in_force_s <= end_s
            and 0 <= missed <= MOST_MISSED_TICKS
            and all(source.provider.rereads for source in plan.sources)
        )

    async def _same_pods(self) -> bool:
        """Whether the pods are those of before the restart: what others did meanwhile, that came or
        went unseen, can be read again for one question and not for the other."""
        for _ in range(round(POD_LISTS_S / 0.5)):
            if all(arm.pods for arm in (self.folding.run.canary, self.folding.run.stable)):
                break
            await asyncio.sleep(0.5)
        return self.folding.run.attending == self._kept_of

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
        if self._rereads and not await self._same_pods():
            self._enter(resume=False)
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
            except Exception as error:  # one run's fault must not end its evidence: look again
                log.exception("look_failed", release=str(self.folding.run.key))
                self._last_look_s = moment_s
                if self.folding.stall(f"the look failed: {error!r}"):
                    self._changed(self.folding.run.key)

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
        before_s = self.folding.window_end_s
        folded = False
        while self.folding.fold_until(moment_s, TICKS_AT_ONCE):
            folded = True
            await asyncio.sleep(0)
            if segment != self._segment:
                return
        if self.folding.window_end_s != before_s:
            self._told_at = asyncio.get_running_loop().time()
        if folded or self.folding.say_trouble():
            self._changed(run.key)
        self._follow_a_mended_clock()

    def _follow_a_mended_clock(self) -> None:
        """A server that has nothing for the times that we ask for, while the machine's clock has
        moved away from ours: it was wrong when we began. The step is as old as before."""
        moved_s, since = self._clock.moved_s(), self.folding.view().no_data_since
        if self._steady or since is None or abs(moved_s) <= self.folding.run.plan.tick_s:
            return
        if self.folding.tick_end_s - since.timestamp() < SILENT_S or self._step_began is None:
            return
        log.warning("clock_mended", release=str(self.folding.run.key), moved_s=round(moved_s))
        self._clock.follow_wall()
        step, began_s = self._step_began
        self._step_began = (step, began_s + moved_s)
        self._enter(resume=False)

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
