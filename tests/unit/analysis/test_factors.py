"""The expectations are exact: enumeration of all outcomes of small cases."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln, xlog1py, xlogy

from analysis.factors import difference_factor, ratio_factor
from analysis.logspace import log_sum
from analysis.ticks import Counts
from tests.unit.analysis.cases import reference


def binomial(n: int, p: float) -> np.ndarray[Any, Any]:
    k = np.arange(n + 1)
    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.exp(log + xlogy(k, p) + xlog1py(n - k, -p))


def expectation(n_c: int, n_b: int, p_c: float, p_b: float, factor: Any) -> Any:
    canary, baseline = np.meshgrid(np.arange(n_c + 1), np.arange(n_b + 1), indexing="ij")
    chance = np.outer(binomial(n_c, p_c), binomial(n_b, p_b))
    value = np.exp(factor(Counts(canary, n_c, baseline, n_b)))
    return np.tensordot(chance, value, axes=2)


@pytest.mark.parametrize("case", reference("design-bern-valid"), ids=lambda c: c["id"])
def test_the_expectation_at_the_edge_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given_ = case["inputs"]
    offset = np.log([given_["r1"] / given_["r0"]])
    found = expectation(
        given_["N_c"],
        given_["N_b"],
        given_["p_b"] * given_["r0"],
        given_["p_b"],
        lambda counts: ratio_factor(counts, given_["r0"], offset),
    )
    assert found[0] == pytest.approx(case["expected"]["expected_LR"], abs=case["tolerance"])
    assert found[0] <= 1.0


@pytest.mark.parametrize("case", reference("design-grid"), ids=lambda c: c["id"])
def test_a_grid_over_three_steps_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given_ = case["inputs"]
    offset = np.log(np.array(given_["grid"]) / given_["r0"])
    counts = Counts(given_["S_c"], given_["exposure_ratio"], given_["S_b"], np.ones(4))
    total = ratio_factor(counts, given_["r0"], offset).sum(axis=0)
    log_e = float(log_sum(total - math.log(offset.size)))
    assert log_e == pytest.approx(case["expected"]["log_e"], abs=case["tolerance"])


@given(
    st.integers(1, 8),
    st.integers(1, 16),
    st.floats(0.001, 0.9),
    st.floats(0.1, 1.0),
    st.floats(1.0, 10.0),
    st.floats(0.01, 0.99),
)
def test_no_member_of_the_ratio_null_makes_evidence_grow(
    n_c: int, n_b: int, p_b: float, edge: float, deeper: float, r1: float
) -> None:
    p_c = min(p_b * edge * deeper, 1.0)
    offset = np.log([r1])
    found = expectation(n_c, n_b, p_c, p_b, lambda counts: ratio_factor(counts, edge, offset))
    assert found[0] <= 1.0 + 1e-9 or p_c < p_b * edge


@given(
    st.integers(1, 8),
    st.integers(1, 16),
    st.floats(0.0, 0.7),
    st.floats(0.001, 0.3),
    st.floats(0.0, 1.0),
)
def test_no_member_of_a_difference_null_makes_evidence_grow(
    n_c: int, n_b: int, p: float, difference: float, extra: float
) -> None:
    below, above = np.array([0.05, 0.2, 0.7]), np.array([1.05, 2.0, 30.0])
    worse = p + difference + extra * (1.0 - p - difference)

    def safe(bet: Any) -> Any:
        return lambda counts: difference_factor(counts, difference, bet, claim="Safe")

    def harm(bet: Any) -> Any:
        return lambda counts: difference_factor(counts, difference, bet, claim="Harm")

    assert (expectation(n_c, n_b, worse, p, safe(below)) <= 1.0 + 1e-9).all()
    assert (expectation(n_c, n_b, p, worse, safe(above)) <= 1.0 + 1e-9).all()
    tolerated = p + difference * (1.0 - extra)
    assert (expectation(n_c, n_b, tolerated, p, harm(above)) <= 1.0 + 1e-9).all()
    assert (expectation(n_c, n_b, p, tolerated, harm(below)) <= 1.0 + 1e-9).all()


def test_nothing_exposed_is_no_factor() -> None:
    nothing = Counts(0, 0, 0, 0)
    assert ratio_factor(nothing, 0.9, np.log([0.1, 0.5])).tolist() == [0.0, 0.0]
    assert difference_factor(nothing, 0.1, np.array([0.1]), claim="Safe").tolist() == [0.0]


def test_orders_without_canary_exposures_speak_against_a_loss() -> None:
    lagging = Counts(3, 0, 100, 1000)
    assert (ratio_factor(lagging, 1.0, np.log([0.5])) < 0.0).all()


def test_a_silent_tick_without_canary_exposures_is_factor_one() -> None:
    assert ratio_factor(Counts(0, 0, 100, 1000), 0.99, np.log([0.5])).tolist() == [0.0]


def test_a_difference_needs_a_baseline() -> None:
    alone = Counts(0, 1000, 0, 0)
    assert difference_factor(alone, 0.1, np.array([0.1]), claim="Safe").tolist() == [0.0]


EXTREMES = (0.0, 1e-9, 1.0, 1e6, 1e12)


@pytest.mark.parametrize("counts", list(itertools.product(EXTREMES, repeat=4)))
def test_extreme_counts_stay_finite(counts: tuple[float, float, float, float]) -> None:
    offset = np.linspace(-4.8, 3.6, 7)
    assert np.isfinite(ratio_factor(Counts(*counts), 0.99, offset)).all()
    for bet in (np.array([0.05, 0.7]), np.array([1.03, 100.0])):
        for claim in ("Safe", "Harm"):
            value = difference_factor(Counts(*counts), 0.01, bet, claim=claim)  # type: ignore[arg-type]
            assert np.isfinite(value).all()


def test_arrays_of_any_shape_give_what_each_alone_gives() -> None:
    rng = np.random.default_rng(3)
    many = Counts(*(rng.poisson(m, (2, 3)) for m in (5, 100, 95, 1900)))
    offset = np.log([0.3, 0.8])
    together = ratio_factor(many, 0.99, offset)
    assert together.shape == (2, 3, 2)
    one = Counts(
        many.canary_events[1, 2],
        many.canary_exposures[1, 2],
        many.baseline_events[1, 2],
        many.baseline_exposures[1, 2],
    )
    assert ratio_factor(one, 0.99, offset) == pytest.approx(together[1, 2], rel=1e-15)
