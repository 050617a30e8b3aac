import math
from typing import Any

import numpy as np
import pytest

from analysis.interval import beta_mixture_log_e
from analysis.split import SplitSpec, dirichlet_log_e, update_split
from analysis.ticks import Interval

RATE = 1667.0


def play(true: float, seconds: int, runs: int = 100, share: float = 0.1, seed: int = 1) -> Any:
    rng, spec = np.random.default_rng(seed), SplitSpec(expected_rate=RATE)
    state, fired = spec.start((runs,)), np.full(runs, math.inf)
    for t in range(seconds):
        canary, baseline = rng.poisson(RATE * true, runs), rng.poisson(RATE * (1 - true), runs)
        state = update_split(spec, state, Interval(t, t + 1), canary, baseline, share)
        fired = np.where(np.isinf(fired) & (state.log_e >= math.log(1000)), t + 1.0, fired)
    return state, fired


def test_two_arms_are_the_beta_mixture() -> None:
    ours = dirichlet_log_e([80, 920], [0.1, 0.9], concentration=10.0)
    beta = beta_mixture_log_e(80, 920, 1 / 9, a=1.0, b=9.0)
    assert float(ours) == pytest.approx(float(beta))


def test_a_split_of_8_for_10_percent_is_found_in_seconds() -> None:
    _, fired = play(0.08, 15)
    assert np.isfinite(fired).all()
    assert fired.mean() <= 5.0


def test_a_split_as_configured_or_one_percent_off_is_silent() -> None:
    for true in (0.1, 0.101, 0.099):
        _, fired = play(true, 400)
        assert np.isinf(fired).all()


def test_the_edge_is_widened_only_after_a_mismatch_is_sure() -> None:
    good, _ = play(0.1, 60, runs=1)
    spec = SplitSpec(expected_rate=RATE)
    state = spec.start()
    assert state.widen() == 1.0
    for t in range(60):
        state = update_split(spec, state, Interval(t, t + 1), 133, 1534, 0.1)
    assert 1.25 < state.widen() < 1.4
    assert float(good.log_e[0]) < math.log(1000)


def test_a_new_step_forgets_the_old_ratio_and_keeps_the_process() -> None:
    spec = SplitSpec(expected_rate=RATE)
    state = spec.start()
    for t in range(30):
        state = update_split(spec, state, Interval(t, t + 1), 167, 1500, 0.1)
    before = state.few.waiting
    state = update_split(spec, state, Interval(30, 31), 0, 0, 0.2, step=1)
    assert float(state.ratio.events) == 0.0
    assert float(state.few.waiting) < float(before)


def test_no_units_are_exactly_one() -> None:
    spec = SplitSpec()
    state = spec.start()
    for t in range(100):
        state = update_split(spec, state, Interval(t, t + 1), 0, 0, 0.1)
    assert float(state.log_e) == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dirichlet_log_e([1, 2], [0.5, 0.6]), "sum to 1"),
        (lambda: dirichlet_log_e([1, 2, 3], [0.5, 0.5]), "one count per arm"),
        (lambda: dirichlet_log_e([1, 2], [0.5, 0.5], concentration=0.0), "concentration"),
        (lambda: SplitSpec(alarm=1.0), "alarm must be"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.985])
@pytest.mark.parametrize("off", [0.98, 1.02])
def test_a_share_that_is_off_by_the_tolerance_alarms_within_its_budget_at_any_share(
    share: float, off: float
) -> None:
    """The tolerance is of the share: at one half its odds may be off by 4%."""
    rng, runs, alarm = np.random.default_rng(3), 300, 20.0
    spec, true = SplitSpec(alarm=alarm, expected_rate=500.0), min(share * off, 1.0)
    state, crossed = spec.start((runs,)), np.zeros(runs, dtype=bool)
    for t in range(60):
        ours = rng.binomial(5000, true, runs)
        state = update_split(spec, state, Interval(t, t + 1), ours, 5000 - ours, share)
        crossed |= state.log_e >= math.log(alarm)
    assert crossed.mean() <= 1.0 / alarm


def test_a_share_off_by_more_than_the_tolerance_is_found_at_one_half() -> None:
    spec = SplitSpec(expected_rate=500.0)
    state = spec.start()
    for t in range(60):
        state = update_split(spec, state, Interval(t, t + 1), 2350, 2650, 0.5)
    assert float(state.log_e) > math.log(1000.0)


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="share must lie inside"):
        update_split(SplitSpec(), SplitSpec().start(), Interval(0, 1), 1, 2, 1.0)
