import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.interval import ratio_interval
from analysis.sequence import RatioState, U, log_likelihood, ratio_bounds, update_ratio
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import poisson_ticks, tick


def of(*ticks: Tick) -> RatioState:
    state = RatioState.start()
    for one in ticks:
        state = update_ratio(state, one)
    return state


def test_without_data_any_ratio_is_possible() -> None:
    assert [float(end) for end in ratio_bounds(of(tick(0)))] == [0.0, math.inf]
    assert [float(end) for end in ratio_bounds(of(tick(0, (0, 10), (0, 90))))] == [0.0, math.inf]


def test_a_missing_tick_adds_nothing() -> None:
    state = of(tick(0, (5, 100), (100, 1900), missing=True))
    assert state.events == 0.0
    assert not state.log_means.any()


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_level_lies_inside_its_range(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        ratio_bounds(RatioState.start(), alpha)


def test_between_the_nodes_the_likelihood_is_exact() -> None:
    ticks = [tick(0, (40, 500), (900, 9500)), tick(10, (400, 5000), (420, 5000))]
    state = of(*ticks)
    u = np.concatenate([np.linspace(-4.5, 4.5, 101), U[:2]])
    exact = 440.0 * u
    for one in ticks:
        w = one.counts.canary_fraction
        n = one.counts.canary_events + one.counts.baseline_events
        exact = exact - n * np.log(1.0 - w + w * np.exp(u))
    assert log_likelihood(state, u) == pytest.approx(exact, abs=1e-6)


counts = st.integers(0, 5000)


@given(counts, counts, st.integers(1, 10**4), st.integers(1, 10**4))
def test_swapping_the_arms_inverts_the_interval(a: int, b: int, n_a: int, n_b: int) -> None:
    low, high = ratio_bounds(of(tick(0, (a, n_a), (b, n_b))))
    back_low, back_high = ratio_bounds(of(tick(0, (b, n_b), (a, n_a))))
    for end, back in ((low, back_high), (high, back_low)):
        inverse = 0.0 if math.isinf(back) else math.inf if back == 0.0 else 1.0 / back
        assert float(end) == pytest.approx(inverse, rel=1e-6)


@pytest.mark.parametrize("case", [(50, 1000, 1), (5, 300, 19), (480, 10_000, 19)])
def test_it_is_about_as_wide_as_the_closed_form(case: tuple[int, int, int]) -> None:
    s_c, s_b, odds = case
    low, high = ratio_bounds(of(tick(0, (s_c, 1000), (s_b, 1000 * odds))))
    closed_low, closed_high = ratio_interval(s_c, s_b, 1 / odds)
    assert math.log(high / low) == pytest.approx(math.log(closed_high / closed_low), rel=0.35)


def test_merging_two_parts_is_one_pass() -> None:
    ticks = [tick(10.0 * i, (5 + i, 100), (100, 1900)) for i in range(6)]
    merged = of(*ticks[:2]).merge(of(*ticks[2:]))
    assert merged.log_means == pytest.approx(of(*ticks).log_means, rel=1e-14)
    assert merged.events == of(*ticks).events


def test_it_covers_the_truth_at_all_times_over_a_ladder() -> None:
    runs, missed = 200, np.zeros(200, dtype=bool)
    rng = np.random.default_rng(4)
    state = RatioState.start((runs,))
    steps = [(0.02, 0.0, 600.0), (0.5, 600.0, 1200.0)]
    for share, from_s, until_s in steps:
        for one in poisson_ticks(
            rng, (runs,), ratio=0.8, share=share, from_s=from_s, until_s=until_s, length_s=60.0
        ):
            state = update_ratio(state, one)
            low, high = ratio_bounds(state, alpha=0.1)
            missed |= (low > 0.8) | (high < 0.8)
    assert missed.mean() <= 0.1
    assert np.median(high / low) < 1.1


@pytest.mark.parametrize("n", [1.0, 1e6, 1e12])
def test_any_amount_of_counts_has_a_sound_interval(n: float) -> None:
    one = Tick(Interval(0, 1), Counts(n, 1, n, 1), share=0.5)
    low, high = ratio_bounds(of(one))
    assert low < 1.0 < high
    assert low == pytest.approx(1.0 / high, rel=1e-6)


def test_events_of_one_arm_alone_leave_one_end_open() -> None:
    assert math.isinf(ratio_bounds(of(tick(0, (9, 10), (0, 10))))[1])
    assert ratio_bounds(of(tick(0, (0, 10), (9, 10))))[0] == 0.0
