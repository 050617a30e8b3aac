"""What each sign-off is told."""

from __future__ import annotations

import pytest

from controller.core.actions import Answer
from controller.core.answers import answers
from controller.core.phases import Phase
from controller.core.upkeep import upkeep
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import NOW
from tests.unit.controller.core.worlds import in_phase


def told(look: Release) -> list[Answer]:
    return answers(look.observed())[0]


@pytest.mark.parametrize("where", list(Phase))
def test_every_sign_off_of_another_change_is_answered_in_every_phase(where: Phase) -> None:
    look = in_phase(where).signed("Abort", change="another").signed("Promote", change="another")
    states = [a.state for a in told(look)]
    assert states == ["Refused", "Refused"]


def test_what_was_acted_on_is_answered_after_a_crash() -> None:
    look = release().retreating().signed("Abort").status(handled=("uid-1",))
    assert [a.state for a in told(look)] == ["Applied"]


def test_no_change_in_hand_is_named_and_so_is_one_in_a_phase_that_is_too_late() -> None:
    (nothing,) = told(release().no_change().signed("Abort"))
    assert nothing.message == "Abort does not apply: no Change is in hand"
    late = release().retreating().signed("Promote")
    assert told(late)[0].message == (f"Promote does not apply to {late.change.name} (Retreating)")


def test_a_refusal_is_told_to_people_beside_the_answer() -> None:
    look = release().stepping(1).status(held_by="carol").signed("Promote")
    due, notes = answers(look.observed())
    assert [a.state for a in due] == ["Refused"]
    assert [n.message for n in notes] == [due[0].message]


def test_they_are_part_of_the_upkeep() -> None:
    look = release().retreating().signed("Promote")
    assert set(told(look)) <= set(upkeep(look.observed(), NOW)[0])
