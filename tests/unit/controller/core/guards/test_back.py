"""The way back: what starts it, what it never waits for, and how it comes to its end."""

from __future__ import annotations

import pytest

from controller.core.actions import (
    Contain,
    Pause,
    RecreateReplicaSet,
    RemoveCanary,
    RestoreTraffic,
    ScaleReplicaSet,
    SetWeight,
    SwitchOff,
    Unpause,
)
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, answers, decide, proves, table
from tests.unit.controller.core.shop import (
    CHANGE,
    NEWER,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    ago,
    replicaset,
)
from tests.unit.controller.core.worlds import in_phase

BACK = Phase.RETREATING
STARTED = (
    Case("evidence of harm takes the traffic away", release().stepping(2).verdict("ROLLBACK"),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),), outcome=Outcome.ROLLED_BACK),
    Case("harm goes back while the spec is invalid",
         release().stepping(2).verdict("ROLLBACK").blocked(Reason.INVALID),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("harm goes back while a person holds",
         release().stepping(2).verdict("ROLLBACK").held_by("alice").paused_by_author(),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("harm goes back while another metric is silent",
         release().stepping(2).verdict("ROLLBACK").no_data(),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("harm goes back while the route is gone",
         release().stepping(2).verdict("ROLLBACK").route_gone(),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("harm outranks a Promote of the same look",
         release().watching().verdict("ROLLBACK").signed("Promote"),
         "harm_found", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("harm that is found as the absorb begins reverts it, and the weight does not rise",
         release().absorbing().verdict("ROLLBACK").weight(98),
         "harm_found", Reason.HARM_FOUND, Phase.REVERTING, not_=(SetWeight, Unpause)),
    Case("a canary that crashes again and again goes back without statistics",
         release().stepping(2).canary(ready=1, crashing="container shop, exit 1"),
         "canary_crashing", Reason.CANARY_CRASHING, BACK, (Contain(UID),)),
    Case("a canary that crashes with all traffic on it reverts the absorb",
         release().absorbing().canary(ready=4, crashing="container shop, exit 1"),
         "canary_crashing", Reason.CANARY_CRASHING, Phase.REVERTING, (Pause(),)),
    Case("the mark on the route is enough to go back",
         release().stepping(3).weight(0).marked(),
         "contained_already", Reason.ROLLED_BACK, BACK, (Contain(UID),), (SetWeight,),
         outcome=Outcome.ROLLED_BACK),
    Case("a mark that was not recorded still ends as what it says",
         release().stepping(3).weight(0).marked(UID, "Inconclusive", "NoEvidence"),
         "contained_already", Reason.NO_EVIDENCE, BACK, outcome=Outcome.INCONCLUSIVE),
    Case("an edit behind a mark changes nothing of what it says",
         release().stepping(3).weight(0).marked(UID, "RolledBack", "HarmFound").edited(NEWER),
         "contained_already", Reason.HARM_FOUND, BACK, outcome=Outcome.ROLLED_BACK),
    Case("a mark can only take back, whatever somebody writes into it",
         release().stepping(3).weight(0).marked(UID, "Promoted", "Promoted"),
         "contained_already", Reason.ROLLED_BACK, BACK, outcome=Outcome.ROLLED_BACK),
    Case("a mark with words that nobody knows is a rollback",
         release().stepping(3).weight(0).marked(UID, "Perhaps", "Whatever"),
         "contained_already", Reason.ROLLED_BACK, BACK, outcome=Outcome.ROLLED_BACK),
    Case("the mark of another Change says nothing about this one",
         release().stepping(3).marked("uid-other"), "gathering", Reason.GATHERING, Phase.STEPPING),
    Case("the flag of the release is turned off as it is taken back",
         release().stepping(2).verdict("ROLLBACK").kill_switch(),
         "harm_found", Reason.HARM_FOUND, BACK, (SwitchOff("flags", "pricing"),)),
    Case("a newer edit leaves the flag on, as its own run is judged with it",
         release().stepping(2).edited().kill_switch(), "superseded", Reason.SUPERSEDED, BACK,
         not_=(SwitchOff,)),
    Case("the flag is turned off when an absorb is taken back as well",
         release().absorbing().kill_switch().signed("Abort"),
         "aborted_by_person", Reason.ABORTED, Phase.REVERTING, (SwitchOff("flags", "pricing"),)),
)  # fmt: skip
REVERTED = (
    Case("while stable refills the canary keeps serving", release().reverting(2),
         "reverting", Reason.REVERTING, Phase.REVERTING, not_=(Contain, SetWeight)),
    Case("when stable is complete the traffic goes to it", release().reverting(4),
         "reverting", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("the deadline counts from stable's last pod that got ready",
         release().reverting(2).status(progress=1).entered(60),
         "reverting", Reason.REVERTING, Phase.REVERTING, not_=(Contain,), waits_until=10),
    Case("past the deadline a part of stable has to do", release().reverting(1).entered(11),
         "reverting", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("past the deadline with no stable pod the canary still serves",
         release().reverting(0).entered(11), "reverting", Reason.REVERTING, Phase.REVERTING),
    Case("a canary without pods keeps no traffic while stable refills",
         release().reverting(2).canary(ready=0, wanted=4),
         "reverting", Reason.REVERTING, Phase.REVERTING, (Contain(UID),)),
    Case("a canary that somebody deleted keeps no traffic while stable refills",
         release().reverting(2).no_canary(),
         "reverting", Reason.REVERTING, Phase.REVERTING, (Contain(UID),)),
    Case("in place the canary's part of the traffic goes at once, as the Deployment has the pods",
         release().absorbing().in_place().weight(50).canary(ready=2).signed("Abort"),
         "aborted_by_person", Reason.ABORTED, Phase.REVERTING, (Contain(UID),)),
    Case("also when that was not recorded",
         release().reverting(2).in_place().weight(50).canary(ready=2).sets(
             replicaset(STABLE, 2, name=STABLE_SET), replicaset(TARGET, 2, name=TARGET_SET)),
         "reverting", Reason.REVERTING, Phase.REVERTING, (Contain(UID),)),
    Case("not where too few pods would have to do", release().reverting(2).in_place().weight(50),
         "reverting", Reason.REVERTING, Phase.REVERTING, not_=(Contain,)),
    Case("in place what serves goes as far as stable is ready, harmful or not",
         release().absorbing(3).in_place().weight(50).canary(ready=2).verdict("ROLLBACK"),
         "harm_found", Reason.HARM_FOUND, Phase.REVERTING,
         (Contain(UID), ScaleReplicaSet(STABLE_SET, 2))),
    Case("stable that was lost in mid-absorb is made again", release().reverting(2).stable_lost(),
         "reverting", Reason.REVERTING, Phase.REVERTING, (RecreateReplicaSet(STABLE, 4),)),
    Case("stable is made again while the Rollout is leaving",
         release().reverting(2).stable_lost().leaving(),
         "reverting", Reason.REVERTING, Phase.REVERTING, (RecreateReplicaSet(STABLE, 4),)),
    Case("pods of the new template go as stable comes back",
         release().reverting().workload(paused=False).sets(
             replicaset(STABLE, 1, name=STABLE_SET), replicaset(TARGET, 3, name=TARGET_SET)),
         "reverting", Reason.REVERTING, Phase.REVERTING,
         (Pause(), ScaleReplicaSet(STABLE_SET, 4), ScaleReplicaSet(TARGET_SET, 0))),
    Case("a workload without replicas has nothing to wait for",
         release().reverting(0).workload(replicas=0),
         "reverting", Reason.HARM_FOUND, BACK, (Contain(UID),)),
    Case("an edit while it reverts changes nothing of the way", release().reverting(2).edited(),
         "reverting", Reason.REVERTING, Phase.REVERTING),
)  # fmt: skip
RETREATED = (
    Case("a weight that somebody raised is taken away again", release().retreating().weight(25),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),)),
    Case("the canary stays for as long as a route sends to it, whatever deadline has passed",
         release().retreating().weight(25).entered(11).status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),), not_=(RemoveCanary,)),
    Case("a router that does not find the canary holds up no way back",
         release().retreating().not_found().status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (RemoveCanary(),)),
    Case("a route of two that still sends to it is enough", release().retreating().uneven(0, 25),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),), not_=(RemoveCanary,)),
    Case("without its mark a weight of 0 is not safe yet",
         release().retreating().traffic(mark=None),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),), waits_until=8),
    Case("by pods the pin is the mark", release().retreating().traffic(mark=None).by_pods(),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),)),
    Case("a pin that somebody took off is set again while the canary drains",
         release().retreating().by_pods().traffic(mispinned=True),
         "retreating", Reason.RETREATING, BACK, (Contain(UID),), (RemoveCanary,), waits_until=0.5),
    Case("and as the canary goes, which waits for nothing",
         release().retreating().by_pods().traffic(mispinned=True).status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (Contain(UID), RemoveCanary())),
    Case("a pin that stands is left alone", release().retreating().by_pods(),
         "retreating", Reason.RETREATING, BACK, not_=(Contain,)),
    Case("the canary lives until the router shows weight 0", release().retreating().not_shown(),
         "retreating", Reason.RETREATING, BACK, not_=(RemoveCanary,), waits_until=8),
    Case("a router that never shows it holds nothing up for ever",
         release().retreating().not_shown().entered(11).status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (RemoveCanary(),)),
    Case("a route that is gone is waited for, as it may come back",
         release().retreating().route_gone(),
         "retreating", Reason.RETREATING, BACK, not_=(RemoveCanary,), waits_until=8),
    Case("a route that stays away holds nothing up for ever",
         release().retreating().route_gone().entered(11).status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (RemoveCanary(),)),
    Case("a Service that is gone by pods holds nothing up for ever",
         release().retreating().route_gone().traffic(routed=False, in_force=True)
         .entered(11).status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (RemoveCanary(),)),
    Case("requests in flight get their time", release().retreating(),
         "retreating", Reason.RETREATING, BACK, not_=(RemoveCanary,), waits_until=0.5),
    Case("a drain that began by a clock ahead of ours begins anew",
         release().retreating().status(drain_until=ago(-60)), "retreating", Reason.RETREATING, BACK,
         not_=(RemoveCanary,), waits_until=0.5),
    Case("after the drain the canary goes", release().retreating().status(drain_until=ago(0)),
         "retreating", Reason.RETREATING, BACK, (RemoveCanary(),)),
    Case("the flag is off before the pods are gone, whatever was killed before",
         release().retreating().status(drain_until=ago(0)).kill_switch(),
         "retreating", Reason.RETREATING, BACK, (SwitchOff("flags", "pricing"),)),
    Case("then the route is as its owner had it", release().retreating().no_canary(),
         "retreating", Reason.RETREATING, BACK, (RestoreTraffic(forget=True),)),
    Case("then it is over", release().retreating().no_canary().traffic(touched=False),
         "retreating", Reason.ROLLED_BACK, Phase.FINISHED),
    Case("it ends without a Deployment as well",
         release().retreating().no_canary().traffic(touched=False).no_workload(),
         "retreating", Reason.ROLLED_BACK, Phase.FINISHED),
    Case("a Deployment that was made anew does not stop it",
         release().retreating().recreated().no_canary().traffic(touched=False),
         "retreating", Reason.ROLLED_BACK, Phase.FINISHED),
)  # fmt: skip


