"""The time of a condition says since when its status and its reason stand."""

from datetime import UTC, datetime, timedelta

from controller.core.conditions import stamped

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
READY = {"Ready": ("True", "Stable", "all is well")}


def test_a_new_condition_begins_now() -> None:
    (ready,) = stamped((), READY, NOW, 7)
    assert (ready.status, ready.reason, ready.message) == ("True", "Stable", "all is well")
    assert (ready.last_transition_time, ready.observed_generation) == (NOW, 7)


def test_another_message_moves_no_time() -> None:
    before = stamped((), READY, NOW, 7)
    (ready,) = stamped(before, {"Ready": ("True", "Stable", "still")}, LATER, 8)
    assert (ready.message, ready.last_transition_time) == ("still", NOW)
    assert ready.observed_generation == 8


def test_another_status_or_reason_does() -> None:
    before = stamped((), READY, NOW, 7)
    for status, reason in (("False", "Stable"), ("True", "Promoted")):
        (ready,) = stamped(before, {"Ready": (status, reason, "")}, LATER, 7)
        assert ready.last_transition_time == LATER


def test_a_condition_that_is_not_said_any_more_goes() -> None:
    assert stamped(stamped((), READY, NOW, 7), {}, LATER, 7) == ()
