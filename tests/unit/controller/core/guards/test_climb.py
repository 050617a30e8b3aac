"""The ladder: traffic before evidence, evidence before the next rung."""

from __future__ import annotations

from controller.api.rollout import Limits, Step
from controller.core.actions import Contain, SetWeight
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.shop import NOW, UID, WEIGHTS, ago
from tests.unit.controller.core.worlds import entering

UP, BACK = Phase.STEPPING, Phase.RETREATING
DAY = 24 * 60

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
    Case("and is called missing as soon as it is known to be",
         entering(2).route_gone().blocked(Reason.TRAFFIC_MISSING), "traffic_lags",
         Reason.TRAFFIC_MISSING, UP, nothing=True, waits_until=DAY - 2),
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
    Case("a canary that the router does not find gets no weight, and its words are shown",
         entering(2).weight(0).not_found(), "traffic_lags", Reason.ROUTE_PENDING, UP, nothing=True,
         waits_until=8, says="BackendNotFound: no such Service"),
    Case("one that it never finds leaves the question open",
         entering(2).weight(0).not_found().entered(11), "traffic_lags", Reason.PROGRESS_DEADLINE,
         BACK, (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("one route of two that does not say the weight yet is written, and is named",
         entering(2).uneven(0, 5), "traffic_lags", Reason.ROUTE_PENDING, UP, (SetWeight(5, UID),),
         waits_until=8, says="HTTPRoute second says 0%"),
    Case("a write that the server refuses is shown in its words",
         entering(2).uneven(0, 5).refused("403 Forbidden: no right"), "traffic_lags",
         Reason.ROUTE_PENDING, UP, says="403 Forbidden: no right"),
    Case("a route that never takes the weight lets no other carry the release on",
         entering(2).uneven(0, 5).entered(11), "traffic_lags", Reason.PROGRESS_DEADLINE, BACK,
         (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("one route of two that lost its canary is set right",
         release().stepping(2).uneven(0, 5).verdict("STEP_UP"), "traffic_lags",
         Reason.FOREIGN_WEIGHT, UP, (SetWeight(5, UID),), says="the route said 0%"),
    Case("so it is in the watch, which does not end before",
         release().watching().uneven(0, 98).entered(60), "traffic_lags", Reason.FOREIGN_WEIGHT,
         Phase.WATCHING, (SetWeight(98, UID),)),
    Case("a route that is behind is not raised while somebody holds it",
         entering(2).uneven(0, 5).paused_by_author(), "traffic_lags", Reason.PAUSED, UP,
         nothing=True),
    Case("and one that somebody raised meanwhile comes down to the others",
         entering(2).uneven(1, 50).paused_by_author(), "traffic_lags", Reason.PAUSED, UP,
         (SetWeight(1, UID),)),
    Case("a route that sends to the Service no more is missing, and nothing is in force by it",
         release().stepping(2).verdict("STEP_UP").apex_gone(), "traffic_lags",
         Reason.TRAFFIC_MISSING, UP, nothing=True, waits_until=DAY - 2),
    Case("what it still sends to the canary is taken away",
         release().stepping(2).apex_gone().traffic(weight=98.0, foreign=True), "traffic_lags",
         Reason.FOREIGN_WEIGHT, UP, (SetWeight(5, UID),)),
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
    Case("a hold that began by a clock ahead of ours ends by ours",
         release().stepping(2).verdict("STEP_UP").status(in_force_since=ago(-60)).acting_for(1),
         "gathering", Reason.STEP_PASSED, UP),
    Case("after the last rung the canary grows to full size",
         release().stepping(4).verdict("STEP_UP"), "gathering", Reason.SHIFTING, Phase.SHIFTING),
    Case("in place the Deployment absorbs after the last rung",
         release().stepping(4).verdict("STEP_UP").in_place(), "gathering", Reason.ABSORBING,
         Phase.ABSORBING),
    Case("by pods it absorbs as well", release().stepping(4).verdict("STEP_UP").by_pods(),
         "gathering", Reason.ABSORBING, Phase.ABSORBING),
)  # fmt: skip


@table((*TRAFFIC, *EVIDENCE))
def test_the_ladder(case: Case) -> None:
    proves(case)


def test_evidence_is_asked_for_as_soon_as_the_weight_is_in_force() -> None:
    decision = decide(entering(2).weight(5))
    assert decision.again
    assert decision.change_status is not None
    assert decision.change_status.in_force_since == NOW


def test_a_passed_rung_starts_its_clocks_anew() -> None:
    status = decide(release().stepping(2).verdict("STEP_UP")).change_status
    assert status is not None
    assert (status.step, status.entered_at, status.in_force_since) == (2, NOW, None)
