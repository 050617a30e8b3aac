import math
from typing import Any

import numpy as np
import pytest

from analysis.quantiles import (
    quantile_difference_p,
    quantile_interval,
    quantile_log_e,
    uniform_radius,
)
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-lil"), ids=lambda c: c["id"])
def test_the_uniform_radius_is_that_of_the_reference(case: dict[str, Any]) -> None:
    found = uniform_radius(case["inputs"]["t"], case["inputs"]["alpha"])
    assert float(found) == pytest.approx(case["expected"]["radius"], abs=case["tolerance"])


@pytest.mark.parametrize("p", [0.5, 0.99])
def test_the_true_quantile_is_rejected_within_the_budget_at_any_time(p: float) -> None:
    rng, runs = np.random.default_rng(1), 2000
    below = np.cumsum(rng.random((runs, 400)) <= p, axis=1)
    log_e = quantile_log_e(below, np.arange(1, 401), p)
    assert (log_e.max(axis=1) >= math.log(20)).mean() <= 0.05 + 2 * 0.005


def test_a_median_is_enclosed_and_the_enclosure_shrinks() -> None:
    rng = np.random.default_rng(2)
    widths = []
    for n in (100, 10_000):
        low, high = quantile_interval(rng.normal(size=n), 0.5)
        assert low < 0.0 < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_a_short_sample_has_no_upper_end_for_an_extreme_quantile() -> None:
    assert quantile_interval(np.arange(20.0), 0.99)[1] == math.inf
    assert quantile_interval(np.arange(20.0), 0.01)[0] == -math.inf


def test_two_arms_are_told_apart_by_a_quantile_only_if_it_differs() -> None:
    rng = np.random.default_rng(3)
    base, slow = rng.exponential(1.0, 2000), rng.exponential(1.3, 2000)
    assert quantile_difference_p(base, slow, 0.5) < 0.01
    assert quantile_difference_p(base, rng.exponential(1.0, 2000), 0.5) > 0.05


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: uniform_radius(0), "t must be finite and >= 1"),
        (lambda: uniform_radius(1, 0.0), "alpha must lie"),
        (lambda: quantile_log_e(1, 2, 1.0), "p must lie"),
        (lambda: quantile_log_e(3, 2, 0.5), "below must lie"),
        (lambda: quantile_interval([], 0.5), "non-empty"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
