"""The evidence of one run: samples in, ticks folded, a view out. No task, no socket, no clock.

A segment is a stretch in which nothing changes that would make two samples incomparable: the step,
the weight in force, the version of either arm, what is asked. Counting begins anew with each
segment, so only what happened wholly inside one is evidence. Pods may come and go in it: each
counts from its own first sample on, until it leaves. Called by the follower of a run, which keeps
the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.counters import CounterPolicy
from analysis.release import ReleaseTick, update
from analysis.ticks import Counts, Interval
from analysis.ticks import NoData as MissingTick
from analysis.verdict import assess
from controller.metrics.plans import Source
from controller.metrics.port import Reading, Wanted
from controller.metrics.reports import evidence_column, reports
from controller.runtime.arm_ticks import arm_ticks
from controller.runtime.attendance import Attendance
from controller.runtime.evidence import EvidenceView, Run
from controller.runtime.kept_evidence import rebound, restored
from controller.runtime.questions import Counter, counters_of, source_of
from controller.runtime.samples import SampleBuffer
from controller.runtime.silence import Silence

STALE_SPACINGS = 2.5
"""A series without a sample for so many scrape intervals is silent."""
SPACING_IF_UNKNOWN_S = 10.0
FORGET_S = 300.0
GRACE_TICKS = 3


@dataclass(frozen=True)
class Segment:
    """What must not change between two samples that are compared."""

    step: int
    in_force_since: datetime
    hashes: tuple[str, str]
    asked: tuple[Source, ...]

    @classmethod
    def of(cls, run: Run) -> Segment | None:
        """The segment that a run is in; None while its weight is not in force."""
        if run.in_force_since is None:
            return None
        hashes = (run.canary.hash, run.stable.hash)
        return cls(run.step, run.in_force_since, hashes, run.plan.sources)


class Folding:
    """Evidence of one run, and what is needed to add the next tick to it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._release = restored(run)
        self._samples = SampleBuffer()
        self._counters: dict[str, Counter] = {}
        self._attendance = Attendance()
        self._stale = False
        self._since_s = 0.0
        self._step_began_s = 0.0
        self._ahead_s = 0.0
        self._restart = False
        self._silence = Silence()
        self._view: EvidenceView | None = None
        self.tick_end_s = 0.0
        """End of the last tick that was looked at, folded or dropped."""

    # -- what the run is ------------------------------------------------------------------------

    def update_run(self, run: Run) -> None:
        """Take over a newer run; evidence goes on under a plan that was edited."""
        if run.stable.hash != self.run.stable.hash:
            self._restart = True
        if run.plan.release != self.run.plan.release:
            self._release = rebound(run.plan.release, self._release)
        if run.in_force_since not in (None, self.run.in_force_since):
            self._silence = self._silence.over()
        self.run, self._view = run, None

    def begin(
        self, since_s: float, step_began_s: float, anchor_s: float, ahead_s: float = 0.0
    ) -> None:
        """A new segment: samples from `since_s` on count, ticks begin at `anchor_s`. ahead_s: how
        far these times are ahead of the clock that facts are written with."""
        self._since_s, self._step_began_s, self.tick_end_s = since_s, step_began_s, anchor_s
        self._ahead_s, self._view = ahead_s, None
        self._samples.begin()
        self._attendance = Attendance.of(self.run, anchor_s)
        self._counters = counters_of(self.run.plan)

    # -- samples in, ticks out ------------------------------------------------------------------

    @property
    def lookback_s(self) -> float:
        """How far before a tick its first samples may lie."""
        return STALE_SPACINGS * self._slowest_s

    @property
    def _slowest_s(self) -> float:
        return max(map(self._spacing_s, self._counters), default=self._tick_s)

    @property
    def knows_spacing(self) -> bool:
        """Whether windows have shown how often each target is scraped, and none is late by that."""
        reread = (name for name in self._counters if self._source(name).provider.rereads)
        return not self._stale and all(map(self._samples.knows_spacing, reread))

    def _spacing_s(self, metric: str) -> float:
        source = self._source(metric)
        if source.provider.rereads:
            return self._samples.spacing_s(metric, SPACING_IF_UNKNOWN_S)
        return source.provider.interval_s(source.spec, self._tick_s)

    def _policy(self, metric: str) -> CounterPolicy:
        stale_s = STALE_SPACINGS * self._spacing_s(metric)
        rereads = self._source(metric).provider.rereads
        return CounterPolicy(stale_s, max(FORGET_S, stale_s), interpolate=rereads)

    def _source(self, metric: str) -> Source:
        return source_of(self.run.plan, metric)

    @property
    def _tick_s(self) -> float:
        return self.run.plan.tick_s

    def add(self, answers: Mapping[Wanted, Reading]) -> None:
        """Keep what one look at one source read."""
        for wanted in answers:
            paged = not self._source(wanted.metric).provider.rereads
            self._samples.add(answers, self._since_s, paged=paged)
            return

    def fold_until(self, moment_s: float, most: int | None = None) -> bool:
        """Fold the ticks that have ended by `moment_s`, or the first `most` of them, as far as
        their samples are all there. Whether there was one."""
        self._attendance = self._attendance.at(self.run, moment_s)
        folded = 0
        while folded != most and self.tick_end_s + self._tick_s <= moment_s + 1e-6:
            interval = Interval(self.tick_end_s, self.tick_end_s + self._tick_s)
            if self._waits(interval.end_s, moment_s):
                break
            self.tick_end_s = interval.end_s
            self._fold(interval)
            folded += 1
        self._samples.forget_before(self.tick_end_s - 2 * self.lookback_s - self._tick_s)
        return folded > 0

    def _waits(self, end_s: float, moment_s: float) -> bool:
        """Whether a target that lives will yet be scraped for the first time after `end_s`."""
        self._stale = False
        for name in self._counters:
            if not self._source(name).provider.rereads:
                continue
            patience_s = STALE_SPACINGS * self._spacing_s(name)
            for arm, answered in self._samples.answered(name):
                late = self._attendance.late(arm, answered, end_s)
                if any(moment_s - since_s <= patience_s for since_s in late):
                    return True
                self._stale |= bool(late)
        return False

    def _fold(self, interval: Interval) -> None:
        counts = dict(self._counted(interval))
        if self._still_starting(counts, interval):
            return
        tick = ReleaseTick(
            interval, self.run.step, self.run.share, counts,
            unseen=self._unseen(), restart=self._restart,
            youngest_s=min(self.run.youngest_s, interval.end_s),
        )  # fmt: skip
        self._release = update(self.run.plan.release, self._release, tick)
        self._silence = self._silence.after(counts, interval)
        self._restart, self._view = False, None

    def _counted(self, interval: Interval) -> Iterator[tuple[str, Counts | MissingTick]]:
        for name, counter in self._counters.items():
            rereads = self._source(name).provider.rereads
            arms = arm_ticks(
                self._samples, self._attendance, name, counter, interval, rereads=rereads
            )
            self._counters[name], counts = counter.fold(arms, interval, self._policy(name))
            yield name, counts

    def _unseen(self) -> dict[str, str]:
        """What of the canary each metric was counted without in the newest tick."""
        return {name: one.unseen for name, one in self._counters.items() if one.unseen}

    def _still_starting(
        self, counts: Mapping[str, Counts | MissingTick], interval: Interval
    ) -> bool:
        """Whether nothing is wrong but that a step's first samples are not there yet. Once it has
        a tick, one that cannot be counted is missing, so that no verdict outlives its evidence."""
        if not any(isinstance(one, MissingTick) for one in counts.values()):
            return False
        if int(self._release.step) == self.run.step:
            return False
        grace_s = max(GRACE_TICKS * self._tick_s, 2 * self._slowest_s)
        return interval.end_s <= self._since_s + grace_s and not self._samples.troubles()

    def say_trouble(self) -> bool:
        """Say what the first look of a segment met, which no tick tells yet. Whether it is news."""
        troubles = self._samples.troubles()
        if self._silence.notes or not troubles:
            return False
        self._silence, self._view = self._silence.begun(troubles, self.tick_end_s), None
        return True

    def stall(self, reason: str) -> bool:
        """No tick can be made, for a reason that concerns all metrics. Whether that is news."""
        if self._silence.stalled:
            return False
        reasons = {metric.name: reason for metric in self.run.plan.release.metrics}
        self._silence = self._silence.begun(reasons, self.tick_end_s, stalled=True)
        self._view = None
        return True

    # -- the view -------------------------------------------------------------------------------

    def view(self) -> EvidenceView:
        """The newest evidence; computed once after each tick."""
        if self._view is None:
            self._view = self._viewed()
        return self._view

    def _viewed(self) -> EvidenceView:
        notes, since = self._silence.notes, self._silence.since
        if self.window_end_s is None:
            return EvidenceView(
                self._release, None, (), "", notes, since, attending=self.run.attending
            )
        elapsed_s = max(0.0, self.tick_end_s - self._step_began_s)
        found = assess(
            self.run.plan.release, self._release, step=self.run.step, step_elapsed_s=elapsed_s
        )
        return EvidenceView(
            self._release, found, reports(found), evidence_column(found), notes, since,
            seen_until=datetime.fromtimestamp(self.window_end_s - self._ahead_s, UTC),
            attending=self.run.attending,
        )  # fmt: skip

    @property
    def window_end_s(self) -> float | None:
        """End of the last tick that is in the evidence."""
        return self._release.window_end_s
