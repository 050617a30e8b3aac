"""Which metrics say nothing, and since when: what an author reads while a weight holds."""

from __future__ import annotations

from datetime import UTC, datetime

from analysis.ticks import Counts, Interval, NoData
from controller.runtime.evidence import NoDataNote
from controller.runtime.silence import Silence

SPOKEN = Counts(1.0, 10.0, 1.0, 10.0)


def tick(number: int) -> Interval:
    return Interval(10.0 * number, 10.0 * number + 10.0)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_silence_is_counted_from_the_first_of_its_ticks() -> None:
    first = Silence().after({"orders": NoData("no sample"), "errors": SPOKEN}, tick(3))
    assert first == Silence((NoDataNote("orders", "no sample"),), at(30.0))
    second = first.after({"orders": SPOKEN, "errors": NoData("no series")}, tick(4))
    assert second == Silence((NoDataNote("errors", "no series"),), at(30.0))


def test_a_tick_with_all_metrics_ends_it() -> None:
    silent = Silence().begun({"orders": "down"}, 5.0, stalled=True)
    assert silent.after({"orders": SPOKEN}, tick(1)) == Silence()


def test_a_silence_that_no_tick_tells_of_begins_when_it_is_noticed() -> None:
    assert Silence().begun({"orders": "down"}, 5.0).since == at(5.0)


def test_a_stall_that_was_said_stays_said_until_a_tick_is_folded() -> None:
    stalled = Silence().begun({"orders": "the clock went back"}, 5.0, stalled=True)
    assert stalled.over().stalled
    assert stalled.over().notes == ()
    assert not stalled.after({"orders": NoData("no sample")}, tick(1)).stalled
