import itertools
import math
from typing import Any

import numpy as np
import pytest

from analysis.bernoulli import BernoulliSpec, BernoulliState, update_bernoulli


def after(spec: BernoulliSpec, blocks: list[tuple[int, int]]) -> BernoulliState:
    state = spec.start()
    for canary, baseline in blocks:
        state = update_bernoulli(spec, state, canary, baseline)
    return state


def test_the_first_block_is_the_formula_with_even_odds() -> None:
    # before any outcome both estimates are 1/2, as is their pool: the first block says nothing
    assert float(after(BernoulliSpec(3, 5), [(0, 5)]).log_e) == 0.0


def test_the_second_block_is_the_formula_of_the_design() -> None:
    state = after(BernoulliSpec(2, 4), [(0, 4), (1, 3)])
    a, b = 0.18 / 2.36, (4 + 0.36) / 4.72
    pooled = (2 * a + 4 * b) / 6
    expected = a * (1 - a) * b**3 * (1 - b) / (pooled**4 * (1 - pooled) ** 2)
    assert float(state.log_e) == pytest.approx(math.log(expected))


@pytest.mark.parametrize(
    ("spec", "p_a", "p_b"),
    [
        (BernoulliSpec(2, 3), 0.3, 0.3),
        (BernoulliSpec(2, 3, side="less"), 0.6, 0.4),
        (BernoulliSpec(2, 3, side="greater"), 0.5, 0.5),
        (BernoulliSpec(2, 2, side="less", difference=0.2), 0.4, 0.6),
        (BernoulliSpec(2, 2, side="greater", difference=0.1), 0.55, 0.45),
        (BernoulliSpec(2, 2, side="less", difference=0.2), 0.5, 0.55),
    ],
)
def test_the_expectation_under_the_null_is_at_most_one_by_enumeration(spec, p_a, p_b) -> None:
    from scipy.stats import binom

    n_a, n_b = spec.canary_block, spec.baseline_block
    outcomes = list(itertools.product(range(n_a + 1), range(n_b + 1)))
    chance = {(a, b): float(binom.pmf(a, n_a, p_a) * binom.pmf(b, n_b, p_b)) for a, b in outcomes}
    mean = sum(
        math.prod(chance[block] for block in path) * math.exp(float(after(spec, list(path)).log_e))
        for path in itertools.product(outcomes, repeat=3)
    )
    assert mean <= 1.0 + 1e-6


def test_false_alarms_stay_within_the_budget_at_any_time() -> None:
    rng, spec = np.random.default_rng(2), BernoulliSpec(5, 45)
    state, highest = spec.start((2000,)), np.zeros(2000)
    for _ in range(150):
        state = update_bernoulli(
            spec, state, rng.binomial(5, 0.6, 2000), rng.binomial(45, 0.6, 2000)
        )
        highest = np.maximum(highest, state.log_e)
    assert (highest >= math.log(20)).mean() <= 0.05 + 2 * 0.005


def test_a_drop_is_found_and_only_on_its_side() -> None:
    blocks = [(2, 7)] * 15
    assert float(after(BernoulliSpec(10, 10, side="less"), blocks).log_e) > math.log(100)
    assert float(after(BernoulliSpec(10, 10, side="greater"), blocks).log_e) <= 0.0
    wide = BernoulliSpec(10, 10, side="less", difference=0.6)
    assert float(after(wide, blocks).log_e) <= 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: BernoulliSpec(1, 1, side="up"), "side must be"),  # type: ignore[arg-type]
        (lambda: BernoulliSpec(1, 1, difference=0.1), "needs a side"),
        (lambda: after(BernoulliSpec(1, 1), [(2, 0)]), "cannot exceed the block"),
        (lambda: after(BernoulliSpec(1, 1), [(-1, 0)]), "canary successes must be"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
