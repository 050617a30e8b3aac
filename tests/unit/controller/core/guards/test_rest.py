"""Nothing in hand: traces of a lost run, the next proposal, a refusal, or peace."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from controller.core.actions import (
    Answer,
    CreateChange,
    RemoveCanary,
    RestoreTraffic,
    SetWeight,
    Unpause,
)
from controller.core.observed import HoldMode
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import Case, answers, decide, proves, table
from tests.unit.controller.core.shop import (
    CHANGE,
    NEWER,
    NOW,
    STABLE,
    STABLE_SET,
    TARGET,
    change_spec,
    replicaset,
)


def proposed() -> Release:
    """An edit that has no Change yet."""
    return release().no_change().rollout_status(change="")


def refused(outcome: Outcome = Outcome.ROLLED_BACK) -> Release:
    """The template was taken back and still stands in the Deployment."""
    return release().finished(outcome)


def lost() -> Release:
    """Somebody deleted the Change while the canary carried traffic."""
    return release().stepping(3).no_change()


NEXT = (
    Case("an edit is recorded", proposed(), "proposal", Reason.PROPOSED,
         does=(CreateChange(CHANGE, change_spec()),)),
    Case("a recorded proposal starts", release(), "start", Reason.CANARY_STARTING,
         Phase.STEPPING),
    Case("a template that was taken back is not tried again", refused(), "proposal",
         Reason.REJECTED, nothing=True),
    Case("nor one that was inconclusive", refused(Outcome.INCONCLUSIVE), "proposal",
         Reason.REJECTED, nothing=True),
    Case("nor one that a person aborted", refused(Outcome.ABORTED), "proposal", Reason.REJECTED,
         nothing=True),
    Case("one that was only superseded may come again", refused(Outcome.SUPERSEDED), "proposal",
         Reason.PROPOSED),
    Case("one that was withdrawn may come again", refused(Outcome.WITHDRAWN), "proposal",
         Reason.PROPOSED),
    Case("another template is tried", refused().edited(), "proposal", Reason.PROPOSED,
         does=(CreateChange("checkout-9ewer000", change_spec(NEWER)),)),
    Case("a Retry tries it again", refused().signed("Retry"), "proposal", Reason.PROPOSED,
         does=(CreateChange(CHANGE, change_spec()),
               Answer("sign-1", "Applied", f"{CHANGE} tries it again"))),
    Case("a Retry after an abort tries it again", refused(Outcome.ABORTED).signed("Retry"),
         "proposal", Reason.PROPOSED),
    Case("a Retry of another Change does not", refused().signed("Retry", change="another"),
         "proposal", Reason.REJECTED),
    Case("a Retry that was answered does not again", refused().signed("Retry", answered=True),
         "proposal", Reason.REJECTED, nothing=True),
    Case("nor one whose Change was deleted since",
         proposed().no_change().rollout_status(refused=TARGET), "proposal", Reason.REJECTED,
         nothing=True),
    Case("unless a Retry asks for it",
         proposed().no_change().rollout_status(refused=TARGET).signed("Retry"), "proposal",
         Reason.PROPOSED),
    Case("or it is another", proposed().no_change().rollout_status(refused=TARGET).edited(),
         "proposal", Reason.PROPOSED),
    Case("a broken reference starts nothing", proposed().blocked(), "blocked",
         Reason.ANALYSIS_MISSING, nothing=True),
    Case("it does not keep a restart from being recorded",
         release().restart_only().no_change().blocked(), "proposal", Reason.PROPOSED),
    Case("an invalid spec starts nothing", proposed().blocked(Reason.INVALID), "invalid",
         Reason.INVALID, nothing=True),
    Case("an invalid spec holds a run that has begun, and ends nothing",
         release().stepping(2).blocked(Reason.INVALID), "weight_held", Reason.INVALID,
         Phase.STEPPING, nothing=True),
)  # fmt: skip
LOST = (
    Case("a run that is not recorded loses its traffic first", lost(), "leftovers",
         Reason.RETREATING, does=(SetWeight(0, ""),), not_=(RemoveCanary, CreateChange)),
    Case("its canary lives until the router shows it", lost().weight(0).not_shown(), "leftovers",
         Reason.RETREATING, not_=(RemoveCanary,)),
    Case("and until its last requests have ended",
         lost().weight(0).ruled(Reason.RETREATING, 0.25), "leftovers", Reason.RETREATING,
         not_=(RemoveCanary,), waits_until=0.25),
    Case("a router that never shows it holds nothing up for ever",
         lost().weight(0).not_shown().ruled(Reason.RETREATING, 10), "leftovers",
         Reason.RETREATING, does=(RemoveCanary(),)),
    Case("then it goes", lost().weight(0).ruled(Reason.RETREATING, 0.5), "leftovers",
         Reason.RETREATING, does=(RemoveCanary(),)),
    Case("a route that is gone keeps it for the drain only",
         lost().route_gone().ruled(Reason.RETREATING, 0.5), "leftovers", Reason.RETREATING,
         does=(RemoveCanary(),)),
    Case("where pods make the share it goes at once", lost().by_pods(), "leftovers",
         Reason.RETREATING, does=(RemoveCanary(),)),
    Case("a broken spec keeps no traffic on it", lost().blocked(Reason.INVALID), "invalid",
         Reason.INVALID, does=(SetWeight(0, ""),)),
    Case("then its traces in the route", lost().weight(0).no_canary(), "leftovers",
         Reason.RETREATING, does=(RestoreTraffic(forget=True),)),
    Case("then the proposal is recorded anew", lost().weight(0).no_canary()
         .traffic(touched=False), "proposal", Reason.PROPOSED),
    Case("lost in mid-absorb, the canary serves until stable is back",
         release().absorbing().no_change(), "leftovers", Reason.REVERTING,
         does=(), not_=(SetWeight, RemoveCanary)),
    Case("with stable back it goes", release().absorbing(0).no_change(), "leftovers",
         Reason.RETREATING, does=(SetWeight(0, ""),)),
    Case("without a ready pod it serves nobody",
         release().absorbing().no_change().canary(ready=0, wanted=4), "leftovers",
         Reason.RETREATING, does=(SetWeight(0, ""),)),
    Case("a canary after the end of its Change goes",
         refused().canary(ready=1).ruled(Reason.RETREATING, 1), "leftovers", Reason.RETREATING,
         does=(RemoveCanary(),)),
    Case("a weight after the end of its Change goes", refused().weight(25), "leftovers",
         Reason.RETREATING, does=(SetWeight(0, ""),)),
)  # fmt: skip
REST = (
    Case("at rest nothing is written", release().at_rest(), "at_rest", Reason.STABLE,
         nothing=True),
    Case("a Deployment that its owner paused stays so before the first release",
         release().at_rest().workload(paused=True), "at_rest", Reason.STABLE, not_=(Unpause,)),
    Case("what the hold paused for an edit that was taken back before it was recorded is resumed",
         release().at_rest().workload(paused=True).rollout_status(hold="OnChange"), "at_rest",
         Reason.STABLE, does=(Unpause(STABLE),)),
    Case("what we paused because the API server paused no edits is resumed when it does again",
         release().at_rest().workload(paused=True).rollout_status(hold="Always"), "at_rest",
         Reason.STABLE, does=(Unpause(STABLE),)),
    Case("after a withdrawal it is resumed",
         release().finished(Outcome.WITHDRAWN).edited(STABLE), "at_rest", Reason.STABLE,
         does=(Unpause(STABLE),)),
    Case("where the API server pauses no edit it stays paused at rest",
         release().finished(Outcome.WITHDRAWN).edited(STABLE).hold_mode(HoldMode.ALWAYS),
         "at_rest", Reason.STABLE, not_=(Unpause,)),
    Case("a broken reference is shown before it can hold up a release",
         release().at_rest().blocked(), "blocked", Reason.ANALYSIS_MISSING, nothing=True),
)  # fmt: skip


@table((*NEXT, *LOST, *REST))
def test_rest(case: Case) -> None:
    proves(case)


def test_a_proposal_is_remembered_before_it_is_recorded() -> None:
    assert decide(proposed()).rollout_status.change == CHANGE


def test_a_proposal_that_a_crash_left_unrecorded_is_recorded() -> None:
    decision = decide(release().no_change())
    assert CreateChange(CHANGE, change_spec()) in decision.intents


def test_a_run_starts_at_its_first_rung_with_its_clocks_set() -> None:
    status = decide(release()).change_status
    assert status is not None
    assert (status.step, status.steps, status.started_at, status.entered_at) == (0, 4, NOW, NOW)


def test_of_two_retries_one_tries_again_and_the_other_is_refused() -> None:
    look = refused().signed("Retry").signed("Retry", by="bob")
    made = [i for i in decide(look).intents if isinstance(i, CreateChange)]
    assert len(made) == 1
    assert answers(look) == {"sign-1": "Applied"}
    runs = release().stepping(1).signed("Retry", answered=True).signed("Retry", by="bob")
    assert answers(runs) == {"sign-2": "Refused"}


def test_a_retry_whose_answer_a_crash_swallowed_is_answered_as_it_was_meant() -> None:
    again = release().stepping(1).signed("Retry", minutes=61)
    assert answers(attempt_number(again, 2)) == {"sign-1": "Applied"}
    later = release().stepping(1).signed("Retry")
    assert answers(attempt_number(later, 2)) == {"sign-1": "Refused"}
    first = release().stepping(1).signed("Retry", minutes=61)
    assert answers(attempt_number(first, 1)) == {"sign-1": "Refused"}


def attempt_number(look: Release, attempt: int) -> Release:
    change = changed(look.change, spec=changed(look.change.spec, attempt=attempt))
    look.o = replace(look.o, change=change)
    return look


def test_a_lost_absorb_refills_stable_while_the_canary_serves() -> None:
    kinds = [type(i).__name__ for i in decide(release().absorbing().no_change()).intents]
    assert kinds == ["Pause", "ScaleReplicaSet", "ScaleReplicaSet"]


def test_a_broken_reference_says_whether_a_template_waits_for_it() -> None:
    assert decide(proposed().blocked()).message == "no shop; the proposed template waits"
    assert decide(release().at_rest().blocked()).message == "no shop"


def test_advice_is_shown_at_rest() -> None:
    look = release().at_rest()
    look.o = replace(look.o, notes=("NetworkPolicy x selects stable",))
    assert "NetworkPolicy x" in decide(look).message


@pytest.mark.parametrize("replicas", [0, 4])
def test_peace_needs_no_replicas(replicas: int) -> None:
    look = release().at_rest().workload(replicas=replicas)
    look.sets(replicaset(STABLE, replicas, name=STABLE_SET))
    assert decide(look).reason is Reason.STABLE
    assert decide(look).wake_at is None