@table((*STARTED, *REVERTED, *RETREATED))
def test_the_way_back(case: Case) -> None:
    proves(case)


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_an_abort_takes_the_traffic_away_wherever_the_canary_carries_some(where: Phase) -> None:
    decision = decide(in_phase(where).signed("Abort"))
    assert decision.rule == "aborted_by_person"
    assert decision.intents[0] == Contain(UID)
    assert decision.change_status is not None
    assert decision.change_status.outcome == Outcome.ABORTED
    assert decision.change_status.handled == ("uid-1",)


def test_an_abort_of_a_proposal_ends_it_with_nothing_to_undo() -> None:
    decision = decide(release().signed("Abort"))
    assert decision.change_status is not None
    assert (decision.change_status.phase, decision.change_status.outcome) == ("Finished", "Aborted")
    assert Contain(UID) not in decision.intents


def test_an_abort_in_mid_absorb_keeps_the_traffic_on_the_canary_until_stable_is_complete() -> None:
    decision = decide(release().absorbing().signed("Abort"))
    assert decision.change_status is not None
    assert decision.change_status.phase == Phase.REVERTING
    assert Contain(UID) not in decision.intents
    assert (Pause(), ScaleReplicaSet(STABLE_SET, 4), ScaleReplicaSet(TARGET_SET, 0)) == tuple(
        i for i in decision.intents if isinstance(i, Pause | ScaleReplicaSet)
    )


