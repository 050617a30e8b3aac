import numpy as np
import pytest
from scipy import stats

from analysis.rates import rate_test

SEEN = (60, 51477.5, 30, 54308.7)


@pytest.mark.parametrize(
    ("method", "p"),
    [
        ("wald", 3.56e-4),
        ("score", 3.16e-4),
        ("exact", 4.28e-4),
        ("midp", 3.10e-4),
        ("etest", 2.98e-4),
    ],
)
def test_each_method_gives_the_published_p_of_the_calibration_example(method, p) -> None:
    assert float(rate_test(*SEEN, alternative="greater", method=method)) == pytest.approx(
        p, abs=6e-7
    )


@pytest.mark.parametrize("alternative", ["less", "greater"])
def test_the_exact_test_is_the_binomial_test_of_the_split(alternative) -> None:
    theta = 0.9 * 100 / (0.9 * 100 + 900)
    found = rate_test(7, 100, 110, 900, r0=0.9, alternative=alternative)
    expected = stats.binomtest(7, 117, theta, alternative=alternative).pvalue
    assert float(found) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("method", ["exact", "midp", "etest", "score", "wald"])
def test_no_events_at_all_are_no_evidence(method) -> None:
    assert rate_test(0, 10, 0, 90, method=method).tolist() == 1.0


@pytest.mark.parametrize("method", ["exact", "midp", "etest", "score", "wald"])
def test_arrays_broadcast_and_swapping_the_arms_swaps_the_sides(method) -> None:
    canary, baseline = np.array([[3.0], [30.0]]), np.array([20.0, 40.0, 90.0])
    less = rate_test(canary, 10, baseline, 20, alternative="less", method=method)
    swapped = rate_test(baseline, 20, canary, 10, alternative="greater", method=method)
    assert less.shape == (2, 3)
    assert less == pytest.approx(swapped, rel=1e-9)


def test_the_exact_test_keeps_its_level_and_mid_p_is_smaller() -> None:
    rng = np.random.default_rng(3)
    canary, baseline = rng.poisson(4.0, 4000), rng.poisson(16.0, 4000)
    exact = rate_test(canary, 1, baseline, 4, alternative="less")
    midp = rate_test(canary, 1, baseline, 4, alternative="less", method="midp")
    assert (exact <= 0.05).mean() <= 0.05
    assert (midp <= exact).all()


def test_the_e_test_hands_over_to_the_score_test_for_large_counts() -> None:
    counts = (60_000, 51_477_500, 63_900, 54_308_700)
    e_test = float(rate_test(*counts, method="etest"))
    assert e_test == pytest.approx(float(rate_test(*counts, method="score")))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((-1, 1, 0, 1), {}, "canary events must be finite and >= 0"),
        ((0.5, 1, 0, 1), {}, "whole numbers"),
        ((0, 0, 0, 1), {}, "canary exposures must be > 0"),
        ((0, 1, 0, 1), {"r0": 0.0}, "r0 must be finite and > 0"),
        ((0, 1, 0, 1), {"alternative": "more"}, "alternative must be one of"),
        ((0, 1, 0, 1), {"method": "magic"}, "method must be exact"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(arguments, options, words) -> None:
    with pytest.raises(ValueError, match=words):
        rate_test(*arguments, **options)
