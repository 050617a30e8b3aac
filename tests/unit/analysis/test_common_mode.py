import math
from typing import Any

import numpy as np
import pytest

from analysis.common_mode import (
    TotalSpec,
    before_dead_band,
    cuped,
    cuped_adjusted,
    pod_dead_band,
    total_log_e,
)
from analysis.sequence import RatioState, update_ratio
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import reference


def test_a_fall_of_both_arms_is_seen_and_the_allowed_one_is_not() -> None:
    spec = TotalSpec("Decrease", ratio=0.8)
    assert total_log_e(spec, 1000, 60, 30_000, 600) > -math.log(spec.alpha)
    assert total_log_e(spec, 2450, 60, 30_000, 600) < 0.0
    up = TotalSpec("Increase", ratio=1.5)
    assert total_log_e(up, 600, 60, 1200, 600) > -math.log(up.alpha)


def test_the_alarm_on_the_total_keeps_its_budget_with_daily_traffic_within_the_ratio() -> None:
    rng, spec = np.random.default_rng(1), TotalSpec("Decrease", ratio=0.8, alpha=0.05)
    before, events = rng.poisson(6000, 2000), np.zeros(2000)
    fired = np.zeros(2000, dtype=bool)
    for t in range(1, 61):
        events += rng.poisson(10 * 10 * 0.8, 2000)
        fired |= total_log_e(spec, events, 10.0 * t, before, 600.0) >= -math.log(0.05)
    assert fired.mean() <= 0.05 + 2 * 0.005


def test_the_dead_band_is_two_sd_of_the_pod_effect_on_the_harmful_side() -> None:
    ratios = np.exp(np.random.default_rng(1).normal(0.0, 0.02, 4000))
    assert pod_dead_band(ratios, "Decrease") == pytest.approx(math.exp(-0.04), rel=0.01)
    assert pod_dead_band(ratios, "Increase") == pytest.approx(math.exp(0.04), rel=0.01)


def test_a_bias_known_from_before_moves_the_edge() -> None:
    tick = Tick(Interval(0, 600), Counts(2850, 100_000, 27_000, 900_000), share=0.1)
    before = update_ratio(RatioState.start(), tick)
    assert 0.8 < before_dead_band(before, "Decrease") < 0.95
    assert before_dead_band(before, "Increase") >= 1.0
    assert before_dead_band(RatioState.start(), "Increase") == 1.0


def test_cuped_is_that_of_the_reference() -> None:
    (case,) = reference("design-cuped")
    found = cuped(case["inputs"]["pre"], case["inputs"]["post"])
    assert (found.theta, found.variance) == pytest.approx(
        tuple(case["expected"]["theta_var"]), abs=case["tolerance"]
    )
    x, y = np.array(case["inputs"]["pre"]), np.array(case["inputs"]["post"])
    assert cuped_adjusted(y, x, found).var(ddof=1) == pytest.approx(found.variance)


def test_a_covariate_without_variance_explains_nothing() -> None:
    assert cuped([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).theta == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: TotalSpec("Increase", 0.9), r"\[1, inf\)"),
        (lambda: TotalSpec("Increase", 1.1, alpha=1.0), "alpha must lie"),
        (lambda: pod_dead_band([1.0], "Decrease"), "at least two"),
        (lambda: cuped([1.0], [1.0]), "one length >= 2"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("rate", [0.05, 1.0, 50.0])
@pytest.mark.parametrize(("direction", "ratio"), [("Decrease", 0.8), ("Increase", 1.25)])
def test_looking_every_ten_seconds_keeps_the_budget_of_the_total(
    rate: float, direction: Any, ratio: float
) -> None:
    """At the edge of what traffic may do by itself: there is no proof for many looks."""
    rng, runs, spec = np.random.default_rng(1), 1000, TotalSpec(direction, ratio, alpha=0.05)
    before, after = rng.poisson(rate * 600.0, runs), np.zeros(runs)
    crossed = np.zeros(runs, dtype=bool)
    for tick in range(1, 121):
        after = after + rng.poisson(rate * ratio * 10.0, runs)
        crossed |= total_log_e(spec, after, 10.0 * tick, before, 600.0) >= -np.log(spec.alpha)
    assert crossed.mean() <= 0.05
