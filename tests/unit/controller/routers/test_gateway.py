"""A weight is in force once every gateway says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controller.routers.routes import at, backend, route, view


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


def misses(message: str, name: str = "gw", status: str = "False") -> dict[str, Any]:
    """The gateway does not find a backend."""
    refs = {"type": "ResolvedRefs", "status": status, "reason": "BackendNotFound"}
    found = parent(name)
    return {**found, "conditions": [*found["conditions"], {**refs, "message": message}]}


def told(*parents: dict[str, Any], weight: float = 5, refs: tuple[str, ...] = ()) -> str:
    document = at(route([backend()], *([backend(ref)] for ref in refs)), weight)
    document["spec"]["parentRefs"] = [{"name": "gw"}]
    document["status"] = {"parents": list(parents)}
    return view(document).unresolved


@pytest.mark.parametrize("message", [
    "", "x", "some backends do not exist", "Service shop/checkout-canary: no port 80",
    "Service shop/cart not found; Service shop/checkout-canary not found",
    "the backend is of an unknown kind",
])  # fmt: skip
def test_a_canary_that_the_gateway_may_not_find_is_told_in_its_words(message: str) -> None:
    words = told(misses(message), refs=("cart", "backend"))
    assert words == f"BackendNotFound: {message}".rstrip(": ")


@pytest.mark.parametrize("message", [
    "Service shop/cart not found", 'service "cart" not found', "no Service cart here",
    "backend(cart.shop.svc.cluster.local) not found",
])  # fmt: skip
def test_another_backend_that_it_does_not_find_is_no_word_about_the_canary(message: str) -> None:
    assert told(misses(message), refs=("cart",)) == ""


def test_a_route_that_names_no_canary_has_none_that_could_not_be_found() -> None:
    assert told(misses("x"), weight=0) == ""


def test_only_the_gateways_that_the_route_names_are_asked() -> None:
    assert told(parent(), misses("x", "former")) == ""
    assert told(misses("x", status="True")) == ""


def test_a_share_of_nothing_is_asked_for_as_well_while_the_canary_is_named() -> None:
    document = at(at(route([backend()]), 5), 0)
    document["status"] = {"parents": [misses("x")]}
    assert view(document).unresolved
    assert view(document).weight_pct == 0
