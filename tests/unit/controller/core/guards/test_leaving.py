"""Coming and going: nothing of ours stays behind, and nothing is cut off on the way."""

from __future__ import annotations

import pytest

from controller.core.actions import (
    AddFinalizer,
    Contain,
    Leave,
    Pause,
    RemoveCanary,
    RemoveFinalizer,
    RestoreFloor,
    RestoreTraffic,
    ScaleReplicaSet,
    SetWeight,
    Unpause,
)
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.shop import STABLE, STABLE_SET, TARGET, TARGET_SET, UID, ago
from tests.unit.controller.core.worlds import RUNNING, in_phase

GOING = (
    Case("the finalizer is set before anything is touched", release().at_rest().no_finalizer(),
         "finalizer_missing", Reason.REGISTERING, does=(AddFinalizer(),)),
    Case("at rest only the label goes", release().at_rest().leaving(), "leaving", Reason.LEAVING,
         does=(Leave(STABLE),)),
    Case("after a promotion the Deployment is left on the new stable",
         release().promoted().leaving(), "leaving", Reason.LEAVING, does=(Leave(TARGET),)),
    Case("a refused template is left paused",
         release().finished(Outcome.ROLLED_BACK).leaving(), "leaving", Reason.LEAVING,
         does=(Leave(STABLE),), not_=(Unpause,)),
    Case("the owner's minReplicas come back", release().at_rest().floor(4, original=2).leaving(),
         "leaving", Reason.LEAVING, does=(RestoreFloor(),)),
    Case("not before the autoscaler can have seen the load that came back; the rest goes at once",
         release().finished(Outcome.WITHDRAWN).status(finished_at=ago(1)).floor(4, original=2)
         .leaving(), "leaving", Reason.LEAVING, does=(Leave(STABLE),), not_=(RestoreFloor,)),
    Case("for that the Rollout waits",
         release().finished(Outcome.WITHDRAWN).status(finished_at=ago(1)).floor(4, original=2)
         .let_go().leaving(), "leaving", Reason.LEAVING, nothing=True,
         waits_until=2),
    Case("what a run that is not recorded left goes as well",
         release().stepping(2).no_change().leaving(), "leaving", Reason.RETREATING,
         does=(SetWeight(0, ""), Leave(STABLE)), not_=(RemoveCanary, RestoreTraffic)),
    Case("the canary goes when the router shows weight 0 and its last requests ended",
         release().stepping(2).no_change().weight(0).ruled(Reason.RETREATING, 0.25).leaving(),
         "leaving", Reason.RETREATING, does=(Leave(STABLE),), not_=(RemoveCanary,),
         waits_until=0.25),
    Case("and then it goes",
         release().stepping(2).no_change().weight(0).ruled(Reason.RETREATING, 0.5).leaving(),
         "leaving", Reason.RETREATING, does=(RemoveCanary(),), not_=(RestoreTraffic,)),
    Case("and last the route is as its owner had it",
         release().stepping(2).no_change().no_canary().weight(0).traffic(touched=True).leaving(),
         "leaving", Reason.RETREATING, does=(RestoreTraffic(forget=True), Leave(STABLE))),
    Case("in mid-absorb stable is refilled first, and the canary serves meanwhile",
         release().absorbing().no_change().leaving(), "leaving", Reason.REVERTING,
         does=(Pause(), ScaleReplicaSet(STABLE_SET, 4), ScaleReplicaSet(TARGET_SET, 0)),
         not_=(SetWeight, Leave, RemoveCanary)),
    Case("and while its pods start nothing is let go",
         release().reverting(2).no_change().leaving(), "leaving", Reason.REVERTING, nothing=True),
    Case("then the traffic comes back to it", release().reverting(4).no_change().leaving(),
         "leaving", Reason.RETREATING, does=(SetWeight(0, ""), Leave(STABLE))),
    Case("in place what serves is kept until then, and the canary goes meanwhile",
         release().absorbing().no_change().weight(50).canary(ready=2).leaving(), "leaving",
         Reason.RETREATING, does=(SetWeight(0, ""), ScaleReplicaSet(STABLE_SET, 3)),
         not_=(Leave,)),
    Case("a stable that does not come up keeps no Rollout for ever",
         release().absorbing().no_change().no_canary().weight(0).traffic(touched=False)
         .leaving(minutes=10), "leaving", Reason.LEAVING, does=(Leave(STABLE),)),
    Case("with nothing left the Rollout may go",
         release().at_rest().let_go().leaving(), "leaving", Reason.LEAVING,
         does=(RemoveFinalizer(),)),
    Case("a mark that could not be taken off with the label is one of its traces",
         release().at_rest().workload(adopted=False).leaving(), "leaving", Reason.LEAVING,
         does=(Leave(STABLE),), not_=(RemoveFinalizer,)),
    Case("one of another Rollout is not",
         release().at_rest().workload(adopted=False, taken_by="another").leaving(), "leaving",
         Reason.LEAVING, does=(RemoveFinalizer(),), not_=(Leave,)),
    Case("it may go without a Deployment", release().at_rest().no_workload().leaving(),
         "leaving", Reason.LEAVING, does=(RemoveFinalizer(),)),
    Case("without our finalizer there is nothing to do",
         release().at_rest().leaving().no_finalizer(), "leaving", Reason.LEAVING, nothing=True),
    Case("a proposal is withdrawn", release().leaving(), "leaving", Reason.WITHDRAWN,
         Phase.FINISHED, outcome=Outcome.WITHDRAWN),
    Case("an absorb comes to its end first", release().absorbing().leaving(), "absorbing",
         Reason.ABSORBING, Phase.ABSORBING),
    Case("an absorb that fails goes back first", release().absorbing().entered(11).leaving(),
         "absorbing", Reason.PROGRESS_DEADLINE, Phase.REVERTING),
    Case("a run on its way back ends first", release().retreating().leaving(), "retreating",
         Reason.RETREATING, Phase.RETREATING),
    Case("a run on its way back ends first where the Deployment is gone too",
         release().retreating().no_workload().leaving(), "retreating", Reason.RETREATING,
         Phase.RETREATING),
    Case("an abort while an absorb ends is heard", release().absorbing().leaving().signed("Abort"),
         "aborted_by_person", Reason.ABORTED, Phase.REVERTING),
)  # fmt: skip


