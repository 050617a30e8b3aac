from typing import Any

import numpy as np
import pytest

from analysis.bounded import BoundedSpec, bounded_interval, update_bounded


@pytest.mark.parametrize("betting", [True, False])
def test_the_mean_is_never_outside_more_often_than_the_budget(betting: bool) -> None:
    rng, runs = np.random.default_rng(3), 300
    spec = BoundedSpec(alpha=0.1, betting=betting)
    state, missed = spec.start((runs,)), np.zeros(runs, dtype=bool)
    for _ in range(200):
        state = update_bounded(spec, state, rng.beta(2.0, 6.0, runs))
        low, high = bounded_interval(spec, state)
        missed |= (low > 0.25) | (high < 0.25)
    assert missed.mean() <= 0.1 + 2 * 0.018
    assert float((high - low).mean()) < 0.25


def test_the_bernstein_sums_are_those_of_the_formula() -> None:
    spec, values = BoundedSpec(alpha=0.05, betting=False), np.array([0.3, 0.9, 0.1, 0.5])
    state = spec.start()
    weights = weighed = penalty = 0.0
    squares = total = 0.0
    for t, x in enumerate(values, start=1):
        state = update_bounded(spec, state, x)
        before = (0.5 + total) / t
        variance = (0.25 + squares) / t
        bet = min(np.sqrt(2 * np.log(2 / 0.05) / (variance * t * np.log(1 + t))), 0.5)
        total += x
        squares += (x - (0.5 + total) / (t + 1)) ** 2
        weights, weighed = weights + bet, weighed + bet * x
        penalty += (x - before) ** 2 * (-np.log1p(-bet) - bet)
    assert float(state.weights) == pytest.approx(weights)
    assert float(state.weighed) == pytest.approx(weighed)
    assert float(state.penalty) == pytest.approx(penalty)


@pytest.mark.parametrize("betting", [True, False])
def test_no_value_is_no_knowledge_and_nan_is_left_out(betting: bool) -> None:
    spec = BoundedSpec(betting=betting)
    state = update_bounded(spec, spec.start((2,)), [np.nan, 0.5])
    low, high = bounded_interval(spec, state)
    assert (float(low[0]), float(high[0])) == (0.0, 1.0)
    assert state.n.tolist() == [0.0, 1.0]


def test_betting_is_the_narrower_of_the_two() -> None:
    rng = np.random.default_rng(1)
    widths = {}
    values = rng.beta(10, 30, 300)
    for betting in (True, False):
        spec = BoundedSpec(betting=betting)
        state = spec.start()
        for x in values:
            state = update_bounded(spec, state, x)
        low, high = bounded_interval(spec, state)
        widths[betting] = float(high - low)
    assert widths[True] < widths[False]


def test_impossible_values_exclude_every_mean_only_after_many_of_them() -> None:
    spec = BoundedSpec()
    state = spec.start()
    for x in (0.0, 1.0) * 100:
        state = update_bounded(spec, state, x)
    low, high = bounded_interval(spec, state)
    assert 0.3 < float(low) < 0.5 < float(high) < 0.7


@pytest.mark.parametrize("value", [-0.1, 1.1, np.inf])
def test_values_outside_the_bounds_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"values must lie in \[0, 1\]"):
        update_bounded(BoundedSpec(), BoundedSpec().start(), value)
