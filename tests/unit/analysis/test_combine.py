import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import combine
from analysis.logspace import log_sum
from tests.unit.analysis.cases import reference


@pytest.mark.parametrize("case", reference("design-e-average"), ids=lambda c: c["id"])
def test_the_mean_is_that_of_the_reference(case: dict[str, Any]) -> None:
    mean = math.exp(float(combine.mean_evidence(np.log(case["inputs"]["e"]))))
    assert mean == pytest.approx(case["expected"]["mean"], abs=case["tolerance"])


@pytest.mark.parametrize("case", reference("design-e-holm"), ids=lambda c: c["id"])
def test_the_named_metrics_are_those_of_the_reference(case: dict[str, Any]) -> None:
    given_ = case["inputs"]
    assert (
        combine.guilty_by_holm(np.log(given_["e"]), given_["alpha"]) == case["expected"]["rejected"]
    )


log_e = st.floats(-700, 700)


@given(st.lists(st.tuples(log_e, st.floats(0.01, 10.0)), min_size=1, max_size=6), st.randoms())
def test_the_order_of_metrics_changes_nothing(
    pairs: list[tuple[float, float]], random: Any
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    values = [
        combine.rollback_evidence(*map(list, zip(*p, strict=True))) for p in (pairs, shuffled)
    ]
    assert values[0] == pytest.approx(float(values[1]), abs=1e-9)


@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=9))
def test_no_evidence_anywhere_is_exactly_none(weights: list[float]) -> None:
    assert float(combine.rollback_evidence(np.zeros(len(weights)), weights)) == 0.0


def test_one_metric_of_weight_w_costs_ln_w() -> None:
    strong = combine.rollback_evidence([20.0, 0.0, 0.0], [0.4, 0.3, 0.3])
    assert float(strong) == pytest.approx(20.0 + math.log(0.4), abs=1e-6)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [-1.0, 2.0], [[1.0, 1.0]]])
def test_weights_that_are_none_are_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="weights"):
        combine.rollback_evidence([0.0, 0.0], weights)


def test_promotion_is_a_conjunction() -> None:
    assert float(combine.promotion_evidence([5.0, 4.0])) == 4.0
    assert combine.promotion_evidence(np.zeros((3, 0))).tolist() == [math.inf] * 3


def test_e_bh_names_more_the_more_there_are() -> None:
    assert combine.guilty_by_ebh(np.log([150.0, 150.0, 1.0]), 0.02) == [0, 1]
    assert combine.guilty_by_ebh(np.log([50.0, 1.0]), 0.01) == []
    assert combine.guilty_by_holm(np.log([1e5, 1e5]), 0.01) == [0, 1]


def test_parts_that_follow_in_time_multiply() -> None:
    assert float(combine.joint_evidence([1.0, 2.0])) == 3.0


def test_a_sum_of_nothing_is_minus_infinity() -> None:
    assert float(log_sum(np.full(3, -np.inf))) == -math.inf


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: combine.rollback_evidence([1.0, 2.0, 3.0], [1.0, 1.0]), "came 2 for 3"),
        (lambda: combine.rollback_evidence([math.nan], [1.0]), "none NaN; came"),
        (lambda: combine.promotion_evidence([1.0, math.nan]), "none NaN; came"),
        (lambda: combine.joint_evidence(1.0), "numbers along an axis"),
        (lambda: combine.mean_evidence([]), "at least one e-value; came none"),
        (lambda: combine.guilty_by_ebh([[1.0]], 0.1), "a list of numbers without NaN"),
        (lambda: combine.guilty_by_holm([1.0], 1.0), "alpha must lie inside"),
    ],
)
def test_evidence_that_is_none_is_refused_and_never_hides_the_rest(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_certainty_either_way_is_evidence_too() -> None:
    assert float(combine.rollback_evidence([math.inf, -math.inf], [0.5, 0.5])) == 700.0
    assert float(combine.promotion_evidence([math.inf, -math.inf])) == -math.inf
