from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import starts
from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-start-mix"), ids=lambda c: c["id"])
def test_the_recursion_gives_what_brute_force_gives(case: dict[str, Any]) -> None:
    given = case["inputs"]
    found = starts.start_mixture(given["log_increments"], given["pi"])
    assert found == pytest.approx(case["expected"]["e"], abs=case["tolerance"])


def test_masses_beyond_one_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to at most 1"):
        starts.start_mixture([0.0, 0.0], [0.7, 0.7])


@pytest.mark.parametrize("expected", [1, 2, 5, 12])
def test_the_steps_of_a_ladder_share_all_the_mass(expected: int) -> None:
    waiting, masses = 1.0, []
    for ordinal in range(1, expected + 1):
        masses.append(float(starts.start_mass(ordinal, expected, waiting)))
        waiting -= masses[-1]
    assert waiting == pytest.approx(0.0, abs=1e-12)
    parts = np.array([1.0 / (s * (s + 1.0)) for s in range(1, expected + 1)])
    assert masses == pytest.approx(parts / parts.sum())


def test_what_a_short_step_leaves_is_shared_by_the_steps_after_it() -> None:
    planned = starts.start_mass(3, 5, 0.4)
    assert starts.start_mass(3, 5, 0.4 + 0.1) > planned
    assert starts.start_mass(5, 5, 0.123) == pytest.approx(0.123)


def test_a_start_beyond_the_ladder_takes_half_of_what_waits() -> None:
    assert starts.start_mass(7, 3, 0.02) == pytest.approx(0.01)


def test_the_minutes_of_a_step_never_spend_more_than_its_mass() -> None:
    spent = starts.AT_ONCE + starts.late_mass(np.arange(1, 1_000_000)).sum()
    assert 0.96 < spent < 1.0
    assert starts.late_mass([0, 1]).tolist() == [0.0, 0.0]


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_no_ladder_bets_more_than_there_is(minutes: list[int]) -> None:
    """Steps of any length, more of them than the release was said to have, and no data."""
    spec, nothing = HarmSpec("Decrease", 0.99, expected_rate=50.0, starts=4), Counts(0, 0, 0, 0)
    state, at_s, before = spec.start(), 0.0, 1.0
    for step, length in enumerate(minutes):
        for _ in range(length):
            tick = Tick(Interval(at_s, at_s + 60.0), nothing, share=0.1, step=step)
            state, at_s = update_harm(spec, state, tick), at_s + 60.0
            assert 0.0 < float(state.waiting) < before
            before = float(state.waiting)
            assert float(log_evidence(state)) == 0.0
