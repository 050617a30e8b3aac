"""Routes of a shop before, during and after a run, and what they say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from controller.api.k8s import HTTPRoute
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
