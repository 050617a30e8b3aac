"""Ticks are folded as soon as their samples are there, in portions, and only within a segment."""

from __future__ import annotations

from dataclasses import replace

from controller.metrics.port import NoData, Reading, Samples, Series, Wanted
from controller.runtime.evidence import Run
from controller.runtime.folding import Folding, Segment
from controller.runtime.questions import questions
from tests.unit.controller.runtime.scripted import EPOCH_S, Scripted, Shop, plan, run


def served(**more: str) -> Run:
    return run(plan(Scripted(Shop(), rereads=True), tick="10s", cover_harm_after="60s", **more))


def look(of: Run, *times: float, only: str = "") -> dict[Wanted, Reading]:
    """Each question is answered by one pod that counts one a second."""
    samples = tuple((EPOCH_S + at, 1000.0 + at) for at in times)
    series = Series("x", (("pod", "p"),), samples)
    return {
        one: Samples((series,)) if only in one.role else NoData("no series", True)
        for one in questions(of, of.plan.sources[0])
    }


def begun(of: Run) -> Folding:
    folding = Folding(of)
    folding.begin(EPOCH_S, EPOCH_S, EPOCH_S)
    return folding


def test_a_tick_waits_for_the_first_sample_after_it() -> None:
    folding = begun(served())
    folding.add(look(folding.run, 0, 8, 16))
    assert folding.fold_until(EPOCH_S + 20)
    assert folding.tick_end_s == EPOCH_S + 10
    assert not folding.fold_until(EPOCH_S + 20)
    folding.add(look(folding.run, 8, 16, 24))
    assert folding.fold_until(EPOCH_S + 30)
    assert folding.tick_end_s == EPOCH_S + 20
    (report,) = folding.view().reports
    assert (report.canary_events, report.canary_exposures) == (20, 20)


def test_a_target_that_is_silent_for_long_is_not_waited_for() -> None:
    folding = begun(served())
    folding.add(look(folding.run, 0, 8, 16))
    assert folding.fold_until(EPOCH_S + 30)
    assert folding.tick_end_s == EPOCH_S + 10
    assert folding.knows_spacing
    assert folding.fold_until(EPOCH_S + 40)
    assert folding.tick_end_s == EPOCH_S + 40
    assert "has had no sample for" in folding.view().no_data[0].reason
    assert not folding.knows_spacing  # a longer window is read, should the pace have changed


def test_an_hour_that_is_read_again_is_folded_in_portions() -> None:
    folding = begun(served())
    folding.add(look(folding.run, *range(0, 3601, 15)))
    for portion in range(1, 73):
        assert folding.fold_until(EPOCH_S + 3600, 5)
        assert folding.tick_end_s == EPOCH_S + 50 * portion
    assert not folding.fold_until(EPOCH_S + 3600, 5)
    (report,) = folding.view().reports
    assert report.canary_exposures == 3600


def test_the_first_ticks_of_a_step_may_lack_data_and_no_later_one() -> None:
    folding = begun(served())
    folding.add(look(folding.run, 5, 13))
    assert folding.fold_until(EPOCH_S + 10)
    assert folding.view().assessment is None
    folding.add(look(folding.run, 13, 21, 29, 37))
    assert folding.fold_until(EPOCH_S + 30)
    assert folding.view().assessment is not None
    folding.begin(EPOCH_S + 40, EPOCH_S, EPOCH_S + 40)
    folding.add(look(folding.run, 45, 53))
    assert folding.fold_until(EPOCH_S + 50)
    assert [note.metric for note in folding.view().no_data] == ["orders"]


def test_pods_are_no_part_of_a_segment_and_versions_are() -> None:
    of = served()
    assert Segment.of(of) == Segment.of(replace(of, stable=replace(of.stable, pods=())))
    assert Segment.of(of) != Segment.of(replace(of, stable=replace(of.stable, hash="newer")))
    assert Segment.of(of) != Segment.of(replace(of, plan=served(server="two").plan))
    assert Segment.of(replace(of, in_force_since=None)) is None
