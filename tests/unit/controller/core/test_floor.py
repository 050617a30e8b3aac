"""The autoscaler's floor: until when it is ours, and that it comes back in every case."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controller.core.actions import RestoreFloor
from controller.core.floor import STAYS, floor_until, hold_floor
from controller.core.phases import Outcome
from controller.core.plan import plan
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import NOW, ago

MINUTES = STAYS.total_seconds() / 60


def raised(look: Release) -> Release:
    """Ours is in force."""
    return look.floor(4, original=2)


def over(minutes: float) -> Release:
    """A run that was taken back so long ago."""
    return release().finished(Outcome.ROLLED_BACK).status(finished_at=ago(minutes))


CASES: Sequence[tuple[str, Release, float | None]] = (
    ("a run needs it", release().stepping(2), None),
    ("its way back too", release().retreating(), None),
    ("also past the run's deadline", release().settling().entered(60), None),
    ("after the run it stays for some minutes", over(1), MINUTES - 1),
    ("and no longer", over(MINUTES), 0),
    ("so it does after a promotion", release().promoted().status(finished_at=ago(1)), MINUTES - 1),
    ("the next proposal does not take it over", release().entered(1), MINUTES - 1),
    ("nor hold it for ever", release().entered(60), -60 + MINUTES),
    ("a Deployment that is gone does not either", over(10).no_workload(), -10 + MINUTES),
    ("an end by a clock ahead of ours counts from ourselves", over(-60).acting_for(2), MINUTES - 2),
    ("a canary that nobody recorded and that has traffic needs it",
     release().stepping(2).no_change(), None),
    ("without its traffic the last change of the condition counts",
     release().at_rest().ruled(Reason.STABLE, 1), MINUTES - 1),
    ("with nothing known of a run it comes back at once", release().at_rest(), 0),
)  # fmt: skip


@pytest.mark.parametrize(("look", "minutes"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_when_the_owners_floor_comes_back(look: Release, minutes: float | None) -> None:
    o = raised(look).observed()
    due = floor_until(o, NOW)
    assert due == (None if minutes is None else ago(-minutes))
    back = due is not None and due <= NOW
    assert hold_floor(o, NOW)[0] == ((RestoreFloor(),) if back else ())


def test_the_next_look_is_when_it_comes_back() -> None:
    assert plan(raised(over(1)).observed(), NOW).wake_at == ago(1 - MINUTES)
    assert plan(over(1).observed(), NOW).wake_at is None


def test_without_a_floor_of_ours_nothing_is_given_back() -> None:
    assert floor_until(over(10).floor(2).observed(), NOW) is None
    assert floor_until(over(10).observed(), NOW) is None
