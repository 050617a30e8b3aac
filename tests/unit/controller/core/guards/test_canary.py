"""Pods before traffic, and no traffic without pods."""

from __future__ import annotations

import pytest

from controller.core.actions import ApplyCanary, Contain, SetWeight
from controller.core.guards.canary import MAX_LOSSES, wanted_pods
from controller.core.guards.climb import wanted_weight
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.shop import HOLDBACK, NOW, UID
from tests.unit.controller.core.worlds import entering, in_phase

UP, BACK = Phase.STEPPING, Phase.RETREATING
DAY = 24 * 60

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
    Case("weight 0 that was written before this was recorded does not rise meanwhile",
         release().stepping(3).canary(ready=0, wanted=1).weight(0), "canary_lost",
         Reason.CANARY_LOST, UP, nothing=True),
    Case("lost with all traffic on it, the Deployment serves",
         release().absorbing().canary(ready=0, wanted=4), "canary_lost", Reason.CANARY_LOST,
         Phase.ABSORBING, (SetWeight(0, UID),)),
    Case("a canary that the router does not find gets no weight either",
         release().stepping(3).not_found(), "canary_lost", Reason.CANARY_LOST, UP,
         (SetWeight(0, UID),), says="BackendNotFound: no such Service"),
    Case("nor where that is found out as the weight is first written",
         entering(2).weight(5).not_found(), "canary_lost", Reason.CANARY_LOST, UP,
         (SetWeight(0, UID),)),
    Case("nor in the watch", release().watching().verdict("STEP_UP").not_found(), "canary_lost",
         Reason.CANARY_LOST, Phase.WATCHING, (SetWeight(0, UID),)),
    Case("not found with all traffic on it, the Deployment serves",
         release().absorbing().not_found(), "canary_lost", Reason.CANARY_LOST, Phase.ABSORBING,
         (SetWeight(0, UID),)),
    Case("not found too often it goes back",
         release().stepping(3).not_found().status(losses=MAX_LOSSES), "canary_lost",
         Reason.CANARY_LOST, BACK, (Contain(UID),), outcome=Outcome.ROLLED_BACK),
    Case("lost too often it goes back",
         release().stepping(3).no_canary().status(losses=MAX_LOSSES), "canary_lost",
         Reason.CANARY_LOST, BACK, (Contain(UID),), outcome=Outcome.ROLLED_BACK),
)  # fmt: skip


@table((*PODS, *AWAY))
def test_the_canarys_pods(case: Case) -> None:
    proves(case)


def test_what_keeps_a_pod_from_starting_is_said_while_it_waits_and_when_it_ends() -> None:
    stuck = "ImagePullBackOff of container shop: no such image"
    look = entering(1).canary(ready=0, wanted=1, stuck=stuck)
    assert decide(look).message == f"0 of 1 canary pods are ready; {stuck}"
    ended = decide(look.entered(11))
    assert (ended.reason, ended.message) == (
        Reason.PROGRESS_DEADLINE,
        f"0 of 1 canary pods are ready; {stuck}",
    )


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
