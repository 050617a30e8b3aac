from typing import Any

import numpy as np
import pytest

from analysis.spending import (
    crossing_probability,
    obrien_fleming_constant,
    pocock_constant,
    spending_boundaries,
    sprt_bounds,
)
from tests.unit.analysis.cases import reference

FILE = "group_sequential"


def cases(prefix: str) -> Any:
    return pytest.mark.parametrize("case", reference(prefix, FILE), ids=lambda c: c["id"])


@cases("gs-pocock")
def test_pocock_is_that_of_the_tables(case: dict[str, Any]) -> None:
    assert pocock_constant(case["inputs"]["K"]) == pytest.approx(
        case["expected"]["C"], abs=case["tolerance"]
    )


@cases("gs-obf")
def test_obrien_fleming_is_that_of_the_tables(case: dict[str, Any]) -> None:
    assert obrien_fleming_constant(case["inputs"]["K"]) == pytest.approx(
        case["expected"]["C"], abs=case["tolerance"]
    )


@cases("gs-ld")
def test_spending_boundaries_are_those_of_the_reference(case: dict[str, Any]) -> None:
    given = case["inputs"]
    found = spending_boundaries(given["information"], spending=given["spending"])
    assert found == pytest.approx(case["expected"]["z"], abs=case["tolerance"])


@cases("peek")
def test_peeking_errs_as_often_as_the_reference_says(case: dict[str, Any]) -> None:
    looks = np.arange(1, case["inputs"]["looks"] + 1)
    found = crossing_probability(looks, 1.959963984540054)
    assert found[-1] == pytest.approx(case["expected"]["type1"], abs=case["tolerance"])


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("spending", ["obf", "pocock"])
def test_the_boundaries_spend_exactly_the_budget(spending: Any, two_sided: bool) -> None:
    looks = [0.05, 0.3, 0.35, 0.9, 1.0]
    bounds = spending_boundaries(looks, alpha=0.01, spending=spending, two_sided=two_sided)
    total = crossing_probability(looks, bounds, two_sided=two_sided)[-1]
    assert total == pytest.approx(0.01, abs=1e-8)


def test_a_look_without_information_has_no_boundary() -> None:
    assert spending_boundaries([0.001, 1.0])[0] == np.inf


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spending_boundaries([0.5, 0.4]), "increasing"),
        (lambda: spending_boundaries([0.5, 1.4]), "end at 1"),
        (lambda: spending_boundaries([1.0], alpha=0.0), "alpha must"),
        (lambda: spending_boundaries([1.0], spending="all"), "spending must"),  # type: ignore[arg-type]
        (lambda: pocock_constant(0), "looks must"),
    ],
)
def test_bad_designs_say_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_walds_bounds_are_those_of_the_reference() -> None:
    (case,) = reference("design-sprt-bounds")
    found = sprt_bounds(**case["inputs"])
    assert found == pytest.approx(case["expected"]["log_bounds"], abs=case["tolerance"])
    with pytest.raises(ValueError, match="must sum to less than 1; came"):
        sprt_bounds(0.6, 0.5)
