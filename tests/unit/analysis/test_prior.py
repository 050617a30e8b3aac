import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import prior
from analysis.ticks import Direction


@pytest.mark.parametrize(
    ("rate", "share", "events"), [(50.0, 0.01, 297.0), (50.0, 0.5, 7500.0), (1 / 60, 0.1, 20.0)]
)
def test_the_grid_is_made_for_what_ten_minutes_can_show(
    rate: float, share: float, events: float
) -> None:
    assert prior.events_in_sight(rate, share) == pytest.approx(events)


def test_an_unknown_rate_has_a_fallback() -> None:
    assert prior.events_in_sight(np.nan, 0.01) == pytest.approx(297.0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, np.nan])
def test_the_level_lies_inside_its_range(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must lie inside"):
        prior.detectable_effect(alpha, 100.0)


@pytest.mark.parametrize("direction", ["Decrease", "Increase"])
def test_the_weights_are_65_15_20(direction: Direction) -> None:
    cells = prior.harm_cells(direction, 0.2)
    weights = np.exp(prior.harm_log_weights(cells, 0.2))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-1] == pytest.approx(0.20)
    assert np.exp(-cells[-1]) == pytest.approx(0.03 if direction == "Decrease" else 1 / 8)
    assert cells[0] == pytest.approx(0.4 * 0.2)
    steps = np.diff(np.log(cells[:24]))
    assert steps == pytest.approx(np.full(23, steps[0]))
    flat = weights[:24].min()
    assert flat == pytest.approx(0.15 / 24, rel=1e-3)


@given(st.floats(0.02, 1.0), st.floats(0.02, 1.0), st.integers(0, 2**32 - 1))
def test_moving_wealth_to_another_grid_keeps_its_sum(old: float, new: float, seed: int) -> None:
    wealth = np.random.default_rng(seed).normal(0.0, 30.0, (3, 25))
    moved = prior.rebet(wealth, "Decrease", np.full(3, old), np.full(3, min(old, new)))
    before, after = np.exp(wealth).sum(axis=-1), np.exp(moved).sum(axis=-1)
    assert after == pytest.approx(before, rel=1e-10)


def test_moving_wealth_to_the_same_grid_leaves_it() -> None:
    wealth = np.linspace(-3.0, 2.0, 25)
    same = prior.rebet(wealth, "Increase", np.array(0.1), np.array(0.1))
    assert np.exp(same) == pytest.approx(np.exp(wealth), rel=1e-9)
