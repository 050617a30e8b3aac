"""What counts as stable, and what becomes of a run whose Deployment changes hands."""

from __future__ import annotations

import pytest

from controller.core.actions import Adopt, Contain, KeepRevision, SetWeight
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.shop import (
    NEWER,
    OLD_SET,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    replicaset,
)
from tests.unit.controller.core.worlds import in_phase

ONE = (replicaset(STABLE, 4, name=STABLE_SET),)
TWO = (*ONE, replicaset(TARGET, 1, name=TARGET_SET))


def new() -> Release:
    """A Deployment that no Rollout has looked at yet."""
    nobody = release().at_rest().rollout_status(deployment_uid="", change="")
    return nobody.workload(adopted=False, sets=ONE)


ADOPTED = (
    Case("the only active ReplicaSet is stable", new(), "adoption", Reason.ADOPTED,
         does=(KeepRevision(STABLE_SET), Adopt(STABLE))),
    Case("an old ReplicaSet without pods does not count",
         new().sets(*ONE, replicaset("01d00000", 0, name=OLD_SET)), "adoption", Reason.ADOPTED,
         does=(Adopt(STABLE),)),
    Case("what runs is stable, not the text of a Deployment that its owner paused",
         new().edited(TARGET).workload(paused=True), "adoption", Reason.ADOPTED,
         does=(Adopt(STABLE),)),
    Case("two active ReplicaSets are not adopted", new().sets(*TWO), "adoption",
         Reason.ADOPTION_BLOCKED, nothing=True, waits_until=10),
    Case("a rolling update in flight is not adopted", new().workload(rolling=True), "adoption",
         Reason.ADOPTION_BLOCKED, nothing=True),
    Case("a workload without replicas is adopted by its template",
         new().workload(replicas=0, sets=(replicaset(STABLE, 0, name=STABLE_SET),)), "adoption",
         Reason.ADOPTED, does=(Adopt(STABLE),)),
    Case("a label that was lost together with stable comes back in mid-run",
         release().stepping(2).workload(adopted=False).stable_lost(), "adoption", Reason.ADOPTED,
         Phase.STEPPING, (Adopt(STABLE),)),
    Case("a label that somebody took away comes back",
         release().at_rest().workload(adopted=False), "adoption", Reason.ADOPTED,
         does=(Adopt(STABLE),)),
    Case("it comes back in mid-run too", release().stepping(2).workload(adopted=False), "adoption",
         Reason.ADOPTED, Phase.STEPPING, (Adopt(STABLE),)),
    Case("the finalizer comes before anything else", new().no_finalizer(), "finalizer_missing",
         Reason.REGISTERING),
    Case("an invalid spec adopts nothing", new().blocked(Reason.INVALID), "invalid",
         Reason.INVALID, nothing=True),
    Case("a Deployment of another Rollout stays with it", new().workload(taken_by="shop"),
         "workload_taken", Reason.TAKEN, nothing=True),
    Case("a Deployment that does not exist is waited for", new().no_workload(), "workload_missing",
         Reason.WORKLOAD_MISSING, nothing=True),
)  # fmt: skip
LOST = (
    Case("a proposal without its Deployment is over", release().no_workload(), "workload_missing",
         Reason.WITHDRAWN, Phase.FINISHED, outcome=Outcome.WITHDRAWN),
    Case("a canary may be all that serves, so it keeps its share when the Deployment is gone",
         release().stepping(3).no_workload(), "workload_missing", Reason.WORKLOAD_MISSING,
         Phase.STEPPING, nothing=True, waits_until=24 * 60 - 2),
    Case("it does not keep it for ever", release().stepping(3).no_workload().entered(60 * 25),
         "workload_missing", Reason.WORKLOAD_MISSING, Phase.RETREATING, (Contain(UID),)),
    Case("nor when the Rollout is deleted as well, in mid-absorb",
         release().absorbing().no_workload().leaving(), "workload_missing",
         Reason.WORKLOAD_MISSING, Phase.RETREATING, (Contain(UID),)),
    Case("nor while an absorb is undone",
         release().reverting().no_workload().leaving(), "workload_missing",
         Reason.WORKLOAD_MISSING, Phase.RETREATING, (Contain(UID),)),
    Case("harm is judged without a Deployment",
         release().stepping(3).no_workload().verdict("ROLLBACK"), "harm_found", Reason.HARM_FOUND,
         Phase.RETREATING, (Contain(UID),)),
    Case("a run whose Deployment another Rollout took keeps its share",
         release().stepping(3).workload(taken_by="shop", adopted=False), "workload_taken",
         Reason.TAKEN, Phase.STEPPING, nothing=True, waits_until=24 * 60 - 2),
    Case("it ends with the wait at its rung",
         release().stepping(3).workload(taken_by="shop", adopted=False).entered(60 * 25),
         "workload_taken", Reason.TAKEN, Phase.RETREATING, (Contain(UID),)),
    Case("an absorb of a Deployment that was taken is undone when its Rollout leaves",
         release().absorbing().workload(taken_by="shop", adopted=False).leaving(),
         "workload_taken", Reason.TAKEN, Phase.REVERTING),
)  # fmt: skip
ANEW = (
    Case("a proposal ends when the Deployment is made anew", release().recreated(), "recreated",
         Reason.SUPERSEDED, Phase.FINISHED, outcome=Outcome.SUPERSEDED),
    Case("the canary of the old one keeps its share until the new one has a ready pod",
         release().stepping(3).recreated(ready=0), "recreated", Reason.RECREATED, Phase.STEPPING,
         not_=(Contain, SetWeight), waits_until=24 * 60 - 2),
    Case("but not for ever", release().stepping(3).recreated(ready=0).entered(60 * 25),
         "recreated", Reason.RECREATED, Phase.RETREATING, (Contain(UID),)),
    Case("at rest the new one is adopted afresh", release().at_rest().recreated(), "adoption",
         Reason.RECREATED, does=(KeepRevision("checkout-n"), Adopt(NEWER))),
    Case("after a promotion too", release().promoted().recreated(), "adoption", Reason.RECREATED,
         does=(Adopt(NEWER),)),
)  # fmt: skip


@table((*ADOPTED, *LOST, *ANEW))
def test_whose_deployment_it_is(case: Case) -> None:
    proves(case)


@pytest.mark.parametrize("where", [*sorted(CARRYING), Phase.ABSORBING, Phase.SETTLING])
def test_a_deployment_made_anew_ends_the_run_wherever_it_is(where: Phase) -> None:
    decision = decide(in_phase(where).recreated())
    assert decision.rule == "recreated"
    assert decision.intents[0] == Contain(UID)
    assert decision.change_status is not None
    assert decision.change_status.outcome == Outcome.SUPERSEDED


def test_adoption_remembers_what_is_stable_before_it_touches_anything() -> None:
    status = decide(new()).rollout_status
    assert status.deployment_uid == "uid-deployment"
    assert (status.stable.digest, status.stable.hash) == (STABLE, "sss")
    assert status.change == ""


def test_a_blocked_adoption_says_when_it_should_have_ended() -> None:
    began = decide(new().sets(*TWO))
    assert "2 ReplicaSets are active" in began.message
    late = decide(new().sets(*TWO).ruled(Reason.ADOPTION_BLOCKED, 11))
    assert "it should have ended by now" in late.message
    assert late.wake_at is None
