"""A weight is in force once every gateway says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controller.routers.routes import backend, route, view


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
