"""A canary that we put into a rule is ours whatever the owner puts beside it."""

from __future__ import annotations

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
    owned,
    owners,
    percents,
    restored,
    route,
    shares,
    view,
    weights,
)


def edited(weight: float, *refs: dict[str, Any], before: dict[str, Any] | None = None) -> Any:
    """The first rule of a route in mid-run as somebody wrote it."""
    document = at(before or route([backend(APEX, 3), backend("cart", 1)]), weight)
    document["spec"]["rules"][0]["backendRefs"] = list(refs)
    return document


def exchanged(weight: float = 98) -> dict[str, Any]:
    """One name changed: the apex's place goes to a maintenance page."""
    document = at(route([backend(APEX, 3), backend("cart", 1)], [backend()]), weight)
    document["spec"]["rules"][0]["backendRefs"][0]["name"] = "maintenance"
    return document


def test_a_canary_whose_apex_was_exchanged_is_seen_with_all_that_it_gets() -> None:
    assert view(exchanged()).foreign
    assert view(exchanged()).weight_pct == pytest.approx(98, abs=0.01)


@pytest.mark.parametrize("weight", [0, 98])
def test_what_took_the_apexs_place_gets_its_traffic_whatever_the_release_does(
    weight: float,
) -> None:
    after = at(exchanged(), weight)
    assert weights(after)[CANARY] == 0
    assert shares(after)["maintenance"] == 3 * shares(after)["cart"]
    assert float(shares(after, 1)[CANARY]) * 100 == pytest.approx(weight)
    assert not view(after).foreign
    assert view(after).weight_pct == weight


def test_containment_takes_the_weight_from_a_canary_without_apex() -> None:
    after = at(exchanged(), 0, "chg-1")
    assert (weights(after)[CANARY], weights(after, 1)[CANARY]) == (0, 0)
    assert (view(after).weight_pct, view(after).aborted_for) == (0, "chg-1")


def test_what_the_owner_put_there_is_left_and_the_canary_is_not() -> None:
    for document in (exchanged(), at(exchanged(), 0, "chg-1"), at(at(exchanged(), 5), 50)):
        after = restored(document)
        assert [weights(after, rule) for rule in (0, 1)] == [
            {"maintenance": 3, "cart": 1},
            {APEX: 1},
        ]
        assert not view(after).managed


ELSE = [
    pytest.param([backend("a", 10), backend(CANARY, 9800)], {"a": 10}, id="all are others"),
    pytest.param(
        [backend("a", 7), backend("b", 3), backend("cart", 5), backend(CANARY, 9800)],
        {"a": 7, "b": 3, "cart": 5}, id="two in its place",
    ),
    pytest.param([backend(CANARY, 9800)], {APEX: 3}, id="nobody else is left"),
    pytest.param([backend("a", 0), backend(CANARY, 9800)], {"a": 0, APEX: 3}, id="nobody gets any"),
]  # fmt: skip


@pytest.mark.parametrize(("refs", "left"), ELSE)
def test_a_canary_beside_whatever_else_is_contained_and_taken_out(
    refs: list[dict[str, Any]], left: dict[str, int]
) -> None:
    document = edited(98, *refs)
    assert view(document).weight_pct > 98
    contained = at(document, 0, "chg-1")
    assert weights(contained)[CANARY] == 0
    assert sum(weights(contained).values()) > 0
    assert view(contained).weight_pct == 0
    assert weights(restored(contained)) == left
    assert weights(restored(document)) == left


def test_a_rule_that_moved_and_lost_its_apex_is_still_contained() -> None:
    document = exchanged()
    document["spec"]["rules"].insert(0, {"backendRefs": [backend("login")]})
    document["spec"]["rules"].pop()
    assert weights(at(document, 0, "chg-1"), 1)[CANARY] == 0
    assert weights(restored(document), 1).keys() == {"maintenance", "cart"}


