"""The ladder: pods before traffic, traffic before evidence, evidence before the next rung."""

from __future__ import annotations

import pytest

from controller.api.rollout import Limits, Step
from controller.core.actions import ApplyCanary, Contain, SetWeight
from controller.core.guards.climb import MAX_LOSSES, wanted_pods, wanted_weight
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import HOLDBACK, NOW, UID, WEIGHTS, Release, release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.worlds import in_phase

UP, BACK = Phase.STEPPING, Phase.RETREATING
DAY = 24 * 60


def entering(step: int) -> Release:
    """The first look at this rung: the weight is still that of the one before."""
    before = release().stepping(step).not_in_force()
    return before.weight(WEIGHTS[step - 2] if step > 1 else 0.0)


PODS = (
    Case("a run begins with its canary", entering(1).no_canary(), "canary_starting",
         Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 1),), (SetWeight,), waits_until=8),
    Case("the weight is not raised until the pods for it are ready",
         entering(4).canary(ready=1, wanted=2), "canary_starting", Reason.CANARY_STARTING, UP,
         not_=(SetWeight,), waits_until=8),
    Case("the canary grows before its weight does", entering(4).canary(ready=1),
         "canary_starting", Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 2),), (SetWeight,)),
    Case("a canary of another Change is made over", entering(1).canary(1, change_uid="uid-other"),
         "canary_starting", Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 1),), (SetWeight,)),
    Case("a canary that somebody edited is made over", entering(1).canary(ready=1, intact=False),
         "canary_starting", Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 1),), (SetWeight,)),
    Case("pods that do not get ready in time end the run",
         entering(4).canary(ready=1, wanted=2).entered(11), "canary_starting",
         Reason.PROGRESS_DEADLINE, BACK, (Contain(UID),), outcome=Outcome.ROLLED_BACK),
    Case("a canary that never becomes what was applied ends the run as well",
         entering(1).canary(ready=1, intact=False).entered(11), "canary_starting",
         Reason.PROGRESS_DEADLINE, BACK, (Contain(UID),)),
    Case("an operator that was down for longer than the deadline does not find it passed",
         entering(4).canary(ready=1, wanted=2).entered(11).acting_for(1), "canary_starting",
         Reason.CANARY_STARTING, UP, waits_until=9),
)  # fmt: skip
TRAFFIC = (
    Case("pods are ready: the weight is written", entering(2), "traffic_lags",
         Reason.ROUTE_PENDING, UP, (SetWeight(5, UID),), waits_until=8),
    Case("it counts when the router shows it, not when it is written",
         entering(2).weight(5).not_shown(), "traffic_lags", Reason.ROUTE_PENDING, UP, nothing=True),
    Case("shown, the rung begins", entering(2).weight(5), "traffic_lags", Reason.GATHERING, UP),
    Case("a router that never shows it leaves the question open",
         entering(2).weight(5).not_shown().entered(11), "traffic_lags", Reason.PROGRESS_DEADLINE,
         BACK, (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("a route that never takes the weight leaves it open as well", entering(2).entered(11),
         "traffic_lags", Reason.PROGRESS_DEADLINE, BACK, (Contain(UID),),
         outcome=Outcome.INCONCLUSIVE),
    Case("a route that was deleted before the weight was in force is waited for",
         entering(2).route_gone(), "traffic_lags", Reason.ROUTE_PENDING, UP, nothing=True),
    Case("a foreign weight is set back", release().stepping(2).weight(80), "traffic_lags",
         Reason.FOREIGN_WEIGHT, UP, (SetWeight(5, UID),), waits_until=DAY - 2),
    Case("a foreign weight of 0 is set back too", release().stepping(2).weight(0), "traffic_lags",
         Reason.FOREIGN_WEIGHT, UP, (SetWeight(5, UID),)),
    Case("backends that somebody changed are set right",
         release().stepping(2).traffic(foreign=True), "traffic_lags", Reason.FOREIGN_WEIGHT, UP,
         (SetWeight(5, UID),)),
    Case("a fight over the route ends with the wait at the rung",
         release().stepping(2).weight(80).entered(DAY + 1), "traffic_lags", Reason.NO_EVIDENCE,
         BACK, (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("with onNoEvidence Hold it is repaired for ever",
         release().stepping(2).weight(80).entered(DAY + 1).limits(on_no_evidence="Hold"),
         "traffic_lags", Reason.FOREIGN_WEIGHT, UP, (SetWeight(5, UID),)),
    Case("by pods the weight is what the pods make", entering(2).by_pods().weight(20),
         "traffic_lags", Reason.GATHERING, UP),
)  # fmt: skip
EVIDENCE = (
    Case("evidence lets it pass", release().stepping(2).verdict("STEP_UP"), "gathering",
         Reason.STEP_PASSED, UP, not_=(SetWeight,)),
    Case("without evidence it waits, with a deadline", release().stepping(2), "gathering",
         Reason.GATHERING, UP, nothing=True, waits_until=DAY - 2),
    Case("time alone passes no rung", release().stepping(2).entered(DAY - 1), "gathering",
         Reason.GATHERING, UP, nothing=True, waits_until=1),
    Case("at the deadline it goes back, neither good nor bad",
         release().stepping(2).entered(DAY), "gathering", Reason.NO_EVIDENCE, BACK,
         (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("with onNoEvidence Hold it waits for a person",
         release().stepping(2).entered(DAY).limits(on_no_evidence="Hold"), "gathering",
         Reason.NO_EVIDENCE, UP, nothing=True),
    Case("evidence that comes after the deadline still counts where it holds",
         release().stepping(2).verdict("STEP_UP").entered(DAY + 1).limits(on_no_evidence="Hold"),
         "gathering", Reason.STEP_PASSED, UP),
    Case("a stricter limit counts at once",
         release().stepping(2).spec(limits=Limits(hold="1m")),
         "gathering", Reason.NO_EVIDENCE, BACK),
    Case("a limit that was broken in mid-run counts for nothing",
         release().stepping(2)
         .spec(limits=Limits(hold="99999d")),
         "gathering", Reason.GATHERING, UP),
    Case("a rung is not left before its hold, whatever the evidence",
         release().stepping(2).verdict("STEP_UP")
         .plan(steps=tuple(Step(weight=w, hold="10m") for w in WEIGHTS)),
         "gathering", Reason.GATHERING, UP, nothing=True, waits_until=9),
    Case("after the last rung the canary grows to full size",
         release().stepping(4).verdict("STEP_UP"), "gathering", Reason.SHIFTING, Phase.SHIFTING),
    Case("in place the Deployment absorbs after the last rung",
         release().stepping(4).verdict("STEP_UP").in_place(), "gathering", Reason.ABSORBING,
         Phase.ABSORBING),
    Case("by pods it absorbs as well", release().stepping(4).verdict("STEP_UP").by_pods(),
         "gathering", Reason.ABSORBING, Phase.ABSORBING),
)  # fmt: skip
HELD = (
    Case("missing data holds, even after a passed test",
         release().stepping(2).verdict("STEP_UP").no_data(), "weight_held", Reason.NO_DATA, UP,
         nothing=True, waits_until=DAY - 2),
    Case("no sample at all holds", release().stepping(2).no_evidence(), "weight_held",
         Reason.NO_DATA, UP, nothing=True),
    Case("missing data past the deadline goes back as inconclusive",
         release().stepping(2).no_data().entered(DAY), "weight_held", Reason.NO_EVIDENCE, BACK,
         (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("a person holds", release().stepping(2).verdict("STEP_UP").held_by("alice"),
         "weight_held", Reason.HELD, UP, nothing=True),
    Case("the author holds", release().stepping(2).verdict("STEP_UP").paused_by_author(),
         "weight_held", Reason.PAUSED, UP, nothing=True),
    Case("a broken reference holds", release().stepping(2).verdict("STEP_UP").blocked(),
         "weight_held", Reason.ANALYSIS_MISSING, UP, nothing=True),
    Case("a hold that comes before the weight is written keeps it unwritten",
         entering(3).held_by("alice"), "traffic_lags", Reason.HELD, UP, nothing=True,
         waits_until=DAY - 2),
    Case("spec.paused does so too", entering(3).paused_by_author(), "traffic_lags", Reason.PAUSED,
         UP, nothing=True),
    Case("a broken reference does so too", entering(3).blocked(Reason.UNPINNED_SERVICE),
         "traffic_lags", Reason.UNPINNED_SERVICE, UP, nothing=True),
    Case("by pods a hold keeps the canary from growing",
         entering(4).by_pods().canary(ready=1).held_by("alice"), "canary_starting", Reason.HELD, UP,
         nothing=True),
    Case("with a route the pods of a held run are made, as they take no traffic",
         entering(4).canary(ready=1).held_by("alice"), "canary_starting", Reason.CANARY_STARTING,
         UP, (ApplyCanary(UID, 2),), (SetWeight,)),
    Case("by pods a canary that nobody holds grows", entering(4).by_pods().canary(ready=1),
         "canary_starting", Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 4),)),
    Case("a weight that is too high is lowered while a person holds",
         entering(2).weight(50).held_by("alice"), "traffic_lags", Reason.ROUTE_PENDING, UP,
         (SetWeight(5, UID),)),
    Case("the watch is held too", release().watching().held_by("alice").entered(30),
         "weight_held", Reason.HELD, Phase.WATCHING, nothing=True),
    Case("a held proposal waits for a person without looking again and again",
         release().proposed().held_by("alice").entered(DAY + 1), "weight_held", Reason.HELD,
         Phase.PROPOSED, nothing=True),
    Case("a restart is not held by what the ladder refers to",
         release().proposed().restart_only().blocked(), "start", Reason.RESTARTING,
         Phase.ABSORBING),
)  # fmt: skip
AWAY = (
    Case("a workload without replicas gives no traffic to the canary",
         release().stepping(2).scaled(0), "scaled_to_zero", Reason.SCALED_TO_ZERO, UP,
         (SetWeight(0, UID),), waits_until=DAY - 2),
    Case("by pods it gives none by having no canary pod",
         release().stepping(2).by_pods().scaled(0), "scaled_to_zero", Reason.SCALED_TO_ZERO, UP,
         (ApplyCanary(UID, 0),)),
    Case("by pods a canary that has no pod is left as it is",
         release().stepping(2).by_pods().scaled(0).canary(ready=0), "scaled_to_zero",
         Reason.SCALED_TO_ZERO, UP, nothing=True),
    Case("a proposal waits for replicas", release().scaled(0), "scaled_to_zero",
         Reason.SCALED_TO_ZERO, Phase.PROPOSED, nothing=True),
    Case("it does not wait for ever", release().stepping(2).scaled(0).entered(DAY),
         "scaled_to_zero", Reason.SCALED_TO_ZERO, BACK, outcome=Outcome.INCONCLUSIVE),
    Case("harm is found at 0 replicas as well",
         release().stepping(2).scaled(0).verdict("ROLLBACK"), "harm_found", Reason.HARM_FOUND,
         BACK, (Contain(UID),)),
    Case("pods that are all lost take the weight away until one is ready",
         release().stepping(3).canary(ready=0, wanted=1), "canary_lost", Reason.CANARY_LOST, UP,
         (SetWeight(0, UID),)),
    Case("a canary that somebody deleted does so too", release().stepping(3).no_canary(),
         "canary_lost", Reason.CANARY_LOST, UP, (SetWeight(0, UID),)),
    Case("lost with all traffic on it, the Deployment serves",
         release().absorbing().canary(ready=0, wanted=4), "canary_lost", Reason.CANARY_LOST,
         Phase.ABSORBING, (SetWeight(0, UID),)),
    Case("lost too often it goes back",
         release().stepping(3).no_canary().status(losses=MAX_LOSSES), "canary_lost",
         Reason.CANARY_LOST, BACK, (Contain(UID),), outcome=Outcome.ROLLED_BACK),
)  # fmt: skip


@table((*PODS, *TRAFFIC, *EVIDENCE, *HELD, *AWAY))
def test_the_ladder(case: Case) -> None:
    proves(case)


@pytest.mark.parametrize("reason", ["ScaledToZero", "Held", "RolloutPaused", "SignoffApplied"])
def test_deadlines_start_anew_when_people_let_it_go_on(reason: str) -> None:
    look = entering(4).canary(ready=1, wanted=2).entered(600).status(reason=reason)
    decision = decide(look)
    assert decision.reason is Reason.CANARY_STARTING
    assert decision.change_status is not None
    assert decision.change_status.entered_at == NOW
    assert decision.again
    after = decide(look.status(entered_at=NOW, reason=decision.change_status.reason))
    assert after.change_status is not None
    assert after.change_status.phase == Phase.STEPPING
    assert not after.again


def test_evidence_is_asked_for_as_soon_as_the_weight_is_in_force() -> None:
    decision = decide(entering(2).weight(5))
    assert decision.again
    assert decision.change_status is not None
    assert decision.change_status.in_force_since == NOW


def test_a_passed_rung_starts_its_clocks_anew() -> None:
    status = decide(release().stepping(2).verdict("STEP_UP")).change_status
    assert status is not None
    assert (status.step, status.entered_at, status.in_force_since) == (2, NOW, None)


def test_traffic_is_taken_away_before_pods_are_asked_for_again() -> None:
    decision = decide(release().stepping(3).no_canary())
    assert decision.intents[0] == SetWeight(0, UID)
    assert ApplyCanary(UID, 1) in decision.intents


def test_each_loss_is_counted_and_gives_the_pods_their_time_again() -> None:
    status = decide(release().stepping(3).no_canary().entered(60)).change_status
    assert status is not None
    assert (status.losses, status.entered_at, status.in_force_since) == (1, NOW, None)


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_scaled_to_zero_in_any_phase_with_traffic_takes_it_away(where: Phase) -> None:
    assert decide(in_phase(where).scaled(0)).intents[:1] == (SetWeight(0, UID),)


@pytest.mark.parametrize(("where", "share", "pods"), [
    (Phase.STEPPING, 5.0, 1), (Phase.SHIFTING, 100 - HOLDBACK, 4),
    (Phase.WATCHING, 100 - HOLDBACK, 4),
])  # fmt: skip
def test_each_phase_has_its_weight_and_its_pods(where: Phase, share: float, pods: int) -> None:
    look = in_phase(where)
    assert wanted_weight(look.observed(), look.change) == share
    assert wanted_pods(look.observed(), look.change) == pods