def test_an_abort_of_another_change_is_refused_and_stops_nothing() -> None:
    look = release().stepping(2).signed("Abort", change="another")
    assert decide(look).rule == "gathering"
    assert answers(look) == {"sign-1": "Refused"}


def test_an_abort_older_than_the_change_is_refused_unless_it_names_it() -> None:
    old = release().stepping(2).signed("Abort", minutes=61)
    assert answers(old) == {"sign-1": "Refused"}
    named = release().stepping(2).signed("Abort", minutes=61, change=CHANGE)
    assert decide(named).rule == "aborted_by_person"


def test_a_second_abort_is_refused_as_the_release_is_on_its_way_back() -> None:
    look = release().retreating().signed("Abort").status(handled=("uid-1",)).signed("Abort")
    assert answers(look) == {"sign-1": "Applied", "sign-2": "Refused"}


def test_reason_and_message_of_the_way_back_stay_what_started_it() -> None:
    status = decide(release().retreating().no_canary()).change_status
    assert status is not None
    assert (status.reason, status.message) == (Reason.HARM_FOUND, "harm")


def test_a_pin_that_is_set_again_is_told() -> None:
    (note,) = decide(release().retreating().by_pods().weight(50).traffic(mispinned=True)).notes
    assert note.reason is Reason.FOREIGN_WEIGHT
    assert "Service checkout" in note.message
