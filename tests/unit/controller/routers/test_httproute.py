"""An HTTPRoute gives the canary its share, and everybody else keeps his."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import HTTPRoute
from controller.kube.memory_patch import PatchFailed
from controller.routers.httproute import ROUTER
from controller.routers.port import RouteView
from tests.unit.controller.workloads.objects import patched, read

APEX, CANARY = "checkout", "checkout-canary"
ABORTED, ORIGINAL = "blastdoor.dev/aborted", "blastdoor.dev/original-weights"


def backend(name: str = APEX, weight: int | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": 80, **({} if weight is None else {"weight": weight}), **more}


def route(*rules: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "shop", "generation": 3, **metadata}
    return {"metadata": metadata, "spec": {"rules": [{"backendRefs": refs} for refs in rules]}}


def seen(document: dict[str, Any]) -> HTTPRoute:
    return read(document, HTTPRoute)


def view(document: dict[str, Any]) -> RouteView:
    return ROUTER.read(seen(document), APEX, CANARY)


def at(document: dict[str, Any], weight: float, aborted: str | None = None) -> dict[str, Any]:
    return patched(document, ROUTER.desired(seen(document), APEX, CANARY, weight, aborted))


def restored(document: dict[str, Any], forget: bool = True) -> dict[str, Any]:
    operations = ROUTER.restore(seen(document), APEX, CANARY, clear_aborted=forget)
    return patched(document, operations)


def weights(document: dict[str, Any], rule: int = 0) -> dict[str, int]:
    sent: dict[str, int] = {}
    for ref in document["spec"]["rules"][rule]["backendRefs"]:
        sent[ref["name"]] = sent.get(ref["name"], 0) + ref.get("weight", 1)
    return sent


def shares(document: dict[str, Any], rule: int = 0) -> dict[str, Fraction]:
    sent = weights(document, rule)
    return {name: Fraction(weight, sum(sent.values())) for name, weight in sent.items()}


owners = st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(lambda w: w[0] > 0)
percents = st.floats(0.01, 100) | st.sampled_from([1.0, 2.0, 5.0, 10.0, 50.0, 98.0, 100.0])


def owned(ws: list[int]) -> dict[str, Any]:
    names = [APEX, "cart", "search", "ads"]
    return route([backend(n, w) for n, w in zip(names, ws, strict=False)], [backend("search")])


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


# -- containment -------------------------------------------------------------------------------


@given(owners, percents)
def test_containment_is_weight_0_and_the_mark_in_one_patch(ws: list[int], weight: float) -> None:
    after = at(at(owned(ws), weight), 0, "chg-1")
    assert weights(after)[CANARY] == 0
    assert view(after).aborted_for == "chg-1"
    assert view(after).weight_pct == 0
    assert ROUTER.desired(seen(after), APEX, CANARY, 0, "chg-1") == []


def test_containment_of_a_route_without_canary_leaves_only_the_mark() -> None:
    before = route([backend()])
    after = at(before, 0, "chg-1")
    assert after["spec"] == before["spec"]
    assert view(after).aborted_for == "chg-1"


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_raise_that_was_decided_before_a_containment_is_refused(start: float) -> None:
    before = at(route([backend()], annotations={"a": "b"}), start)
    late = ROUTER.desired(seen(before), APEX, CANARY, 25)
    contained = at(before, 0, "chg-1")
    with pytest.raises(PatchFailed, match="aborted"):
        patched(contained, late)


def test_a_containment_that_was_decided_before_a_raise_still_lands() -> None:
    before = at(route([backend()]), 5)
    late = ROUTER.desired(seen(before), APEX, CANARY, 0, "chg-1")
    assert weights(patched(at(before, 25), late)) == {APEX: 10_000, CANARY: 0}


@pytest.mark.parametrize("forget", [True, False])
def test_the_mark_outlives_the_canary_unless_it_is_forgotten(forget: bool) -> None:
    after = restored(at(at(route([backend()]), 5), 0, "chg-1"), forget)
    assert weights(after) == {APEX: 1}
    assert (view(after).aborted_for == "") is forget


def test_backends_that_moved_under_the_patch_refuse_it() -> None:
    before = at(route([backend("cart", 1), backend(APEX, 1)]), 5)
    late = ROUTER.desired(seen(before), APEX, CANARY, 0, "chg-1")
    before["spec"]["rules"][0]["backendRefs"].reverse()
    with pytest.raises(PatchFailed, match="name"):
        patched(before, late)


# -- somebody else writes ----------------------------------------------------------------------


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


@pytest.mark.parametrize("text", ["", "{", '{"share": "x"}', "[]"])
def test_a_spoilt_record_is_foreign_and_shares_are_still_right(text: str) -> None:
    document = at(route([backend(APEX, 3), backend("cart", 1)]), 5)
    document["metadata"]["annotations"][ORIGINAL] = text
    assert view(document).foreign
    assert shares(restored(at(document, 0)))["cart"] == Fraction(1, 4)


def test_a_rule_that_moved_is_still_known_by_its_backends() -> None:
    document = at(route([backend(APEX, 3), backend("cart", 1)], [backend("ads")]), 5)
    document["spec"]["rules"].insert(0, {"backendRefs": [backend("login")]})
    assert weights(restored(document), 1) == {APEX: 3, "cart": 1}


# -- problems, and what the gateway says -------------------------------------------------------


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


def parent(name: str = "gw", status: str = "True", seen_: int = 3, **more: str) -> dict[str, Any]:
    accepted = {"type": "Accepted", "status": status, "observedGeneration": seen_, **more}
    return {"parentRef": {"name": name, "namespace": "shop"}, "conditions": [accepted]}


@pytest.mark.parametrize(
    ("parents", "waiting_for"),
    [
        pytest.param([parent()], "", id="accepted"),
        pytest.param([], "gateway gw has not looked", id="nobody"),
        pytest.param([parent(seen_=2)], "has seen generation 2 of 3", id="an older generation"),
        pytest.param([parent(status="False", reason="NoMatch")], "refuses", id="refused"),
        pytest.param([parent("else")], "gateway gw has not looked", id="another gateway"),
        pytest.param([parent(), parent("b", seen_=1)], "gateway b has seen", id="one of two"),
        pytest.param(
            [{"parentRef": {"name": "gw"}}], "gateway gw has not accepted", id="no condition"
        ),
    ],
)
def test_a_weight_is_in_force_when_every_gateway_accepted_it(
    parents: list[dict[str, Any]], waiting_for: str
) -> None:
    document = route([backend()])
    document["spec"]["parentRefs"] = [{"name": "gw"}]
    document["status"] = {"parents": parents}
    assert waiting_for in view(document).waiting_for
    assert view(document).in_force is (waiting_for == "")


def test_backends_that_the_gateway_does_not_find_are_told() -> None:
    document = route([backend()])
    refs = {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": "x"}
    document["status"] = {"parents": [{"conditions": [refs]}]}
    assert view(document).unresolved == "BackendNotFound: x"
