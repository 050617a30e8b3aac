"""The evidence of one run: samples in, ticks folded, a view out. No task, no socket, no clock.

A segment is a stretch in which nothing changes that would make two samples incomparable: the step,
the weight in force, the pods of both arms. Counting begins anew with each segment, so only what
happened wholly inside one is evidence. Called by the sampler, which keeps the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from analysis.counters import CounterPolicy
from analysis.release import ReleaseTick, update
from analysis.ticks import Counts, Interval
from analysis.ticks import NoData as MissingTick
from analysis.verdict import assess
from controller.metrics import placeholders
from controller.metrics.counting import BucketCounter, RatioCounter, events_are_part
from controller.metrics.plans import Plan, Source
from controller.metrics.port import ARMS, Reading, Wanted
from controller.metrics.reports import evidence_column, reports
from controller.runtime.evidence import EvidenceView, Run
from controller.runtime.kept_evidence import rebound, restored
from controller.runtime.samples import SampleBuffer
from controller.runtime.silence import Silence

STALE_SPACINGS = 2.5
"""A series without a sample for so many scrape intervals is silent."""
SPACING_IF_UNKNOWN_S = 10.0
FORGET_S = 300.0
GRACE_TICKS = 3

Counter = RatioCounter | BucketCounter


@dataclass(frozen=True)
class Segment:
    """What must not change between two samples that are compared."""

    step: int
    in_force_since: datetime
    arms: tuple[object, ...]

    @classmethod
    def of(cls, run: Run) -> Segment | None:
        """The segment that a run is in; None while its weight is not in force."""
        if run.in_force_since is None:
            return None
        arms = tuple(
            (arm.hash, frozenset((pod.name, pod.ip) for pod in arm.pods))
            for arm in (run.canary, run.stable)
        )
        return cls(run.step, run.in_force_since, arms)


def questions(run: Run, source: Source) -> list[Wanted]:
    """All that one source is asked, for both arms, with placeholders filled."""
    return [
        Wanted(
            metric=one.metric,
            role=one.role,
            arm=arm,
            expression=placeholders.render(one.query, run.scope(arm)),
            pods=run.pods(arm),
            namespace=run.key.namespace,
        )
        for one in source.questions
        for arm in ARMS
    ]


class Folding:
    """Evidence of one run, and what is needed to add the next tick to it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._release = restored(run)
        self._samples = SampleBuffer()
        self._counters: dict[str, Counter] = {}
        self._since_s = 0.0
        self._step_began_s = 0.0
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

    def begin(self, since_s: float, step_began_s: float, anchor_s: float) -> None:
        """A new segment: samples from `since_s` on count, ticks begin at `anchor_s`."""
        self._since_s, self._step_began_s, self.tick_end_s = since_s, step_began_s, anchor_s
        spacing_s = self._samples.spacing_s
        self._samples = SampleBuffer()
        self._samples.spacing_s = spacing_s
        self._counters = _counters(self.run.plan)

    # -- samples in, ticks out ------------------------------------------------------------------

    @property
    def lookback_s(self) -> float:
        """How far before a tick its first samples may lie."""
        return STALE_SPACINGS * self._spacing_s()

    @property
    def knows_spacing(self) -> bool:
        """Whether a window has shown how often the targets are scraped."""
        return self._samples.spacing_s is not None

    def _spacing_s(self) -> float:
        paces = [
            self._samples.spacing_s or SPACING_IF_UNKNOWN_S
            if source.provider.rereads
            else source.provider.interval_s(source.spec, self.run.plan.tick_s)
            for source in self.run.plan.sources
        ]
        return max(paces)

    def add(self, answers: Mapping[Wanted, Reading]) -> None:
        """Keep what one look read."""
        self._samples.add(answers, self._since_s)

    def fold_until(self, moment_s: float) -> bool:
        """Fold every tick that has ended by `moment_s`. Whether there was one."""
        tick_s, folded = self.run.plan.tick_s, False
        while self.tick_end_s + tick_s <= moment_s + 1e-6:
            interval = Interval(self.tick_end_s, self.tick_end_s + tick_s)
            self.tick_end_s = interval.end_s
            self._fold(interval)
            folded = True
        self._samples.forget_before(self.tick_end_s - 2 * self.lookback_s - tick_s)
        return folded

    def _fold(self, interval: Interval) -> None:
        counts = dict(self._counted(interval))
        if self._still_starting(counts, interval):
            return
        tick = ReleaseTick(interval, self.run.step, self.run.share, counts, restart=self._restart)
        self._release = update(self.run.plan.release, self._release, tick)
        self._silence = self._silence.after(counts, interval)
        self._restart, self._view = False, None

    def _counted(self, interval: Interval) -> Iterator[tuple[str, Counts | MissingTick]]:
        policy = CounterPolicy(self.lookback_s, max(FORGET_S, self.lookback_s))
        for name, counter in self._counters.items():
            arms = {
                arm: self._samples.arm(name, counter.roles, arm, part=counter.part) for arm in ARMS
            }
            self._counters[name], counts = counter.fold(arms, interval, policy)
            yield name, counts

    def _still_starting(
        self, counts: Mapping[str, Counts | MissingTick], interval: Interval
    ) -> bool:
        """Whether nothing is wrong but that a segment's first samples are not there yet."""
        if not any(isinstance(one, MissingTick) for one in counts.values()):
            return False
        grace_s = max(GRACE_TICKS * self.run.plan.tick_s, 2 * self._spacing_s())
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
        release, plan, silence = self._release, self.run.plan, self._silence
        if release.window_end_s is None:
            return EvidenceView(release, None, (), "", silence.notes, silence.since)
        elapsed_s = max(0.0, self.tick_end_s - self._step_began_s)
        found = assess(plan.release, release, step=self.run.step, step_elapsed_s=elapsed_s)
        column = evidence_column(found)
        return EvidenceView(release, found, reports(found), column, silence.notes, silence.since)

    @property
    def window_end_s(self) -> float | None:
        """End of the last tick that is in the evidence."""
        return self._release.window_end_s


def _counters(plan: Plan) -> dict[str, Counter]:
    asked = {(q.metric, q.role): q.query for source in plan.sources for q in source.questions}
    return {
        metric.name: BucketCounter(plan.slo_s[metric.name])
        if (metric.name, "histogram") in asked
        else RatioCounter(
            events_are_part(asked[metric.name, "events"], asked[metric.name, "exposures"])
        )
        for metric in plan.release.metrics
    }
