"""What the whole judgement promises, rule by rule and over everything that can be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core import actions as a
from controller.core.observed import Block, Canary, Traffic, Verdict
from controller.core.phases import CARRYING, GOING_BACK, Outcome, Phase
from controller.core.plan import explain, plan
from controller.core.reasons import Reason
from tests.unit.controller.core.sights import (
    NEW,
    NOW,
    OLD,
    OTHER,
    UID,
    ago,
    command,
    evidence,
    rollout,
    seen,
    workload,
)  # fmt: skip

HARM = evidence(Verdict.ROLLBACK)
PASSED = evidence(Verdict.STEP_UP)
MISSING = evidence(Verdict.STEP_UP, no_data="orders: no pod answers")


@pytest.mark.parametrize(
    ("sentence", "observed", "rule", "phase"),
    [
        ("evidence moves a step", seen(evidence=PASSED), "gathering", Phase.STEPPING),
        ("without evidence it waits", seen(), "gathering", Phase.STEPPING),
        ("harm goes back", seen(evidence=HARM), "harm_found", Phase.RETREATING),
        ("harm in the watch goes back", seen(Phase.WATCHING, weight=98.0, evidence=HARM),
         "harm_found", Phase.RETREATING),
        ("missing data holds even a passed step", seen(evidence=MISSING), "weight_held",
         Phase.STEPPING),
        ("a broken reference holds", seen(evidence=PASSED,
         blocks=(Block(Reason.TRAFFIC_MISSING, "gone"),)), "weight_held", Phase.STEPPING),
        ("a crash loop goes back", seen(canary=Canary(UID, NEW, 1, 0, crashing="shop")),
         "canary_crashing", Phase.RETREATING),
        ("one person aborts", seen(commands=(command("Abort"),)), "aborted_by_person",
         Phase.RETREATING),
        ("an abort in mid-absorb reverts", seen(Phase.ABSORBING, commands=(command("Abort"),)),
         "aborted_by_person", Phase.REVERTING),
        ("a newer edit supersedes", seen(workload=workload(digest=OTHER)), "superseded",
         Phase.RETREATING),
        ("the old template withdraws", seen(workload=workload(digest=OLD)), "withdrawn",
         Phase.RETREATING),
        ("a mark that was not recorded goes back",
         seen(traffic=Traffic(True, 0.0, aborted_for=UID)), "contained_already", Phase.RETREATING),
        ("a person holds", seen(commands=(command("Hold"),), evidence=PASSED), "person_decides",
         Phase.STEPPING),
        ("lost pods take the weight away", seen(canary=None), "canary_lost", Phase.STEPPING),
        ("a foreign weight is repaired", seen(weight=90.0), "traffic_lags", Phase.STEPPING),
        ("the wait for evidence ends", seen(status={"entered_at": ago(90_000)}), "gathering",
         Phase.RETREATING),
    ],
)  # fmt: skip
def test_the_rule_that_answers(sentence: str, observed: Any, rule: str, phase: Phase) -> None:
    decision = plan(observed, NOW)
    assert decision.rule == rule, sentence
    assert decision.change_status is not None
    assert decision.change_status.phase == phase, sentence


def test_containment_is_the_first_thing_asked_for() -> None:
    decision = plan(seen(evidence=HARM, workload=workload(paused=False)), NOW)
    assert decision.intents[0] == a.Contain(UID)
    assert a.Pause() in decision.intents


def test_a_passed_step_starts_its_clocks_anew() -> None:
    status = plan(seen(evidence=PASSED), NOW).change_status
    assert status is not None
    assert (status.step, status.entered_at, status.in_force_since) == (1, NOW, None)


def test_a_held_release_refuses_a_promote() -> None:
    held = seen(status={"held_by": "bob"}, commands=(command("Promote"),))
    decision = plan(held, NOW)
    assert decision.reason is Reason.SIGNOFF_REFUSED
    assert decision.change_status is not None
    assert decision.change_status.step == 0


def test_a_refused_template_is_tried_again_only_after_a_retry() -> None:
    ended = {"outcome": Outcome.ROLLED_BACK.value, "finished_at": ago(10)}
    proposal = seen().change.spec  # type: ignore[union-attr]
    rest = seen(
        Phase.FINISHED, status=ended, canary=None, traffic=Traffic(True), evidence=None,
        proposal=proposal, proposal_name="checkout-new-2",
    )  # fmt: skip
    assert plan(rest, NOW).reason is Reason.REJECTED
    again = plan(replace(rest, commands=(command("Retry"),)), NOW)
    assert a.CreateChange("checkout-new-2", proposal) in again.intents


def test_explain_ends_with_the_rule_that_answers() -> None:
    assert explain(seen(evidence=HARM), NOW)[-1][0] == "harm_found"


WEIGHTS = st.sampled_from([None, 0.0, 5.0, 50.0, 98.0, 100.0])
OBSERVED = st.builds(
    seen,
    st.sampled_from([p for p in Phase if p is not Phase.FINISHED]),
    status=st.fixed_dictionaries(
        {
            "entered_at": st.sampled_from([ago(1), ago(700), ago(90_000)]),
            "in_force_since": st.sampled_from([None, ago(1)]),
            "step": st.integers(0, 1),
            "outcome": st.just(Outcome.ROLLED_BACK.value),
            "reason": st.just(Reason.HARM_FOUND.value),
            "held_by": st.sampled_from(["", "bob"]),
            "losses": st.integers(0, 3),
        }
    ),
    rollout=st.sampled_from(
        [rollout(), rollout(spec={"paused": True}), rollout(metadata={"deletion_timestamp": NOW})]
    ),
    workload=st.one_of(
        st.none(),
        st.builds(
            workload,
            digest=st.sampled_from([OLD, NEW, OTHER]),
            paused=st.booleans(),
            complete=st.booleans(),
            replicas=st.sampled_from([0, 1, 4]),
            uid=st.sampled_from(["d-uid", "another"]),
            adopted=st.booleans(),
        ),
    ),
    canary=st.one_of(
        st.none(),
        st.builds(
            Canary,
            st.just(UID),
            st.just(NEW),
            wanted=st.integers(0, 4),
            available=st.integers(0, 4),
            crashing=st.sampled_from(["", "shop"]),
        ),
    ),
    traffic=st.builds(
        Traffic,
        routed=st.booleans(),
        weight=WEIGHTS,
        in_force=st.booleans(),
        aborted_for=st.sampled_from(["", UID]),
        touched=st.booleans(),
    ),
    evidence=st.sampled_from([None, HARM, PASSED, MISSING, evidence()]),
    commands=st.lists(
        st.sampled_from([command(d) for d in ("Abort", "Hold", "Release", "Promote", "Retry")]),
        unique=True,
        max_size=2,
    ).map(tuple),
)


@given(OBSERVED)
def test_the_weight_never_rises_under_harm_an_abort_a_mark_or_on_the_way_back(o: Any) -> None:
    decision = plan(o, NOW)
    raised = [i for i in decision.intents if isinstance(i, a.SetWeight) and i.percent > 0]
    phase = Phase(o.change.status.phase)
    harmed = o.evidence is HARM and phase in CARRYING
    aborted = any(c.decision == "Abort" for c in o.commands) and phase in CARRYING
    if harmed or aborted or phase in GOING_BACK:
        assert not raised
    if o.traffic.aborted_for == UID and phase in {*CARRYING, Phase.ABSORBING}:
        assert not raised


@given(OBSERVED)
def test_missing_data_never_passes_a_step_by_itself(o: Any) -> None:
    decision = plan(replace(o, commands=(), evidence=MISSING), NOW)
    status = decision.change_status
    if status is not None and Phase(o.change.status.phase) is Phase.STEPPING:
        assert status.step == o.change.status.step or status.phase != Phase.STEPPING
        assert status.phase not in (Phase.SHIFTING, Phase.ABSORBING)


@given(OBSERVED)
def test_containment_comes_first_whenever_it_is_asked_for(o: Any) -> None:
    intents = plan(o, NOW).intents
    contained = [place for place, i in enumerate(intents) if isinstance(i, a.Contain)]
    assert contained in ([], [0])
