import math
from typing import Any

import numpy as np
import pytest

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.lag import (
    LagState,
    estimated_mean_s,
    exponential_law,
    lagged_counts,
    plausible_counts,
)
from analysis.ticks import Counts, Interval, Tick


@pytest.mark.parametrize(
    ("mean_s", "tick_s"), [(60.0, 10.0), (300.0, 10.0), (5.0, 10.0), (900.0, 30.0)]
)
def test_the_law_sums_to_one_and_has_its_mean(mean_s: float, tick_s: float) -> None:
    law = exponential_law(mean_s, tick_s)
    assert law.sum() == pytest.approx(1.0)
    # a delay of k ticks lies between k - 1 and k + 1 of them, k on average
    assert (law * np.arange(law.size)).sum() * tick_s == pytest.approx(mean_s, rel=0.02)


def test_at_a_step_current_exposure_rolls_back_a_good_release_and_convolved_does_not() -> None:
    rng, law = np.random.default_rng(1), exponential_law(300.0, 10.0)
    lag, past = LagState.start(law, 167.0, 16_500.0), []
    spec = HarmSpec("Decrease", 0.99, expected_rate=50.0)
    wrong, right = spec.start(), spec.start()
    for t in range(60):
        share = 0.01 if t < 20 else 0.05
        canary, baseline = 16_667 * share, 16_667 * (1 - share)
        lag = lag.update(canary, baseline)
        of_arm = lag.exposures(law)
        events = rng.poisson([0.03 * of_arm[0], 0.03 * of_arm[1]])
        now = Counts(events[0], canary, events[1], baseline)
        interval, step = Interval(10 * t, 10 * t + 10), int(t >= 20)
        wrong = update_harm(spec, wrong, Tick(interval, now, share, step=step))
        spread = lagged_counts(now, lag, law)
        right = update_harm(spec, right, Tick(interval, spread, share, step=step))
        past.append((float(log_evidence(wrong)), float(log_evidence(right))))
    assert max(p[0] for p in past) > np.log(100)
    assert max(p[1] for p in past) < np.log(100)


def test_a_roughly_known_delay_is_judged_with_the_least_and_the_largest_share() -> None:
    laws = [exponential_law(mean, 10.0) for mean in (100.0, 300.0, 600.0)]
    lag = LagState.start(max(laws, key=len), 10.0, 990.0)
    for _ in range(5):
        lag = lag.update(50.0, 950.0)
    least, most = plausible_counts(Counts(1, 50, 30, 950), lag, laws)
    each = [float(lagged_counts(Counts(1, 50, 30, 950), lag, law).canary_fraction) for law in laws]
    assert float(least.canary_fraction) == min(each)
    assert float(most.canary_fraction) == max(each)


def test_the_mean_delay_is_estimated_from_traffic_that_varies() -> None:
    rng = np.random.default_rng(7)
    sessions = rng.poisson(3000 * (1 + 0.8 * np.sin(np.arange(4000) / 80)))
    for true in (60.0, 600.0):
        law = exponential_law(true, 10.0)
        orders = rng.poisson(0.03 * np.convolve(sessions, law)[:4000])
        assert estimated_mean_s(sessions, orders, 10.0) == pytest.approx(true, rel=0.25)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exponential_law(0.0, 10.0), "mean_s must be finite and > 0"),
        (lambda: LagState.start(np.ones(2), -1.0, 0.0), "exposures must be"),
        (
            lambda: plausible_counts(Counts(0, 0, 0, 0), LagState(np.zeros((1, 2))), []),
            "at least one",
        ),
        (lambda: estimated_mean_s([1.0], [1.0], 10.0), "one length >= 10"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ([], r"must be a list of weights; came shape \(0,\)"),
        ([[1.0]], "must be a list of weights"),
        ([1.5, -0.5], "must be weights >= 0 that sum to 1; came"),
        ([0.5, 0.4], "came a sum of 0.9"),
        ([math.nan], "must be weights >= 0"),
    ],
)
def test_a_law_that_is_none_is_refused(law: Any, words: str) -> None:
    good = LagState.start(np.array([1.0]), 1.0, 9.0)
    for call in (lambda: LagState.start(law, 1.0, 9.0), lambda: good.exposures(law)):
        with pytest.raises(ValueError, match=words):
            call()
