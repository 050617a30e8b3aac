"""How long a run waits, and from when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.api.rollout import Limits
from controller.core.waits import after, ahead, hold_deadline, progress_deadline, stricter
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import NOW, ago


@pytest.mark.parametrize(("frozen", "live", "counts"), [
    ("24h", "1h", "1h"), ("1h", "24h", "1h"), ("1h", "60m", "1h"), ("1h", "99999d", "1h"),
    ("1h", "soon", "1h"),
])  # fmt: skip
def test_the_stricter_limit_counts_and_a_broken_one_does_not(
    frozen: str, live: str, counts: str
) -> None:
    assert stricter(frozen, live) == counts


def test_waits_count_from_their_beginning() -> None:
    look = release().stepping(2).entered(30)
    assert hold_deadline(look.observed(), look.change, NOW) == ago(30) + timedelta(hours=24)
    assert progress_deadline(look.observed(), look.change, NOW) == ago(20)


def test_or_from_when_this_operator_began_to_act() -> None:
    look = release().stepping(2).entered(30).acting_for(3)
    assert progress_deadline(look.observed(), look.change, NOW) == ago(-7)
    early = release().stepping(2).entered(3).acting_for(30)
    assert progress_deadline(early.observed(), early.change, NOW) == ago(-7)


def test_a_stricter_live_hold_counts_at_once() -> None:
    look = release().stepping(2).entered(30).spec(limits=Limits(hold="1h"))
    assert hold_deadline(look.observed(), look.change, NOW) == ago(-30)


def test_a_wait_without_a_beginning_begins_now() -> None:
    assert after(None, "5m", NOW) == ago(-5)


def test_a_passed_deadline_wakes_nobody() -> None:
    assert ahead(ago(-1), NOW) == ago(-1)
    assert ahead(NOW, NOW) is None
