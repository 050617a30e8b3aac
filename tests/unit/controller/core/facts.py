"""Observed values, fact by fact: the run, its canary and traffic, its evidence, what people say.

Called through `builders.release()`, which adds the phases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from msgspec.structs import replace as changed

from controller.api import rollout as api
from controller.api.change import Change
from controller.api.mark import Mark
from controller.core.observed import Block, Canary, Command, Evidence, Verdict
from controller.core.reasons import Reason
from tests.unit.controller.core.shop import NEWER, NOW, STABLE, TARGET, UID, ago, change_spec
from tests.unit.controller.core.surroundings import Surroundings


class Facts(Surroundings):
    """The run in hand; every method says one fact and gives itself back."""

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
        touched = bool(percent) or self.o.traffic.touched
        return self.traffic(weight=percent, least=percent, touched=touched)

    def uneven(self, least: float, weight: float) -> Self:
        """Two routes: one gives the canary more than the other."""
        return self.weight(weight).traffic(least=least, behind=f"HTTPRoute second says {least:g}%")

    def apex_gone(self) -> Self:
        """No route sends to the apex any more, and none to the canary."""
        return self.weight(0).traffic(least=None).blocked(Reason.TRAFFIC_MISSING)

    def route_gone(self) -> Self:
        return self.weight(None).traffic(in_force=False, mark=None, touched=False)

    def marked(self, uid: str = UID, outcome: str = "", reason: str = "") -> Self:
        """The route carries the containment mark of this Change."""
        return self.traffic(mark=Mark(uid, outcome, reason), touched=True)

    def not_shown(self) -> Self:
        """The router has not taken up what the route says."""
        return self.traffic(in_force=False)

    def not_found(self, words: str = "BackendNotFound: no such Service") -> Self:
        """A router does not find the canary that its route names."""
        return self.traffic(unresolved=words)

    def by_pods(self) -> Self:
        """No route: the share is made by the number of pods."""
        return self.traffic(routed=False, touched=bool(self.o.traffic.mark))

    def traffic(self, **facts: Any) -> Self:
        self.o = replace(self.o, traffic=replace(self.o.traffic, **facts))
        return self

    # -- evidence -------------------------------------------------------------------------------

    def verdict(self, verdict: str, explain: str = "the numbers") -> Self:
        found = Evidence(Verdict(verdict), explain, headline="orders", seen_until=NOW)
        self.o = replace(self.o, evidence=found)
        return self

    def seen_until(self, minutes: float) -> Self:
        """The last tick that was read ended so long ago."""
        assert self.o.evidence is not None
        self.o = replace(self.o, evidence=replace(self.o.evidence, seen_until=ago(minutes)))
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
