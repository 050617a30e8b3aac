import math
from typing import Any

import numpy as np
import pytest
from scipy.special import betainc

from analysis.interval import _log_lower_tail, beta_mixture_log_e, ratio_interval
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-beta-mix"), ids=lambda c: c["id"])
def test_the_beta_mixture_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given = case["inputs"]
    found = beta_mixture_log_e(
        given["S_c"],
        given["S_b"],
        given["exposure_ratio"],
        a=given["a"],
        b=given["b"],
        side=given.get("side", "two"),
    )
    assert float(found) == pytest.approx(case["expected"]["log_e"], abs=case["tolerance"])


@pytest.mark.parametrize("case", reference("design-rr-cs"), ids=lambda c: c["id"])
def test_the_interval_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given = case["inputs"]
    found = ratio_interval(
        given["S_c"],
        given["S_b"],
        given["exposure_ratio"],
        a=given["a"],
        b=given["b"],
        alpha=given["alpha"],
    )
    assert found == pytest.approx(tuple(case["expected"]["ci"]), rel=case["tolerance"])


def test_no_events_are_no_evidence_and_any_ratio() -> None:
    for side in ("two", "less", "greater"):
        assert float(beta_mixture_log_e(0, 0, 0.1, side=side)) == 0.0  # type: ignore[arg-type]
    assert ratio_interval(0, 0, 0.1) == (0.0, math.inf)
    assert math.isinf(ratio_interval(4, 0, 0.1)[1])


@pytest.mark.parametrize(("s_c", "s_b", "side"), [(10, 40_000, "less"), (40_000, 10, "greater")])
def test_the_far_tail_of_the_wrong_side_stays_finite(s_c: int, s_b: int, side: Any) -> None:
    other = {"less": "greater", "greater": "less"}[side]
    strong = beta_mixture_log_e(s_c, s_b, 1.0, side=side)
    weak = beta_mixture_log_e(s_c, s_b, 1.0, side=other)  # type: ignore[arg-type]
    assert strong > 1000.0
    assert -30.0 < weak < 0.0


def test_arrays_broadcast() -> None:
    found = beta_mixture_log_e([[5], [12]], [300, 200, 100], 1 / 19, side="less")
    assert found.shape == (2, 3)
    assert float(found[0, 0]) == pytest.approx(3.6987, abs=1e-4)


def test_the_expectation_over_a_fixed_number_of_events_is_one() -> None:
    """Given n events, S_c is binomial at the edge: the mixture's mean over all outcomes is 1."""
    from scipy.stats import binom

    n, theta = 30, 0.05 / 1.05
    k = np.arange(n + 1)
    for side in ("two", "less", "greater"):
        e = np.exp(beta_mixture_log_e(k, n - k, 0.05, side=side))  # type: ignore[arg-type]
        assert float((binom.pmf(k, n, theta) * e).sum()) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"side": "both"}, "side"),
        ({"a": 0.0}, "a must be finite and > 0"),
        ({"exposure_ratio": 0.0}, "exposure_ratio"),
        ({"r0": -1.0}, "r0"),
        ({"canary_events": -1.0}, "canary events"),
    ],
)
def test_bad_input_says_what_is_allowed(more: dict[str, Any], words: str) -> None:
    usual = {"canary_events": 1, "baseline_events": 2, "exposure_ratio": 0.1}
    with pytest.raises(ValueError, match=words):
        beta_mixture_log_e(**{**usual, **more})


def test_the_level_of_an_interval_lies_inside_its_range() -> None:
    with pytest.raises(ValueError, match="alpha"):
        ratio_interval(1, 2, 0.1, alpha=0.0)


@pytest.mark.parametrize(
    ("a", "b", "x"), [(900.0, 0.5, 0.6), (5000.0, 10.0, 0.9), (1e4, 1e4, 0.48), (2e6, 1e6, 0.66)]
)
def test_the_logarithm_of_a_lower_tail_is_that_of_the_tail_where_a_float_can_hold_it(
    a: float, b: float, x: float
) -> None:
    assert _log_lower_tail(a, b, x) == pytest.approx(math.log(betainc(a, b, x)), rel=1e-9)


def test_tails_beyond_any_float_are_found_beside_those_that_are_not() -> None:
    found = beta_mixture_log_e([0, 3, 1e12], [1e12, 2, 0], 1e3, side="greater")
    pairs = ((0, 1e12), (3, 2))
    alone = [float(beta_mixture_log_e(s, t, 1e3, side="greater")) for s, t in pairs]
    assert found[:2].tolist() == pytest.approx(alone, rel=1e-12)
    assert np.isfinite(found).all()
