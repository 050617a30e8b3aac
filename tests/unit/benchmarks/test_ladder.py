"""The ladder's benchmark lets good releases through, stops bad ones and says when."""

import numpy as np
import pytest

from analysis import ladder as planner
from benchmarks.ladder import _median, _summary, climb, hold_by_clock


def test_the_ladder_lets_a_good_release_through_and_stops_a_bad_one() -> None:
    assert climb(1.0, 0.99, "evidence", 10, (1,))["p_full"] == 1.0
    assert climb(0.5, 0.99, "evidence", 10, (1,))["p_rollback"] == 1.0
    assert climb(0.5, 0.99, "clock", 10, (1,))["found_before_last_step"] == 1.0


def test_by_the_clock_a_step_lasts_as_long_as_a_good_release_needs() -> None:
    holds = hold_by_clock()
    assert holds[:3].tolist() == [300.0, 300.0, 300.0]
    assert 300.0 < holds[3] < 420.0
    assert np.isinf(holds[4])
    assert len(holds) == len(planner.USUAL)


def test_runs_found_before_the_last_step_count_as_found_soon() -> None:
    back = np.array([100.0, 2000.0, 3000.0, np.inf])
    into_last = np.array([np.nan, 600.0, 900.0, np.nan])
    full = np.array([np.inf, np.inf, np.inf, 4000.0])
    found = _summary(back, full, into_last)
    assert found["p_rollback"] == 0.75
    assert found["found_before_last_step"] == 0.25
    assert found["found_soon"] == 0.5
    assert found["found_into_last_step_s"] == 600.0
    assert found["survivors_into_last_step_s"] == 750.0
    assert found["seconds_to_full"] == 4000.0


def test_nothing_finds_a_loss_sooner_than_the_test_that_knows_it() -> None:
    found = climb(0.97, 1.0, "clock", 60, (1,))
    assert found["oracle_into_last_step_s"] < found["found_into_last_step_s"]
    assert "oracle_into_last_step_s" not in climb(0.5, 1.0, "evidence", 5, (1,))


def test_the_median_of_nothing_is_null() -> None:
    assert _median("x", np.array([])) == {"x": None, "x_se": None}


def test_the_error_of_a_median_is_that_of_normal_values() -> None:
    values = np.random.default_rng(1).normal(0.0, 1.0, 4000)
    error = _median("x", values)["x_se"]
    assert error == pytest.approx(1.2533 / np.sqrt(4000), rel=0.3)
