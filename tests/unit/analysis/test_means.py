import math
from typing import Any

import numpy as np
import pytest

from analysis.means import MeanState, asymptotic_radius, sequential_p, tuned_rho2


def seen(values: Any) -> MeanState:
    state = MeanState.start()
    for value in values:
        state = state.update(value)
    return state


def test_merging_two_halves_is_one_pass() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 40)
    whole, halves = seen(values), seen(values[:13]).merge(seen(values[13:]))
    for one, two in ((whole.mean, halves.mean), (whole.squares, halves.squares)):
        assert float(one) == pytest.approx(float(two), rel=1e-12)
    assert float(whole.mean) == pytest.approx(values.mean())
    assert float(whole.variance) == pytest.approx(values.var())


def test_nan_is_left_out() -> None:
    assert float(seen([1.0, math.nan, 3.0]).n) == 2.0


def test_the_sequence_covers_at_all_times_for_many_observations() -> None:
    rng, runs = np.random.default_rng(5), 500
    state, missed = MeanState.start((runs,)), np.zeros(runs, dtype=bool)
    for t in range(400):
        state = state.update(rng.exponential(1.0, runs))
        if t >= 30:
            low, high = state.interval(0.05)
            missed |= (low > 1.0) | (high < 1.0)
    assert missed.mean() <= 0.05 + 2 * 0.01


def test_the_sequential_p_is_below_alpha_exactly_where_the_radius_leaves_zero() -> None:
    rho2, t, alpha = tuned_rho2(100, 0.05), 150.0, 0.05
    radius = float(asymptotic_radius(t, 1.0, alpha, rho2=rho2))
    z2 = radius**2 * t
    assert float(sequential_p(t, z2, rho2=rho2)) == pytest.approx(alpha)


def test_one_side_is_narrower() -> None:
    rho2 = tuned_rho2(100, 0.05)
    both = asymptotic_radius(100, 1.0, 0.05, rho2=rho2)
    assert asymptotic_radius(100, 1.0, 0.05, rho2=rho2, two_sided=False) < both


def test_the_tuning_is_the_narrowest_near_its_time() -> None:
    widths = [
        float(asymptotic_radius(200, 1.0, 0.05, rho2=tuned_rho2(t, 0.05))) for t in (20, 200, 2000)
    ]
    assert widths[1] == min(widths)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tuned_rho2(0.0, 0.05), "t_best must be finite and > 0"),
        (lambda: tuned_rho2(1.0, 0.6, two_sided=False), "alpha must lie"),
        (lambda: asymptotic_radius(1.0, 1.0, 1.0, rho2=1.0), "alpha must lie"),
        (lambda: asymptotic_radius(-1.0, 1.0, rho2=1.0), "t must be finite and >= 0"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