@pytest.mark.parametrize("where", [*RUNNING, Phase.FINISHED])
def test_no_trace_waits_for_another_one_and_nothing_else_is_tried_so(where: Phase) -> None:
    decision = decide(in_phase(where).floor(4, original=2).leaving())
    assert decision.each is any(isinstance(i, Leave) for i in decision.intents)


@table(GOING)
def test_leaving(case: Case) -> None:
    proves(case)


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_a_deleted_rollout_takes_the_traffic_back_wherever_the_canary_has_some(
    where: Phase,
) -> None:
    decision = decide(in_phase(where).leaving())
    assert decision.intents[0] == Contain(UID)
    assert decision.change_status is not None
    assert decision.change_status.outcome == Outcome.WITHDRAWN


@pytest.mark.parametrize("where", [*RUNNING, Phase.FINISHED])
def test_a_terminating_namespace_is_let_go_at_once_in_every_phase(where: Phase) -> None:
    decision = decide(in_phase(where).verdict("ROLLBACK").signed("Abort").namespace_ending())
    assert decision.intents == (RemoveFinalizer(),)
    assert decision.reason is Reason.NAMESPACE_ENDING


def test_a_terminating_namespace_without_our_finalizer_gets_no_write() -> None:
    assert decide(release().namespace_ending().no_finalizer()).intents == ()


@pytest.mark.parametrize("where", RUNNING)
def test_the_finalizer_stays_until_the_run_is_over(where: Phase) -> None:
    assert RemoveFinalizer() not in decide(in_phase(where).leaving()).intents


@pytest.mark.parametrize("where", [*RUNNING, Phase.FINISHED])
def test_a_leaving_rollout_says_so(where: Phase) -> None:
    assert decide(in_phase(where).leaving()).rollout_status.phase == "Leaving"
