"""Which sign-offs are still to be acted on."""

from __future__ import annotations

import pytest

from controller.core.phases import Outcome
from controller.core.signoffs import applicable, handled, speaks_of
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import CHANGE


def test_sign_offs_come_oldest_first_and_once() -> None:
    look = release().signed("Hold", minutes=0.1).signed("Release").signed("Abort")
    found = applicable(look.observed(), "Hold", "Release")
    assert [c.decision for c in found] == ["Release", "Hold"]
    look.status(handled=("uid-2",))
    assert [c.decision for c in applicable(look.observed(), "Hold", "Release")] == ["Hold"]


def test_nothing_applies_to_what_is_over() -> None:
    assert not applicable(release().finished(Outcome.ABORTED).signed("Hold").observed(), "Hold")


@pytest.mark.parametrize(("named", "minutes", "meant"), [
    (CHANGE, 600, True), ("another", 0, False), ("", 0, True), ("", 60, True), ("", 61, False),
])  # fmt: skip
def test_which_change_a_sign_off_speaks_of(named: str, minutes: float, meant: bool) -> None:
    look = release().signed("Hold", change=named, minutes=minutes)
    assert speaks_of(look.o.commands[0], look.change) is meant


def test_handled_sign_offs_are_added() -> None:
    look = release().status(handled=("before",)).signed("Hold")
    assert handled(look.change.status, look.o.commands[0]).handled == ("before", "uid-1")
