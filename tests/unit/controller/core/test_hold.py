"""Whose pause it is that a Deployment carries, and whose is resumed."""

from __future__ import annotations

import pytest

from controller.core.hold import may_resume, shown_hold
from controller.core.observed import HoldMode
from tests.unit.controller.core.builders import release


@pytest.mark.parametrize(("was", "paused", "mode", "shown"), [
    ("", False, HoldMode.ON_CHANGE, "OnChange"),
    ("", True, HoldMode.ON_CHANGE, "Owner"),
    ("", True, HoldMode.ALWAYS, "Always"),
    ("Owner", True, HoldMode.ON_CHANGE, "Owner"),
    ("Owner", False, HoldMode.ON_CHANGE, "OnChange"),
    ("OnChange", True, HoldMode.ON_CHANGE, "OnChange"),
    ("OnChange", False, HoldMode.ALWAYS, "Always"),
    ("Always", True, HoldMode.ON_CHANGE, "Always"),
    ("Always", False, HoldMode.ON_CHANGE, "OnChange"),
])  # fmt: skip
def test_a_pause_is_said_until_it_is_resumed(
    was: str, paused: bool, mode: HoldMode, shown: str
) -> None:
    look = release().at_rest().workload(paused=paused).hold_mode(mode).rollout_status(hold=was)
    assert shown_hold(look.observed()) == shown


def test_nothing_is_said_of_a_deployment_that_is_not_ours_yet() -> None:
    assert shown_hold(release().at_rest().workload(adopted=False, paused=True).observed()) == ""
    assert shown_hold(release().at_rest().no_workload().observed()) == ""


@pytest.mark.parametrize(("was", "ours"), [
    ("", False), ("Owner", False), ("OnChange", True), ("Always", True),
])  # fmt: skip
def test_only_the_owner_s_own_pause_stays(was: str, ours: bool) -> None:
    assert may_resume(release().at_rest().rollout_status(hold=was).observed()) is ours


def test_after_a_first_release_every_pause_at_rest_is_ours() -> None:
    assert may_resume(release().promoted().rollout_status(hold="Owner").observed())
