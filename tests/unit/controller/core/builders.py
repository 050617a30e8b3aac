"""Observed values that read like the domain: `release().stepping(2).verdict("STEP_UP").observed()`.

Each phase comes as it looks when all is well in it; what a test is about is then said on top. Steps
are counted from 1, as people see them (`2/4`). Times are minutes before `NOW`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from msgspec.structs import replace as changed

from controller.api import rollout as api
from controller.api.change import Change, ChangeSpec, ChangeStatus, Plan, Version
from controller.api.mark import Mark
from controller.api.meta import Condition, ObjectMeta
from controller.api.names import FINALIZER
from controller.core.ladder import canary_pods
from controller.core.observed import (
    Block,
    Canary,
    Command,
    Evidence,
    Floor,
    HoldMode,
    Observed,
    ReplicaSetFact,
    Traffic,
    Verdict,
    Workload,
)
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
UID = "uid-change"
DEPLOYMENT = "uid-deployment"
STABLE, TARGET, NEWER = "5table00", "7arget00", "9ewer000"
"""Digests of the template that serves, of the one proposed, and of an edit after it."""
CHANGE = "checkout-7arget00"
WEIGHTS = (1.0, 5.0, 25.0, 50.0)
STABLE_SET, TARGET_SET, OLD_SET = "checkout-s", "checkout-t", "checkout-o"
HOLDBACK = 2.0


def ago(minutes: float) -> datetime:
    """That many minutes before NOW; negative ones lie ahead."""
    return NOW - timedelta(minutes=minutes)


def release() -> Release:
    """A proposal that nobody has started yet: four pods, a route, steps 1, 5, 25 and 50%."""
    return Release()


class Release:
    """One Rollout with everything around it; every method says one fact and gives itself back."""

    def __init__(self) -> None:
        spec = change_spec()
        self.o = Observed(
            rollout=_rollout(),
            workload=Workload(
                uid=DEPLOYMENT, digest=TARGET, adopted=True, paused=True, replicas=4,
                rolling=False, complete=False, sets=(_set(STABLE_SET, STABLE, 4),),
            ),
            change=Change(
                metadata=ObjectMeta(
                    name=CHANGE, namespace="shop", uid=UID, creation_timestamp=ago(60)
                ),
                spec=spec,
                status=ChangeStatus(phase=Phase.PROPOSED.value, entered_at=ago(1)),
            ),
            proposal=spec,
            proposal_name=CHANGE,
            traffic=Traffic(routed=True),
            revision_kept=True,
        )  # fmt: skip

    def observed(self) -> Observed:
        """What `plan` is asked about."""
        return self.o

    # -- phases ---------------------------------------------------------------------------------

    def proposed(self) -> Self:
        return self.status(phase=Phase.PROPOSED.value)

    def stepping(self, step: int) -> Self:
        """On this rung, its weight in force for a minute, no verdict yet."""
        self.status(phase=Phase.STEPPING.value, step=step - 1, steps=4, started_at=ago(30))
        return self._carrying(WEIGHTS[step - 1])

    def shifting(self) -> Self:
        self.status(phase=Phase.SHIFTING.value, step=3, steps=4)
        return self._carrying(100 - HOLDBACK, pods=4)

    def watching(self) -> Self:
        self.status(phase=Phase.WATCHING.value, step=3, steps=4)
        return self._carrying(100 - HOLDBACK, pods=4)

    def absorbing(self, new_ready: int = 2) -> Self:
        """All traffic on the full canary, the rolling update under way."""
        self.status(phase=Phase.ABSORBING.value, step=3, steps=4)
        self._carrying(100, pods=4).no_evidence().not_in_force()
        sets = (_set(STABLE_SET, STABLE, 4 - new_ready), _set(TARGET_SET, TARGET, new_ready))
        return self.workload(paused=False, rolling=True, sets=sets)

    def settling(self) -> Self:
        """Absorbed; the route still gives all traffic to the canary."""
        self.absorbing(4).workload(rolling=False, complete=True)
        return self.status(phase=Phase.SETTLING.value, outcome=Outcome.PROMOTED.value)

    def reverting(self, stable_ready: int = 2) -> Self:
        """An absorb that is undone; paused again, stable refills."""
        self.absorbing()._going_back(Phase.REVERTING)
        full = ReplicaSetFact(STABLE_SET, "aaa", STABLE, 4, stable_ready, marked_stable=True)
        return self.workload(paused=True, sets=(full, _set(TARGET_SET, TARGET, 0)))

    def retreating(self) -> Self:
        """Contained: weight 0 with the mark, in force, the canary still there."""
        return self.stepping(2)._going_back(Phase.RETREATING).marked().weight(0).no_evidence()

    def finished(self, outcome: Outcome) -> Self:
        """Over, and nothing of the canary is left."""
        self.no_canary().weight(0).no_evidence()
        return self.status(
            phase=Phase.FINISHED.value, outcome=outcome.value, finished_at=ago(5),
            message="it ended",
        )  # fmt: skip

    def at_rest(self) -> Self:
        """Nothing was ever proposed."""
        self.no_change().no_canary().workload(digest=STABLE, paused=False, complete=True)
        self.o = replace(self.o, proposal=None)
        return self.rollout_status(change="")

    def promoted(self) -> Self:
        """The last Change is stable; nothing is proposed."""
        self.finished(Outcome.PROMOTED).workload(paused=False, complete=True)
        self.o = replace(self.o, proposal=None)
        return self.sets(_set(TARGET_SET, TARGET, 4))

    def _going_back(self, phase: Phase) -> Self:
        return self.status(
            phase=phase.value, outcome=Outcome.ROLLED_BACK.value, in_force_since=None,
            reason=Reason.HARM_FOUND.value, message="harm",
        )  # fmt: skip

    def _carrying(self, weight: float, pods: int | None = None) -> Self:
        self.status(entered_at=ago(2), in_force_since=ago(1))
        self.weight(weight).verdict("HOLD")
        return self.canary(ready=canary_pods(weight, 4, routed=True) if pods is None else pods)

    # -- the run --------------------------------------------------------------------------------

    def status(self, **facts: Any) -> Self:
        return self._change(status=changed(self.change.status, **facts))

    def entered(self, minutes: float) -> Self:
        """The phase or rung began that many minutes ago."""
        return self.status(entered_at=ago(minutes))

    def not_in_force(self) -> Self:
        """The weight of this rung was never shown yet."""
        return self.status(in_force_since=None)

    def held_by(self, person: str) -> Self:
        return self.status(held_by=person)

    def no_change(self) -> Self:
        """The Change does not exist, or not any more."""
        self.o = replace(self.o, change=None, evidence=None)
        return self

    def limits(self, **facts: str) -> Self:
        """In the Change's frozen plan."""
        return self.plan(limits=changed(self.change.spec.plan.limits, **facts))

    def promotion(self, **facts: Any) -> Self:
        return self.plan(promotion=changed(self.change.spec.plan.promotion, **facts))

    def in_place(self) -> Self:
        return self.promotion(mode="InPlace")

    def plan(self, **facts: Any) -> Self:
        spec = self.change.spec
        return self._change(spec=changed(spec, plan=changed(spec.plan, **facts)))

    def restart_only(self) -> Self:
        """The proposal differs from stable in nothing but the restart annotation."""
        if self.o.proposal is not None:
            self.o = replace(self.o, proposal=changed(self.o.proposal, restart=True))
        return self._change(spec=changed(self.change.spec, restart=True))

    @property
    def change(self) -> Change:
        """The Change in hand."""
        assert self.o.change is not None
        return self.o.change

    def _change(self, **facts: Any) -> Self:
        self.o = replace(self.o, change=changed(self.change, **facts))
        return self

    # -- the canary and its traffic -------------------------------------------------------------

    def canary(self, ready: int, wanted: int | None = None, **facts: Any) -> Self:
        size = ready if wanted is None else wanted
        facts = {"change_uid": UID, "digest": TARGET, **facts}
        self.o = replace(self.o, canary=Canary(wanted=size, available=ready, pods=size, **facts))
        return self

    def no_canary(self) -> Self:
        self.o = replace(self.o, canary=None)
        return self

    def weight(self, percent: float | None) -> Self:
        """What the route says; None: it cannot be read."""
        return self.traffic(weight=percent, touched=bool(percent) or self.o.traffic.touched)

    def route_gone(self) -> Self:
        return self.traffic(weight=None, in_force=False, mark=None, touched=False)

    def marked(self, uid: str = UID, outcome: str = "", reason: str = "") -> Self:
        """The route carries the containment mark of this Change."""
        return self.traffic(mark=Mark(uid, outcome, reason), touched=True)

    def not_shown(self) -> Self:
        """The router has not taken up what the route says."""
        return self.traffic(in_force=False)

    def by_pods(self) -> Self:
        """No route: the share is made by the number of pods."""
        return self.traffic(routed=False, touched=bool(self.o.traffic.mark))

    def traffic(self, **facts: Any) -> Self:
        self.o = replace(self.o, traffic=replace(self.o.traffic, **facts))
        return self

    # -- evidence -------------------------------------------------------------------------------

    def verdict(self, verdict: str, explain: str = "the numbers") -> Self:
        self.o = replace(self.o, evidence=Evidence(Verdict(verdict), explain, headline="orders"))
        return self

    def no_data(self, why: str = "metric orders: no sample") -> Self:
        assert self.o.evidence is not None
        silent = replace(self.o.evidence, no_data=why, no_data_since=ago(1))
        self.o = replace(self.o, evidence=silent)
        return self

    def in_doubt(self, why: str = "a third of the ticks is missing") -> Self:
        """The data so far are not fit to promote anything."""
        assert self.o.evidence is not None
        self.o = replace(self.o, evidence=replace(self.o.evidence, doubt=why))
        return self

    def no_evidence(self) -> Self:
        """Nothing was read yet."""
        self.o = replace(self.o, evidence=None)
        return self

    # -- people ---------------------------------------------------------------------------------

    def signed(
        self, decision: str, *, by: str = "alice", change: str = "", minutes: float = 0.5,
        answered: bool = False,
    ) -> Self:  # fmt: skip
        """A sign-off of that many minutes ago; of the Change in hand unless another is named."""
        number = len(self.o.commands) + 1
        command = Command(
            uid=f"uid-{number}", name=f"sign-{number}", decision=decision, by=by,
            reason="because", change=change, created_at=ago(minutes), answered=answered,
        )  # fmt: skip
        self.o = replace(self.o, commands=(*self.o.commands, command))
        return self

    def paused_by_author(self) -> Self:
        return self.spec(paused=True)

    def kill_switch(self) -> Self:
        return self.spec(kill_switch=api.KillSwitch(config_map="flags", key="pricing"))

    def blocked(self, reason: Reason = Reason.ANALYSIS_MISSING, message: str = "no shop") -> Self:
        self.o = replace(self.o, blocks=(*self.o.blocks, Block(reason, message)))
        return self

    def edited(self, digest: str = NEWER) -> Self:
        """The Deployment holds this template now."""
        proposal = None if digest == STABLE else change_spec(digest)
        self.o = replace(self.o, proposal=proposal, proposal_name=f"checkout-{digest}")
        return self.workload(digest=digest, complete=False)

    def edits_wait(self, *, kept: bool = True) -> Self:
        """`limits.supersede: Queue`; `kept`: the run's own template is in a ControllerRevision."""
        self.o = replace(self.o, target_kept=kept)
        return self.limits(supersede="Queue")

    def told_of_edit(self) -> Self:
        """An earlier look has seen the edit that waits."""
        return self.rollout_status(queued=NEWER)

    # -- the Deployment and the Rollout ---------------------------------------------------------

    def workload(self, **facts: Any) -> Self:
        assert self.o.workload is not None
        self.o = replace(self.o, workload=replace(self.o.workload, **facts))
        return self

    def sets(self, *sets: ReplicaSetFact) -> Self:
        return self.workload(sets=sets)

    def stable_lost(self) -> Self:
        """Somebody deleted the stable ReplicaSet."""
        assert self.o.workload is not None
        return self.sets(*(s for s in self.o.workload.sets if s.digest != STABLE))

    def scaled(self, replicas: int) -> Self:
        """The owner wants that many pods, and stable has them."""
        return self.workload(replicas=replicas, sets=(_set(STABLE_SET, STABLE, replicas),))

    def no_workload(self) -> Self:
        self.o = replace(self.o, workload=None, proposal=None)
        return self

    def recreated(self, ready: int = 4) -> Self:
        """A new Deployment under the old name."""
        sets = (ReplicaSetFact("checkout-n", "nnn", NEWER, 4, ready),)
        return self.workload(uid="uid-new", adopted=False, paused=False, sets=sets, digest=NEWER)

    def floor(self, least: int = 2, most: int = 10, original: int | None = None) -> Self:
        """An autoscaler; `original` is the owner's minReplicas while ours is in force."""
        self.o = replace(self.o, floor=Floor("checkout", least, most, original))
        return self

    def hold_mode(self, mode: HoldMode) -> Self:
        self.o = replace(self.o, hold_mode=mode)
        return self

    def revision_lost(self) -> Self:
        self.o = replace(self.o, revision_kept=False)
        return self

    def spare_revisions(self, *names: str) -> Self:
        self.o = replace(self.o, spare_revisions=names)
        return self

    def acting_for(self, minutes: float) -> Self:
        """The operator began to act that many minutes ago."""
        self.o = replace(self.o, acting_since=ago(minutes))
        return self

    def leaving(self) -> Self:
        """Somebody deleted the Rollout."""
        return self.metadata(deletion_timestamp=ago(0.1))

    def namespace_ending(self) -> Self:
        self.o = replace(self.o, namespace_ending=True)
        return self

    def no_finalizer(self) -> Self:
        return self.metadata(finalizers=())

    def metadata(self, **facts: Any) -> Self:
        return self._of_rollout(metadata=changed(self.o.rollout.metadata, **facts))

    def spec(self, **facts: Any) -> Self:
        return self._of_rollout(spec=changed(self.o.rollout.spec, **facts))

    def rollout_status(self, **facts: Any) -> Self:
        return self._of_rollout(status=changed(self.o.rollout.status, **facts))

    def ruled(self, reason: Reason, minutes: float) -> Self:
        """The Rollout's status has given this reason for so long."""
        ready = Condition(
            type="Ready", status="False", reason=reason.value, last_transition_time=ago(minutes)
        )
        return self.rollout_status(conditions=(ready,))

    def _of_rollout(self, **facts: Any) -> Self:
        self.o = replace(self.o, rollout=changed(self.o.rollout, **facts))
        return self


