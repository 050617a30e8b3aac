"""The verb by which a fault is ordered."""

import pytest

from controller.local.fault_kinds import verb_of

PODS = "/api/v1/namespaces/shop/pods"
ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"


@pytest.mark.parametrize(
    ("method", "path", "query", "verb"),
    [
        ("GET", PODS, {}, "list"),
        ("GET", PODS, {"watch": "true"}, "watch"),
        ("GET", f"{PODS}/a", {}, "get"),
        ("GET", "/api/v1/namespaces", {}, "list"),
        ("GET", "/api/v1/namespaces/shop", {}, "get"),
        ("GET", ROUTES, {}, "list"),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments/a/scale", {}, "get"),
        ("POST", PODS, {}, "create"),
        ("PATCH", f"{PODS}/a", {}, "patch"),
        ("PUT", f"{PODS}/a", {}, "replace"),
        ("DELETE", f"{PODS}/a", {}, "delete"),
        ("GET", "/api/v1/query_range", {"query": "up"}, "list"),
    ],
)
def test_a_request_has_the_verb_that_the_api_gives_it(
    method: str, path: str, query: dict[str, str], verb: str
) -> None:
    assert verb_of(method, path, query) == verb
