import numpy as np
import pytest

from analysis.gaps import GapMemory
from analysis.ticks import Interval


def remembered(*missing: bool, tick_s: float = 10.0, window_s: float = 100.0) -> GapMemory:
    memory = GapMemory.start()
    for i, gone in enumerate(missing):
        memory = memory.with_tick(Interval(i * tick_s, (i + 1) * tick_s), gone, window_s)
    return memory


def test_nothing_seen_is_nothing_missing() -> None:
    assert GapMemory.start().missing_share() == 0.0


def test_the_share_is_of_the_window() -> None:
    assert remembered(False, True, False, False).missing_share() == pytest.approx(0.25)


def test_an_old_gap_is_forgotten() -> None:
    assert remembered(*[True] * 5, *[False] * 10).missing_share() == 0.0


def test_time_that_no_tick_covered_is_missing() -> None:
    memory = remembered(False).with_tick(Interval(40, 50), False, 100.0)
    assert memory.missing_share() == pytest.approx(30 / 50)
    later = memory.with_tick(Interval(10_000, 10_010), False, 100.0)
    assert later.missing_share() > 0.9


def test_each_run_has_its_own_gaps() -> None:
    memory = GapMemory.start((2,)).with_tick(Interval(0, 10), np.array([True, False]), 100.0)
    assert memory.missing_share().tolist() == [1.0, 0.0]


def test_the_time_before_a_steps_first_tick_is_no_gap() -> None:
    memory = remembered(False, False)
    same = memory.with_tick(Interval(60, 70), False, 100.0)
    first = memory.with_tick(Interval(60, 70), False, 100.0, entering=True)
    assert same.missing_share() == pytest.approx(40 / 70)
    assert first.missing_share() == 0.0


def test_each_of_many_comparisons_enters_its_own_step() -> None:
    memory = GapMemory.start((2,)).with_tick(Interval(0, 10), False, 100.0)
    memory = memory.with_tick(Interval(30, 40), False, 100.0, entering=np.array([True, False]))
    assert memory.missing_share().tolist() == pytest.approx([0.0, 0.5])