def replicaset(digest: str, ready: int, *, name: str, wanted: int | None = None) -> ReplicaSetFact:
    """A ReplicaSet of the Deployment that nobody marked."""
    return ReplicaSetFact(name, name[-1] * 3, digest, ready if wanted is None else wanted, ready)


def change_spec(target: str = TARGET) -> ChangeSpec:
    """A proposal of this template against stable."""
    return ChangeSpec(
        rollout="checkout",
        workload_uid=DEPLOYMENT,
        source=Version(digest=STABLE, hash="aaa", images=("shop:v1",)),
        target=Version(digest=target, images=("shop:v2",)),
        plan=Plan(
            steps=tuple(api.Step(weight=w) for w in WEIGHTS),
            promotion=api.Promotion(holdback=HOLDBACK, watch="10m"),
            limits=api.Limits(hold="24h", progress_deadline="10m", drain="30s"),
        ),
    )


def _rollout() -> api.Rollout:
    return api.Rollout(
        metadata=ObjectMeta(
            name="checkout", namespace="shop", generation=3, finalizers=(FINALIZER,)
        ),
        spec=api.RolloutSpec(
            workload=api.WorkloadRef(name="checkout"),
            traffic=api.Traffic(service="checkout", routes=(api.RouteRef(name="shop"),)),
        ),
        status=api.RolloutStatus(
            stable=api.Stable(hash="aaa", digest=STABLE), deployment_uid=DEPLOYMENT, change=CHANGE
        ),
    )


def _set(name: str, digest: str, ready: int) -> ReplicaSetFact:
    stable = digest == STABLE
    return ReplicaSetFact(name, "aaa" if stable else "bbb", digest, ready, ready, stable)
