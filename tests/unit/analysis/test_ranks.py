from typing import Any

import numpy as np
import pytest

from analysis.ranks import effective_size, mann_whitney, shift_interval
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-neff"), ids=lambda c: c["id"])
def test_the_effective_size_is_that_of_the_reference(case: dict[str, Any]) -> None:
    found = effective_size(case["inputs"]["n"], case["inputs"]["phi"])
    assert float(found) == pytest.approx(case["expected"]["n_eff"], abs=case["tolerance"])


def test_the_interval_leaves_out_zero_exactly_when_the_test_rejects() -> None:
    rng = np.random.default_rng(8)
    for _ in range(300):
        x, y = rng.normal(0.6, 1.0, 20), rng.normal(0.0, 1.0, 25)
        shift = shift_interval(x, y, confidence=0.98)
        rejects = mann_whitney(x, y, method="asymptotic").p < 0.02
        assert rejects == (shift.low > 0.0 or shift.high < 0.0)


def test_the_interval_moves_with_the_data_and_turns_with_the_arms() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 30))
    there, moved, back = shift_interval(x, y), shift_interval(x + 5, y), shift_interval(y, x)
    assert moved == pytest.approx(tuple(end + 5 for end in there))
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high))


def test_few_samples_give_the_widest_interval() -> None:
    assert shift_interval([1.0, 2.0], [0.0, 5.0]) == (-1.0, -4.0, 2.0)


def test_correlated_samples_reject_a_true_null_far_too_often() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(400, 2, 60))
    for t in range(1, 60):
        noise[..., t] = 0.7 * noise[..., t - 1] + np.sqrt(1 - 0.49) * noise[..., t]
    ends = [shift_interval(x, y, confidence=0.98) for x, y in noise]
    assert np.mean([low > 0.0 or high < 0.0 for _, low, high in ends]) > 0.2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shift_interval([1.0], [2.0], confidence=1.0), "confidence must"),
        (lambda: effective_size(60, 1.0), "phi must lie inside"),
        (lambda: shift_interval([np.nan], [2.0]), "finite numbers"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
