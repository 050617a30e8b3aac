"""What somebody else writes into a rule is seen and repaired; the owner's own word is kept."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.controller.routers.routes import (
    APEX,
    CANARY,
    ORIGINAL,
    at,
    backend,
    restored,
    route,
    shares,
    view,
    weights,
)


def tampered(*names_and_weights: tuple[str, int]) -> dict[str, Any]:
    document = at(route([backend(APEX, 3), backend("cart", 1)]), 5)
    refs = [backend(name, weight) for name, weight in names_and_weights]
    document["spec"]["rules"][0]["backendRefs"] = refs
    return document


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(tampered((APEX, 3), ("cart", 1)), id="the owner's route from git"),
        pytest.param(tampered((APEX, 1), ("cart", 3334), (CANARY, 9000)), id="weight raised"),
        pytest.param(tampered((APEX, 9501), ("cart", 3334), (CANARY, 0)), id="weight dropped"),
        pytest.param(tampered((APEX, 9502), ("cart", 3334)), id="canary taken out"),
        pytest.param(tampered((APEX, 9502), ("cart", 1), (CANARY, 500)), id="other backend"),
        pytest.param(tampered(("cart", 3334), (CANARY, 500)), id="apex taken out"),
        pytest.param(
            tampered((APEX, 9502), ("cart", 3334), (CANARY, 500), (CANARY, 7)), id="two canaries"
        ),
    ],
)
def test_a_foreign_edit_is_seen_and_repaired(edited: dict[str, Any]) -> None:
    assert view(edited).foreign
    repaired = at(edited, 5)
    assert not view(repaired).foreign
    assert view(repaired).weight_pct == 5
    assert shares(repaired)["cart"] == Fraction(1, 4)
    assert weights(restored(repaired)) == {APEX: 3, "cart": 1}


def test_backends_in_another_order_are_the_same_backends() -> None:
    document = tampered((CANARY, 500), ("cart", 3334), (APEX, 9502))
    assert not view(document).foreign
    assert view(document).weight_pct == 5
    assert weights(restored(document)) == {APEX: 3, "cart": 1}


def test_a_weight_that_somebody_raised_is_what_is_observed() -> None:
    document = at(route([backend()]), 5)
    for ref, weight in zip(document["spec"]["rules"][0]["backendRefs"], (10, 90), strict=True):
        ref["weight"] = weight
    assert view(document).weight_pct == 90


def test_new_weights_of_the_owner_are_kept_as_his_newest_word() -> None:
    document = tampered((APEX, 70), ("cart", 30))
    assert shares(at(document, 5))["cart"] == Fraction(3, 10)
    assert weights(restored(at(document, 5))) == {APEX: 70, "cart": 30}


def test_a_backend_that_the_owner_added_stays() -> None:
    document = tampered((APEX, 9502), ("cart", 3334), (CANARY, 500), ("ads", 3334))
    after = restored(at(document, 5))
    assert weights(after).keys() == {APEX, "cart", "ads"}
    assert shares(after)["ads"] == shares(after)["cart"] == Fraction(1, 5)


SPOILT = [
    "", "{", '{"share": "x"}', "[]", '{"share": 5, "rules": {"\u00b2": []}}',
    '{"share": -5}', '{"share": 1e999}', '{"share": 5, "rules": {"0": [["checkout:80", -3]]}}',
    '{"share": 5, "rules": {"0": [["checkout:80", 3e7]]}}', '{"rules": {"%s": []}}' % ("9" * 5000),
    '{"more": %s' % ("[" * 100_000),
]  # fmt: skip


@pytest.mark.parametrize("text", SPOILT, ids=range(len(SPOILT)))
def test_a_spoilt_record_is_foreign_and_shares_are_still_right(text: str) -> None:
    document = at(route([backend(APEX, 3), backend("cart", 1)]), 5)
    document["metadata"]["annotations"][ORIGINAL] = text
    assert view(document).foreign
    assert shares(restored(at(document, 0)))["cart"] == Fraction(1, 4)


_records = st.dictionaries(
    st.text(st.sampled_from("01\u00b2\u0663-"), max_size=2),
    st.lists(st.tuples(st.sampled_from(["checkout:80", "cart:80", "x"]), st.integers(-1, 9)))
    | st.none(),
)


@given(_records, st.floats(-1, 101) | st.text(max_size=2), st.sampled_from([0.0, 5.0, 100.0]))
def test_no_record_keeps_a_route_from_being_read_and_written(
    rules: dict[str, Any], share: float | str, weight: float
) -> None:
    document = at(route([backend(APEX, 3), backend("cart", 1)]), 5)
    text = json.dumps({"share": share, "rules": rules})
    document["metadata"]["annotations"][ORIGINAL] = text
    after = at(document, weight)
    assert not view(after).foreign
    assert view(after).weight_pct == weight
    assert weights(restored(after)).keys() == {APEX, "cart"}


def test_a_rule_that_moved_is_still_known_by_its_backends() -> None:
    document = at(route([backend(APEX, 3), backend("cart", 1)], [backend("ads")]), 5)
    document["spec"]["rules"].insert(0, {"backendRefs": [backend("login")]})
    assert weights(restored(document), 1) == {APEX: 3, "cart": 1}
