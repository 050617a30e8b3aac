"""How the rules and the upkeep become one decision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from controller.core.actions import (
    Answer,
    ApplyCanary,
    Contain,
    Pause,
    ScaleReplicaSet,
    SetWeight,
)
from controller.core.guards.order import ORDER
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.plan import explain, judge, plan
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import decide
from tests.unit.controller.core.shop import (
    NOW,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    ago,
    replicaset,
)
from tests.unit.controller.core.worlds import RUNNING, in_phase


def kinds(look: Release) -> list[str]:
    return [type(i).__name__ for i in decide(look).intents]


def test_containment_comes_before_the_upkeep() -> None:
    look = release().stepping(2).verdict("ROLLBACK").workload(paused=False).floor(1)
    assert kinds(look) == ["Contain", "Pause", "RaiseFloor"]


def test_weight_0_comes_before_the_upkeep_as_one_failure_ends_the_intents() -> None:
    assert decide(release().stepping(3).no_canary().floor(1)).intents[0] == SetWeight(0, UID)


def test_other_intents_come_after_the_upkeep() -> None:
    look = release().stepping(2).weight(1).not_in_force().workload(paused=False)
    assert kinds(look) == ["Pause", "SetWeight"]


def test_what_rule_and_upkeep_both_ask_for_is_asked_once() -> None:
    look = release().reverting(0).weight(0).workload(paused=False)
    look.sets(replicaset(STABLE, 0, name=STABLE_SET), replicaset(TARGET, 4, name=TARGET_SET))
    intents = decide(look.signed("Promote", change="another")).intents
    assert len([i for i in intents if isinstance(i, Pause)]) == 1
    assert len([i for i in intents if isinstance(i, ScaleReplicaSet)]) == 2
    assert len([i for i in intents if isinstance(i, Answer)]) == 1


def test_under_harm_the_canary_is_not_what_comes_first() -> None:
    intents = decide(release().stepping(4).scaled(8).verdict("ROLLBACK")).intents
    assert intents[0] == Contain(UID)
    assert all(not isinstance(i, SetWeight) for i in intents)
    assert ApplyCanary(UID, 4) in intents


def test_the_rule_that_answers_gives_its_name() -> None:
    name, ruling = judge(release().stepping(2).observed(), NOW)
    assert (name, ruling.reason) == ("gathering", Reason.GATHERING)


def test_explain_asks_every_rule_up_to_the_one_that_answers() -> None:
    table = explain(release().stepping(2).observed(), NOW)
    names = [row[0] for row in table]
    assert names == [guard.__name__ for guard in ORDER][: len(names)]
    assert [row[2] for row in table[:-1]] == ["-"] * (len(table) - 1)
    assert table[-1][2] == "GatheringEvidence: the numbers"
    assert all(row[1] for row in table)


@pytest.mark.parametrize("where", RUNNING)
def test_each_phase_that_is_well_has_a_next_moment_or_a_write(where: Phase) -> None:
    decision = decide(in_phase(where))
    assert decision.intents or decision.again or decision.wake_at


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_a_kill_after_containment_leads_to_the_same_end(where: Phase) -> None:
    """The mark is on the route, the record is missing: whatever asked for it, the way is back."""
    for look in (
        in_phase(where).verdict("ROLLBACK"),
        in_phase(where).signed("Abort"),
        in_phase(where).edited(),
        in_phase(where).edited(STABLE),
        in_phase(where).no_data().entered(60 * 25),
    ):
        decision = decide(look)
        meant = decision.change_status
        (written,) = (i for i in decision.intents if isinstance(i, Contain))
        marked = look.weight(0).marked(UID, written.outcome, written.reason)
        found = decide(marked).change_status
        assert meant is not None
        assert found is not None
        assert (found.phase, found.outcome, found.reason) == (
            meant.phase, meant.outcome, meant.reason,
        )  # fmt: skip


@pytest.mark.parametrize("where", sorted(CARRYING))
def test_a_kill_after_the_record_asks_for_the_same_again(where: Phase) -> None:
    """The status was written, none of the intents was carried out: nothing is lost."""
    recorded = decide(in_phase(where).verdict("ROLLBACK").kill_switch()).change_status
    assert recorded is not None
    look = in_phase(where).kill_switch()
    look.o = replace(look.o, change=changed(look.change, status=recorded))
    assert decide(look).intents[0] == Contain(UID)
    gone = look.weight(0).marked().status(drain_until=ago(0))
    assert kinds(gone)[-2:] == ["SwitchOff", "RemoveCanary"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_ended_change_is_never_written_again(outcome: Outcome) -> None:
    assert plan(release().finished(outcome).observed(), NOW).change_status is None