def test_a_spoilt_record_keeps_no_canary_in_a_rule_without_apex() -> None:
    document = exchanged()
    document["metadata"]["annotations"][ORIGINAL] = "spoilt"
    contained = at(document, 0, "chg-1")
    assert weights(contained)[CANARY] == 0
    assert weights(restored(contained)).keys() == {"maintenance", "cart"}


def test_a_rule_of_the_owners_own_for_the_canary_stays_beside_one_that_moved() -> None:
    document = at(route([backend()], [backend(CANARY)]), 5)
    document["spec"]["rules"].reverse()
    assert restored(document)["spec"]["rules"][0] == {"backendRefs": [backend(CANARY)]}
    assert weights(restored(document), 1) == {APEX: 1}


def test_a_rule_beside_it_that_was_edited_as_well_does_not_hide_one_that_lost_its_apex() -> None:
    document = at(route([backend()], [backend(), backend()]), 5)
    first, second = (rule["backendRefs"] for rule in document["spec"]["rules"])
    del first[0], second[0]
    assert weights(at(document, 0, "chg-1"))[CANARY] == 0
    assert weights(restored(document)) == {APEX: 1}


def test_a_weight_that_was_raised_to_the_utmost_leaves_the_record_readable() -> None:
    document = at(route([backend(), backend()]), 5)
    refs = document["spec"]["rules"][0]["backendRefs"]
    refs[0]["weight"] = 1_000_000
    del refs[1]
    contained = at(document, 0, "chg-1")
    assert at(contained, 0, "chg-1") == contained


def test_a_route_that_lost_the_apex_everywhere_says_so() -> None:
    document = edited(5, backend("maintenance", 1), backend(CANARY, 500))
    (problem,) = view(document).problems
    assert "must name the Service checkout" in str(problem)
    assert view(at(document, 5)).weight_pct == 0


@given(owners, percents, st.lists(st.sampled_from(["a", "b", "cart"]), max_size=3, unique=True))
def test_no_canary_of_ours_outlives_the_way_back(
    ws: list[int], weight: float, beside: list[str]
) -> None:
    document = at(owned(ws), weight)
    refs = document["spec"]["rules"][0]["backendRefs"]
    ours = next(ref for ref in refs if ref["name"] == CANARY)
    document["spec"]["rules"][0]["backendRefs"] = [*(backend(name, 1) for name in beside), ours]
    assert view(document).weight_pct > 0
    contained = at(document, 0, "chg-1")
    assert weights(contained)[CANARY] == 0
    assert CANARY not in weights(restored(contained))


_edits = st.lists(
    st.tuples(
        st.sampled_from(["rename", "drop", "swap"]), st.integers(0, 2), st.integers(0, 4)
    ),
    max_size=4,
)  # fmt: skip


def _edit(rules: list[dict[str, Any]], kind: str, at_rule: int, at_backend: int) -> None:
    refs = rules[at_rule % len(rules)]["backendRefs"]
    ref = refs[at_backend % len(refs)]
    if kind == "swap":
        rules[0], rules[at_rule % len(rules)] = rules[at_rule % len(rules)], rules[0]
    elif kind == "rename" and ref["name"] != CANARY:
        ref["name"] = "maintenance"
    elif kind == "drop" and len(refs) > 1:
        refs.remove(ref)


@given(st.lists(owners, min_size=1, max_size=3), percents, _edits)
def test_nor_does_one_whatever_the_owner_does_to_all_rules(
    wss: list[list[int]], weight: float, edits: list[tuple[str, int, int]]
) -> None:
    rules = [owned(ws)["spec"]["rules"][0]["backendRefs"] for ws in wss]
    document = at(route(*rules), weight)
    for edit in edits:
        _edit(document["spec"]["rules"], *edit)
    contained = at(document, 0, "chg-1")
    sent = [weights(contained, n).get(CANARY, 0) for n in range(len(rules))]
    assert not any(sent)
    assert view(contained).weight_pct == 0
    assert at(contained, 0, "chg-1") == contained
    assert not any(CANARY in weights(restored(contained), n) for n in range(len(rules)))
