from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.combine import guilty_by_ebh
from analysis.fixed import (
    adjusted_p,
    binomial_test,
    block_bootstrap,
    kolmogorov_smirnov,
    mann_whitney,
    mean_test,
    proportion_test,
)
from tests.unit.analysis.cases import reference

FILE = "fixed_horizon_and_multiplicity"


def cases(prefix: str) -> Any:
    return pytest.mark.parametrize("case", reference(prefix, FILE), ids=lambda c: c["id"])


@cases("fixed-mwu")
def test_mann_whitney_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given, expected = case["inputs"], case["expected"]
    found = mann_whitney(
        given["x"],
        given["y"],
        alternative=given.get("alternative", "two-sided"),
        method=given["method"],
    )
    assert found.u == expected.get("U", expected.get("W"))
    assert found.p == pytest.approx(expected["p"], abs=case["tolerance"])


@pytest.mark.parametrize("method", ["fisher", "barnard", "boschloo"])
def test_tables_are_those_of_the_reference(method: str) -> None:
    for case in reference(f"fixed-{method}", FILE):
        given, expected = case["inputs"], case["expected"]
        found = proportion_test(given["table"], alternative=given["alternative"], method=method)
        assert found.p == pytest.approx(expected["p"], abs=case["tolerance"]), case["id"]
        for name in ("odds", "wald", "stat"):
            if name in expected:
                assert found.statistic == pytest.approx(expected[name], abs=1e-3)


def test_the_binomial_test_is_that_of_r() -> None:
    (case,) = reference("fixed-binom", FILE)
    given = case["inputs"]
    assert binomial_test(given["k"], given["n"], given["p0"]) == pytest.approx(
        case["expected"]["p"], abs=case["tolerance"]
    )


@cases("fixed-nist-t")
def test_t_is_that_of_nist(case: dict[str, Any]) -> None:
    given = case["inputs"]
    found = mean_test(
        tuple(given["mean"]),
        tuple(given["sd"]),
        tuple(given["n"]),
        equal_variance=given["equal_var"],
    )
    assert float(found.t) == pytest.approx(case["expected"]["t"], abs=case["tolerance"])


@pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
def test_welch_gives_the_p_of_scipy_and_broadcasts(alternative: Any) -> None:
    ours = mean_test((np.array([1.0, 2.0]), 1.5), (0.5, 0.9), (12, 30), alternative=alternative)
    theirs = [
        stats.ttest_ind_from_stats(m, 0.5, 12, 1.5, 0.9, 30, False, alternative).pvalue
        for m in (1.0, 2.0)
    ]
    assert ours.p == pytest.approx(theirs, rel=1e-9)


@cases("fixed-mt")
def test_corrected_p_values_are_those_of_r(case: dict[str, Any]) -> None:
    method = {"fdr_bh": "bh"}.get(case["inputs"]["method"], case["inputs"]["method"])
    found = adjusted_p(case["inputs"]["p"], method)
    assert found == pytest.approx(case["expected"]["adjusted"], abs=case["tolerance"])


@cases("ebh")
def test_e_bh_names_those_of_the_reference(case: dict[str, Any]) -> None:
    given = case["inputs"]
    assert guilty_by_ebh(np.log(given["e"]), given["alpha"]) == case["expected"]["rejected"]


def test_the_score_test_agrees_with_boschloo_on_large_tables() -> None:
    table = [[480, 410], [520, 590]]
    score = proportion_test(table, method="score", alternative="greater").p
    assert score == pytest.approx(
        proportion_test(table, method="boschloo", alternative="greater").p, rel=0.1
    )
    assert proportion_test([[0, 0], [5, 7]], method="score").p == 1.0


def test_the_bootstrap_covers_and_repeats_with_its_seed() -> None:
    rows = np.random.default_rng(5).normal(3.0, 1.0, 200)
    first = block_bootstrap(rows, lambda r: r.mean(axis=1), np.random.default_rng(1))
    again = block_bootstrap(rows, lambda r: r.mean(axis=1), np.random.default_rng(1))
    assert first == again
    assert first[0] < rows.mean() < first[1]


def test_equal_distributions_are_not_told_apart() -> None:
    assert kolmogorov_smirnov(range(20), range(20)) == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: proportion_test([[1, 2]]), r"shape \(2, 2\)"),
        (lambda: proportion_test([[1, 2], [3, -1]]), "whole counts >= 0"),
        (lambda: proportion_test([[1, 2], [3, 1]], method="magic"), "method must be fisher"),
        (lambda: proportion_test([[1, 2], [3, 1]], alternative="up"), "alternative must be"),
        (lambda: binomial_test(5, 4, 0.5), "successes must lie in 0..trials"),
        (lambda: binomial_test(3, 4, 1.5), "p0 must lie"),
        (lambda: mean_test((1, 2), (1, 0), (5, 5)), "sd must be finite and > 0"),
        (lambda: mean_test((1, 2), (1, 1), (5, 5), alternative="up"), "alternative must be"),
        (lambda: mann_whitney([], [1.0]), "non-empty list"),
        (lambda: mann_whitney([2.0], [1.0], alternative="up"), "alternative must be"),
        (lambda: adjusted_p([1.2]), r"in \[0, 1\]"),
        (lambda: adjusted_p([0.2], "magic"), "method must be holm"),
        (lambda: block_bootstrap([1.0], len, np.random.default_rng(1), block=2), "block must"),
        (
            lambda: block_bootstrap([1.0] * 9, len, np.random.default_rng(1), confidence=2.0),
            "confidence must",
        ),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_a_distribution_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="must be non-empty lists; came"):
        kolmogorov_smirnov([], [1.0])
