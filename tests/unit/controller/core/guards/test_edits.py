"""What an edit in mid-run means, and what people say about the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.actions import Contain, SetWeight
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.plan import plan
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import Case, answers, decide, proves, table
from tests.unit.controller.core.shop import CHANGE, NOW, STABLE, UID, ago
from tests.unit.controller.core.worlds import in_phase

EDITS = (
    Case("an edit back to stable withdraws the release", release().stepping(2).edited(STABLE),
         "withdrawn", Reason.WITHDRAWN, Phase.RETREATING, (Contain(UID),),
         outcome=Outcome.WITHDRAWN),
    Case("a withdrawn proposal is over at once", release().edited(STABLE), "withdrawn",
         Reason.WITHDRAWN, Phase.FINISHED, outcome=Outcome.WITHDRAWN),
    Case("a newer edit replaces the run", release().stepping(2).edited(), "superseded",
         Reason.SUPERSEDED, Phase.RETREATING, (Contain(UID),), outcome=Outcome.SUPERSEDED),
    Case("a newer edit replaces a proposal", release().edited(), "superseded",
         Reason.SUPERSEDED, Phase.FINISHED, outcome=Outcome.SUPERSEDED),
    Case("a newer edit in mid-absorb goes back to stable first", release().absorbing().edited(),
         "superseded", Reason.SUPERSEDED, Phase.REVERTING, not_=(Contain,)),
    Case("an edit back to stable in mid-absorb does so too",
         release().absorbing().edited(STABLE), "withdrawn", Reason.WITHDRAWN, Phase.REVERTING),
    Case("harm outranks an edit", release().stepping(2).edited().verdict("ROLLBACK"),
         "harm_found", Reason.HARM_FOUND, Phase.RETREATING, outcome=Outcome.ROLLED_BACK),
    Case("a held run is replaced as well", release().stepping(2).edited().held_by("alice"),
         "superseded", Reason.SUPERSEDED, Phase.RETREATING),
    Case("where edits wait the run goes on", release().stepping(2).edited().edits_wait(),
         "gathering", Reason.GATHERING, Phase.STEPPING),
    Case("a run whose own template is not kept cannot let an edit wait",
         release().stepping(2).edited().edits_wait(kept=False), "superseded", Reason.SUPERSEDED,
         Phase.RETREATING),
    Case("an edit before the first rung has nothing to wait for",
         release().edited().edits_wait(), "superseded", Reason.SUPERSEDED, Phase.FINISHED),
    Case("without a full canary to serve meanwhile no edit waits",
         release().stepping(2).edited().edits_wait().by_pods(), "superseded", Reason.SUPERSEDED,
         Phase.RETREATING),
    Case("nor in place", release().stepping(2).edited().edits_wait().in_place(), "superseded",
         Reason.SUPERSEDED, Phase.RETREATING),
    Case("nor behind a restart",
         release().absorbing(0).restart_only().edited().edits_wait().no_canary().weight(0),
         "superseded", Reason.SUPERSEDED, Phase.REVERTING),
    Case("an edit back to stable does not wait",
         release().stepping(2).edited(STABLE).edits_wait(), "withdrawn", Reason.WITHDRAWN,
         Phase.RETREATING),
    Case("harm is found while an edit waits",
         release().watching().edited().edits_wait().verdict("ROLLBACK"), "harm_found",
         Reason.HARM_FOUND, Phase.RETREATING),
    Case("later steps and thresholds count for the next Change",
         release().stepping(2).spec(steps=()), "gathering", Reason.GATHERING, Phase.STEPPING),
)  # fmt: skip
SAID = (
    Case("a Hold is noted", release().stepping(2).signed("Hold"), "person_decides", Reason.HELD,
         Phase.STEPPING),
    Case("a Hold comes before evidence that would let it pass",
         release().stepping(2).verdict("STEP_UP").signed("Hold"), "person_decides", Reason.HELD,
         Phase.STEPPING),
    Case("a Release lets it go on", release().stepping(2).held_by("bob").signed("Release"),
         "person_decides", Reason.SIGNOFF_APPLIED, Phase.STEPPING),
    Case("a Promote passes the rung in hand", release().stepping(2).signed("Promote"),
         "person_decides", Reason.STEP_SKIPPED, Phase.STEPPING, not_=(SetWeight,)),
    Case("a Promote passes the last rung", release().stepping(4).signed("Promote"),
         "person_decides", Reason.STEP_SKIPPED, Phase.SHIFTING),
    Case("a Promote ends the watch", release().watching().signed("Promote"), "person_decides",
         Reason.STEP_SKIPPED, Phase.ABSORBING),
    Case("a Promote passes a rung without data", release().stepping(2).no_data().signed("Promote"),
         "person_decides", Reason.STEP_SKIPPED, Phase.STEPPING),
    Case("a Promote ends a wait past its deadline",
         release().stepping(2).entered(60 * 30).limits(on_no_evidence="Hold").signed("Promote"),
         "person_decides", Reason.STEP_SKIPPED, Phase.STEPPING),
    Case("an Abort outranks a Hold that is older",
         release().stepping(2).signed("Hold", minutes=1).signed("Abort"), "aborted_by_person",
         Reason.ABORTED, Phase.RETREATING),
)  # fmt: skip
REFUSED = {
    "a Promote of a held release": release().stepping(2).held_by("bob").signed("Promote"),
    "a Promote while spec.paused": release().stepping(2).paused_by_author().signed("Promote"),
    "a Promote while something is broken": release().stepping(2).blocked().signed("Promote"),
    "a Promote of a proposal": release().held_by("").signed("Promote"),
    "a Promote on the way to full traffic": release().shifting().signed("Promote"),
    "a Promote in mid-absorb": release().absorbing().signed("Promote"),
    "a Promote on the way back": release().retreating().signed("Promote"),
    "a Promote that was signed at the rung before":
        release().stepping(2).signed("Promote", minutes=3),
    "a Hold in mid-absorb, which cannot be held": release().absorbing().signed("Hold"),
    "a Hold of a release that is absorbed": release().settling().signed("Hold"),
    "a Hold of another Change": release().stepping(2).signed("Hold", change="another"),
    "a Retry while the release runs": release().stepping(2).signed("Retry"),
    "a Hold with nothing in hand": release().at_rest().signed("Hold"),
    "an Abort of a release that is over": release().finished(Outcome.PROMOTED).signed("Abort"),
}  # fmt: skip


@table((*EDITS, *SAID))
def test_edits_and_people(case: Case) -> None:
    proves(case)


@pytest.mark.parametrize("look", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_and_the_release_goes_on_as_without_it(look: Release) -> None:
    decision, without = decide(look), plan(replace(look.o, commands=()), NOW)
    assert answers(look) == {"sign-1": "Refused"}
    assert decision.change_status == without.change_status
    assert decision.steps == without.steps


def test_a_refusal_keeps_no_traffic_on_a_canary_that_is_lost() -> None:
    lost = release().stepping(2).held_by("bob").signed("Promote").canary(ready=0)
    assert decide(lost).away == (SetWeight(0, UID),)


def test_a_refusal_is_still_a_refusal_when_the_answer_is_slow_to_be_seen() -> None:
    look = release().stepping(2).held_by("bob").signed("Promote")
    seen_again = look.status(handled=_handled(look))
    assert answers(seen_again) == {"sign-1": "Refused"}


def test_of_two_promotes_for_one_rung_only_one_passes_it() -> None:
    look = release().stepping(2).signed("Promote", by="alice").signed("Promote", by="bob")
    first = decide(look).change_status
    assert first is not None
    assert (first.step, first.handled) == (2, ("uid-1",))
    again = look.status(step=2, entered_at=first.entered_at, handled=first.handled)
    second = decide(again)
    assert second.reason is not Reason.STEP_SKIPPED
    assert answers(again)["sign-2"] == "Refused"
    assert second.change_status is not None
    assert second.change_status.step == 2


def test_a_sign_off_counts_once() -> None:
    look = release().stepping(2).signed("Promote").status(handled=("uid-1",))
    assert decide(look).rule == "gathering"
    assert answers(look) == {"sign-1": "Applied"}


def test_an_answered_sign_off_is_never_acted_on_again() -> None:
    look = release().stepping(2).signed("Abort", answered=True)
    assert decide(look).rule == "gathering"
    assert answers(look) == {}


def test_sign_offs_are_acted_on_one_at_a_time_oldest_first() -> None:
    look = release().stepping(2).signed("Release", minutes=0.2).signed("Hold", minutes=0.4)
    status = decide(look).change_status
    assert status is not None
    assert (status.held_by, status.handled) == ("alice", ("uid-2",))


def test_a_sign_off_in_the_second_of_its_change_counts_though_times_are_cut() -> None:
    look = release().stepping(2).signed("Hold", minutes=60 + 0.5 / 60)
    assert decide(look).rule == "person_decides"


def test_a_sign_off_that_names_the_change_is_for_it_alone() -> None:
    named = release().stepping(2).signed("Hold", change=CHANGE)
    assert decide(named).rule == "person_decides"


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_a_newer_edit_replaces_the_run_wherever_the_canary_carries_traffic(where: Phase) -> None:
    decision = decide(in_phase(where).edited())
    assert decision.rule == "superseded"
    assert decision.intents[0] == Contain(UID)


def test_a_promote_is_judged_by_when_its_wait_began() -> None:
    just_before = release().stepping(2).signed("Promote", minutes=2 + 0.9 / 60)
    assert decide(just_before).reason is Reason.STEP_SKIPPED
    assert just_before.change.status.entered_at == ago(2)


def _handled(look: Release) -> tuple[str, ...]:
    status = decide(look).change_status
    assert status is not None
    return status.handled
