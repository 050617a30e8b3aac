"""An HTTPRoute gives the canary its share, everybody else keeps his, or it says why it cannot."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.routers.httproute import ROUTER
from tests.unit.controller.routers.routes import (
    ABORTED,
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
    seen,
    shares,
    view,
    weights,
)


def test_one_backend_is_divided_in_ten_thousandths() -> None:
    after = at(route([backend()]), 5)
    assert weights(after) == {APEX: 9_500, CANARY: 500}
    assert view(after).weight_pct == 5


@given(owners, percents)
def test_other_backends_keep_their_share_exactly(ws: list[int], weight: float) -> None:
    before = owned(ws)
    after = at(before, weight)
    was, now = shares(before), shares(after)
    for other in was.keys() - {APEX}:
        assert now[other] == was[other]
    assert now[APEX] + now[CANARY] == was[APEX]
    assert abs(float(now[CANARY] / was[APEX]) * 100 - weight) <= 0.02
    assert max(weights(after).values()) <= 1_000_000
    assert after["spec"]["rules"][1] == before["spec"]["rules"][1]


@given(owners, percents)
def test_the_same_share_twice_costs_nothing(ws: list[int], weight: float) -> None:
    after = at(owned(ws), weight)
    assert ROUTER.desired(seen(after), APEX, CANARY, weight) == []
    assert view(after).weight_pct == weight
    assert not view(after).foreign


@given(owners, st.lists(percents | st.just(0.0), min_size=1, max_size=6), st.booleans())
def test_after_any_ladder_the_owner_gets_his_own_route_back(
    ws: list[int], ladder: list[float], abort: bool
) -> None:
    before = owned(ws)
    document = before
    for weight in ladder:
        document = at(document, weight)
    if abort:
        document = at(document, 0, "chg-1")
    after = restored(document)
    assert after["spec"] == before["spec"]
    assert not after["metadata"].get("annotations")
    assert ROUTER.restore(seen(after), APEX, CANARY, clear_aborted=True) == []
    assert not view(after).managed


@given(owners, percents, percents)
def test_a_larger_share_asked_for_is_never_a_smaller_one_written(
    ws: list[int], a: float, b: float
) -> None:
    low, high = sorted((a, b))
    assert shares(at(owned(ws), low))[CANARY] <= shares(at(owned(ws), high))[CANARY]


def test_a_canary_never_takes_all_of_less_than_everything() -> None:
    assert weights(at(route([backend()]), 99.9999))[APEX] == 1
    assert weights(at(route([backend()]), 0.0001))[CANARY] == 1
    assert weights(at(route([backend()]), 100)) == {APEX: 0, CANARY: 10_000}


def test_weight_0_keeps_the_canary_until_the_route_is_restored() -> None:
    drained = at(at(route([backend()]), 5), 0)
    assert weights(drained) == {APEX: 10_000, CANARY: 0}
    assert view(drained).managed
    assert weights(restored(drained)) == {APEX: 1}


def test_weight_0_on_an_untouched_route_touches_nothing() -> None:
    assert ROUTER.desired(seen(route([backend()])), APEX, CANARY, 0) == []


def test_a_canary_takes_port_and_filters_of_its_apex() -> None:
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}
    document = route([backend(filters=[header]), backend(port=81)])
    refs = at(document, 5)["spec"]["rules"][0]["backendRefs"]
    assert [(ref["name"], ref["port"]) for ref in refs[2:]] == [(CANARY, 80), (CANARY, 81)]
    assert refs[2]["filters"] == [header]
    assert "filters" not in refs[3]


def test_every_rule_that_names_the_apex_gets_a_canary() -> None:
    after = at(route([backend()], [backend("cart", 1), backend(APEX, 3)], [backend("cart")]), 10)
    assert shares(after, 0)[CANARY] == Fraction(1, 10)
    assert abs(shares(after, 1)[CANARY] - Fraction(3, 40)) < Fraction(1, 10_000)
    assert shares(after, 1)["cart"] == Fraction(1, 4)
    assert after["spec"]["rules"][2] == {"backendRefs": [backend("cart")]}


def test_a_backend_of_another_namespace_or_kind_is_not_the_apex() -> None:
    foreign = [backend(namespace="other"), backend(kind="Bucket", group="x.io")]
    document = route([backend()], foreign)
    assert at(document, 5)["spec"]["rules"][1] == {"backendRefs": foreign}


def test_a_rule_of_the_owners_own_for_the_canary_stays() -> None:
    document = route([backend()], [backend(CANARY)])
    after = restored(at(document, 5))
    assert after["spec"]["rules"][1] == {"backendRefs": [backend(CANARY)]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(route([backend("cart")]), "must name the Service checkout", id="no apex"),
        pytest.param(route(), "got no backends", id="no rules"),
        pytest.param(route([backend(APEX, 0)]), "weight 0 for checkout", id="no traffic"),
        pytest.param(
            route([backend(APEX, 1), backend("cart", 999_999)]), "must be less uneven", id="uneven"
        ),
    ],
)
def test_a_route_that_cannot_carry_a_canary_says_why(document: dict[str, Any], said: str) -> None:
    (problem,) = view(document).problems
    assert said in str(problem)


def test_a_fit_route_has_no_problems_before_and_during_a_run() -> None:
    document = route([backend()])
    assert view(document).problems == view(at(document, 100)).problems == ()


def test_a_canary_that_nothing_on_the_route_tells_of_is_unclaimed() -> None:
    owners = route([backend(APEX, 90), backend(CANARY, 10)])
    assert view(owners).unclaimed
    assert not view(route([backend()])).unclaimed
    ours = at(route([backend()]), 5)
    assert not view(ours).unclaimed
    ours["metadata"]["annotations"][ORIGINAL] = "spoilt"
    assert not view(ours).unclaimed
    contained = route([backend(), backend(CANARY)], annotations={ABORTED: "uid-1"})
    assert not view(contained).unclaimed
