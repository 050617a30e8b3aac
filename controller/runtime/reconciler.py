"""One look at one Rollout: gather, decide, write ahead, act. The only place where they meet.

Order of writes: what takes traffic away first (it may never wait), then the Change's status, then
the Rollout's, then the other intents. A crash between any two is healed by the next look, because
every intent is safe to repeat and the statuses say what was meant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from controller.api.meta import Key
from controller.core.actions import Contain
from controller.core.decision import Decision
from controller.core.observed import Block, HoldMode, Observed
from controller.core.plan import plan
from controller.core.reasons import Reason
from controller.core.run import phase, running, stable_of
from controller.kube.port import Forbidden, Invalid, Malformed
from controller.kube.queue import Priority, WorkQueue
from controller.runtime.act import carry_out, take_away
from controller.runtime.acts.writer import Writer
from controller.runtime.announce import Announcer
from controller.runtime.clock import Now
from controller.runtime.evidence import Run
from controller.runtime.evidence_facts import to_evidence
from controller.runtime.facts import last_hold_mode, observe
from controller.runtime.judgement import Judgement
from controller.runtime.last_good import LastGood
from controller.runtime.ledger import Ledger
from controller.runtime.objects import Objects, look, touched
from controller.runtime.pods import StablePods
from controller.runtime.runs import current_run
from controller.runtime.sampler import Sampler
from controller.runtime.world import World

T = TypeVar("T")
log = structlog.get_logger(__name__)

BREATH_S = 0.005
"""Least time between two looks that nothing but ourselves asked for: a clock that rounds a deadline
down must not make a loop without pause."""
OVERDUE_S = 1.0
"""Look again after this when a deadline has passed and nothing followed from it."""
PATROL_S = 5.0
"""A run under way is looked at this often even if no event and no nearer deadline asks for it: a
lost event may cost seconds, never a release that hangs; and what stands still is seen to."""
CATCH_UP_S = 0.5
"""Look again after this when a cache is behind our own write; its event usually comes first."""


@dataclass(frozen=True)
class Look:
    """What one look saw and decided; for the live view, `explain` and tests."""

    observed: Observed
    decision: Decision
    at: datetime


class Reconciler:
    """Looks at Rollouts; owns no task and no clock."""

    def __init__(
        self,
        world: World,
        writer: Writer,
        sampler: Sampler,
        stable_pods: StablePods,
        announcer: Announcer,
        queue: WorkQueue[Key],
        now: Now,
        *,
        acting_since: Callable[[], datetime],
        hold_mode: Callable[[], HoldMode | None],
        status_interval_s: float,
    ) -> None:
        self._world, self._writer, self._sampler = world, writer, sampler
        self._stable_pods, self._announcer = stable_pods, announcer
        self._queue, self._now = queue, now
        self._acting_since, self._hold_mode = acting_since, hold_mode
        self._judgement = Judgement(world.plugins)
        self._ledger = Ledger(writer, status_interval_s)
        self._last_good = LastGood(world, writer.cluster)
        self._followed: dict[Key, str] = {}
        """The Change whose run is read, by its uid: it may vanish together with its object."""
        self._refused: dict[Key, str] = {}
        """What the API server said as it refused the last writes: the next look tells it."""
        self.looks: dict[Key, Look] = {}

    async def reconcile(self, key: Key) -> None:
        """One look; raises what the server answered, and the queue backs off."""
        rollout, wrong = self._last_good.of(key)
        if wrong is not None:
            self._announcer.malformed(key, wrong)
            rollout = rollout or await self._last_good.rebuild(wrong)
        if rollout is None:
            if wrong is not None:
                await self._ledger.refuse(key, wrong)
            else:
                self._forget(key)
            return
        objects = look(self._world, rollout)
        observed = self._observe(objects, wrong)
        now = self._now()
        decision = plan(observed, now)
        self.looks[key] = Look(observed, decision, now)
        behind = self._behind(objects)  # asked before our own patch makes the route's cache so
        refused = await take_away(self._writer, objects, decision)
        if behind:
            self._queue.add(key, delay_s=CATCH_UP_S, priority=Priority.URGENT)
            return
        if await self._ledger.write(observed, decision, now):
            self._last_good.wrote(key, decision.rollout_status)
        self._announcer.announce(observed, decision)
        await self._act(key, objects, decision)
        if refused is not None:
            raise refused
        self._wake(key, decision, now, under_way=running(observed) is not None)

    async def _act(self, key: Key, objects: Objects, decision: Decision) -> None:
        try:
            await carry_out(self._writer, objects, decision)
        except (Forbidden, Invalid) as error:
            self._refused[key] = str(error)
            raise
        self._refused.pop(key, None)

    async def contain(self, key: Key) -> None:
        """Only what takes traffic away, and only if harm or a person asks for it: the part of a
        look that may not wait for a worker. The next look finds it done, and records it."""
        rollout, wrong = self._last_good.of(key)
        if rollout is None:
            return
        objects = look(self._world, rollout)
        decision = plan(self._observe(objects, wrong), self._now())
        if any(isinstance(intent, Contain) for intent in decision.away):
            await take_away(self._writer, objects, decision)

    def looked_at(self, key: Key) -> datetime | None:
        """When the newest look at a Rollout was decided."""
        known = self.looks.get(key)
        return known.at if known else None

    # -- observe --------------------------------------------------------------------------------

    def _observe(self, objects: Objects, wrong: Malformed | None) -> Observed:
        blocks = self._judged(objects, lambda: self._judgement.blocks(objects))
        blocks = (blocks,) if isinstance(blocks, Block) else blocks
        if wrong is not None:
            blocks = (Block(Reason.INVALID, wrong.problem), *blocks)
        bare = observe(
            objects,
            blocks=(*self._world.unseen({r.kind for r in objects.routes}), *blocks),
            # Not known yet: as it was. Unknown of old too: doubt never releases.
            hold_mode=self._hold_mode() or last_hold_mode(objects.rollout) or HoldMode.ALWAYS,
            acting_since=self._acting_since(),
        )
        refused = self._refused.get(objects.rollout.key, "")
        bare = dataclasses.replace(bare, refused=refused)
        change = running(bare)
        key = objects.rollout.key
        if change is None:
            self._stop_sampling(key)
            return bare
        if self._followed.get(key) != change.metadata.uid:
            self._stop_sampling(key)
            self._followed[key] = change.metadata.uid
        stable = self._stable_pods.of(key, stable_of(bare).hash) if phase(bare) else ()
        run = self._judged(objects, lambda: current_run(bare, objects, self._judgement, stable))
        if isinstance(run, Run):
            self._sampler.watch(run)
        elif run is not None:
            why = run if isinstance(run, Block) else Block(Reason.ANALYSIS_MISSING, str(run))
            bare = dataclasses.replace(bare, blocks=(*bare.blocks, why))
        else:
            return bare
        # Also where the plan cannot be made any more: the last one goes on to look for harm.
        view = self._sampler.evidence(change.metadata.uid)
        return dataclasses.replace(bare, evidence=to_evidence(view))

    def _judged(self, objects: Objects, ask: Callable[[], T]) -> T | Block:
        """A fault in what plans the analysis holds the release, and keeps no other rule from it."""
        try:
            return ask()
        except Exception as error:
            log.exception("judgement failed", release=str(objects.rollout.key))
            text = f"the analysis cannot be planned, which is a fault of ours: {error!r}"
            return Block(Reason.ANALYSIS_MISSING, text)

    def stand_down(self) -> None:
        """Another leads, and writes evidence of its own: ours goes, and the pods are left alone.
        Whoever leads again goes on from what stands in the Changes then."""
        for key in list(self._followed):
            self._stop_sampling(key)
        self.looks.clear()

    def _stop_sampling(self, key: Key) -> None:
        self._stable_pods.forget(key)
        if (change_uid := self._followed.pop(key, None)) is not None:
            self._sampler.forget(change_uid)
            self._judgement.forget(change_uid)

    def _forget(self, key: Key) -> None:
        self._stop_sampling(key)
        self._announcer.gone(key)
        self._ledger.forget(key)
        self._last_good.forget(key)
        self.looks.pop(key, None)
        self._refused.pop(key, None)
        self._queue.forget(key)

    def _behind(self, o: Objects) -> bool:
        """Whether a cache does not show yet what we wrote: a decision would repeat it."""
        return self._world.stale((str(resource), key) for resource, key in touched(o))

    def _wake(self, key: Key, d: Decision, now: datetime, *, under_way: bool) -> None:
        self._queue.forget(key)
        if d.again:
            self._queue.add(key, delay_s=BREATH_S)
        elif d.wake_at is not None:
            wait_s = (d.wake_at - now).total_seconds()
            self._queue.add(key, delay_s=max(BREATH_S, wait_s) if wait_s > 0 else OVERDUE_S)
        if under_way:
            self._queue.add(key, delay_s=PATROL_S)
