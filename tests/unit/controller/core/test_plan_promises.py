"""The promises that one decision can keep or break, over any look at all (`worlds.looks`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.mark import Mark
from controller.core.actions import Answer, Contain, SetWeight
from controller.core.decision import Decision
from controller.core.observed import Command, Evidence, Observed, Verdict
from controller.core.phases import CARRYING, GOING_BACK, Phase
from controller.core.plan import explain, plan
from controller.core.reasons import Reason
from controller.core.run import phase, running
from tests.unit.controller.core.shop import NOW, UID, ago
from tests.unit.controller.core.worlds import RUNNING, in_phase, looks

many = settings(max_examples=150)
ON: Final = (*CARRYING, Phase.ABSORBING)
A_PERSON_ENDS_IT = {Reason.NO_EVIDENCE, Reason.RESTARTING, Reason.REVERTING}
"""Waits past their deadline: `onNoEvidence: Hold`, a restart that does not come up, and a stable
that does not come back while the canary serves; each would lose traffic by going on."""


def raised(o: Observed) -> bool:
    """Whether the decision asks for more traffic on the canary than each route gives."""
    before = o.traffic.least or 0.0
    return any(isinstance(i, SetWeight) and i.percent > before for i in plan(o, NOW).intents)


def entered(decision: Decision) -> Phase | None:
    """The phase that it writes down."""
    return Phase(decision.change_status.phase) if decision.change_status else None


@many
@given(looks())
def test_a_decision_is_always_made_and_explained_by_the_same_rule(o: Observed) -> None:
    assert explain(o, NOW)[-1][0] == plan(o, NOW).rule


@many
@given(looks(ON))
def test_the_weight_is_never_raised_under_a_verdict_of_harm(o: Observed) -> None:
    assert not raised(replace(o, evidence=Evidence(Verdict.ROLLBACK, "harm")))


@many
@given(looks(ON))
def test_the_weight_is_never_raised_while_an_abort_is_asked(o: Observed) -> None:
    abort = Command("uid-abort", "stop", "Abort", "bob", "", "", ago(0.1))
    assert not raised(replace(o, commands=(*o.commands, abort)))


@many
@given(looks(ON))
def test_the_weight_is_never_raised_on_a_route_marked_for_the_change(o: Observed) -> None:
    assert not raised(replace(o, traffic=replace(o.traffic, mark=Mark(UID))))


@many
@given(looks((Phase.STEPPING, Phase.SHIFTING)))
def test_the_weight_is_never_raised_to_a_new_rung_while_somebody_holds_it(o: Observed) -> None:
    held = in_phase(phase(o) or Phase.STEPPING).not_in_force().paused_by_author().observed()
    assert not raised(replace(o, rollout=held.rollout, change=held.change))


@many
@given(looks())
def test_containment_comes_before_everything_else(o: Observed) -> None:
    places = [n for n, i in enumerate(plan(o, NOW).intents) if isinstance(i, Contain)]
    assert places in ([], [0])


@many
@given(looks(tuple(GOING_BACK)))
def test_on_the_way_back_the_canary_gets_no_traffic_and_there_is_no_way_on(o: Observed) -> None:
    decision = plan(o, NOW)
    assert not any(isinstance(i, SetWeight) and i.percent > 0 for i in decision.intents)
    if running(o) is not None:
        assert entered(decision) in {*GOING_BACK, Phase.FINISHED}


@many
@given(st.sampled_from(tuple(CARRYING)), st.integers(1, 4), st.integers(0, 24 * 60 - 1),
       st.sampled_from(tuple(v for v in Verdict if v is not Verdict.ROLLBACK)),
       st.booleans())  # fmt: skip
def test_missing_data_holds_the_weight_until_its_deadline(
    where: Phase, step: int, minutes: int, verdict: Verdict, silent: bool
) -> None:
    r = in_phase(where, step).entered(minutes).verdict(verdict.value)
    decision = plan((r.no_data() if silent else r.no_evidence()).observed(), NOW)
    assert decision.reason is Reason.NO_DATA
    assert entered(decision) is where
    assert decision.change_status is not None
    assert decision.change_status.step == r.change.status.step
    assert not any(isinstance(i, SetWeight | Contain) for i in decision.intents)


@many
@given(looks(RUNNING))
def test_every_running_phase_is_left_by_a_write_a_deadline_or_at_once(o: Observed) -> None:
    decision = plan(replace(o, namespace_ending=False), NOW)
    if running(o) is None:
        return
    goes_on = decision.intents or decision.again or decision.wake_at is not None
    if decision.rule == "leaving" and not o.rollout.metadata.finalizers:
        return  # somebody let it go by force: it ends with its last finalizer
    waits = decision.reason in A_PERSON_ENDS_IT or entered(decision) is Phase.PROPOSED
    assert goes_on or waits, (decision.rule, decision.message)


@many
@given(looks())
def test_the_next_look_lies_in_the_future(o: Observed) -> None:
    decision = plan(o, NOW)
    assert decision.wake_at is None or decision.wake_at > NOW, (decision.rule, decision.message)


@many
@given(looks())
def test_no_intent_is_repeated_and_a_sign_off_gets_one_answer(o: Observed) -> None:
    intents = plan(o, NOW).intents
    answered = [i.signoff for i in intents if isinstance(i, Answer)]
    assert all(i not in intents[:n] for n, i in enumerate(intents))
    assert len(answered) == len(set(answered))


@many
@given(looks())
def test_at_the_end_of_a_namespace_nothing_is_made_or_moved(o: Observed) -> None:
    made = plan(replace(o, namespace_ending=True), NOW).intents
    assert {type(i).__name__ for i in made} <= {"RemoveFinalizer"}


@pytest.mark.parametrize("where", RUNNING)
def test_a_route_that_is_gone_keeps_no_run_for_ever(where: Phase) -> None:
    decision = plan(in_phase(where).route_gone().entered(60 * 25).observed(), NOW)
    assert decision.rule != "traffic_lags" or entered(decision) is Phase.RETREATING
    assert entered(decision) is not where or decision.intents or decision.wake_at
