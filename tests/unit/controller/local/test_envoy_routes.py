"""HTTPRoutes in Envoy's words: weights, precedence, filters, and what is not served."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.api.k8s import BackendRef, HTTPRoute, HTTPRouteSpec, RouteRule
from controller.api.meta import ObjectMeta
from controller.local.envoy_routes import UNRESOLVED, Problem, Served, serve, virtual_hosts

Json = Mapping[str, Any]
CHECKOUT = BackendRef(name="checkout", port=80, weight=9_800)
CANARY = BackendRef(name="checkout-canary", port=80, weight=200)


def route(
    *rules: RouteRule, name: str = "shop", hosts: tuple[str, ...] = (), age: int = 0
) -> HTTPRoute:
    created = datetime(2026, 1, 30 - age, tzinfo=UTC)
    return HTTPRoute(
        metadata=ObjectMeta(name=name, namespace="shop", creation_timestamp=created),
        spec=HTTPRouteSpec(rules=rules, hostnames=hosts),
    )


def rule(
    *refs: BackendRef, matches: tuple[Json, ...] = (), filters: tuple[Json, ...] = ()
) -> RouteRule:
    return RouteRule(
        backend_refs=refs, matches=tuple(map(dict, matches)), filters=tuple(map(dict, filters))
    )


def found(owner: HTTPRoute, ref: BackendRef) -> str:
    return f"{owner.namespace}/{ref.name}"


def served(*rules: RouteRule) -> Served:
    return serve(route(*rules), found)


def prefix(value: str) -> Json:
    return {"path": {"type": "PathPrefix", "value": value}}


def matches_of(*of: Served) -> list[Json]:
    (host,) = virtual_hosts(of)
    return [one["match"] for one in host["routes"]]


def test_weights_are_passed_on_as_given_under_the_names_of_services() -> None:
    (entry,) = served(rule(CHECKOUT, CANARY)).entries
    assert entry.route == {
        "match": {"prefix": "/"},
        "route": {
            "weighted_clusters": {
                "clusters": [
                    {"name": "shop/checkout", "weight": 9_800},
                    {"name": "shop/checkout-canary", "weight": 200},
                ]
            },
            "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
        },
    }


def test_a_backend_that_is_missing_keeps_its_share_and_is_reported() -> None:
    missing = Problem("BackendNotFound", "there is no Service shop/checkout-canary")
    one = serve(
        route(rule(CHECKOUT, CANARY)),
        lambda owner, ref: missing if ref is CANARY else found(owner, ref),
    )
    (entry,) = one.entries
    clusters = entry.route["route"]["weighted_clusters"]["clusters"]
    assert clusters[1] == {"name": UNRESOLVED, "weight": 200}
    assert one.unresolved == (missing,)
    assert one.unsupported == ()


def test_no_backend_with_weight_answers_500() -> None:
    for refs in ((), (BackendRef(name="a", port=80, weight=0),)):
        (entry,) = served(rule(*refs)).entries
        assert entry.route["direct_response"] == {"status": 500}


def test_the_most_specific_match_is_tried_first_wherever_it_stands() -> None:
    exact: Json = {"path": {"type": "Exact", "value": "/a"}}
    regex: Json = {"path": {"type": "RegularExpression", "value": "/a.*"}}
    with_header: Json = {**prefix("/a/b"), "headers": [{"name": "x", "value": "1"}]}
    one = served(
        rule(CHECKOUT),
        rule(CHECKOUT, matches=(prefix("/a"),)),
        rule(CHECKOUT, matches=(prefix("/a/b"), with_header, exact, regex)),
    )
    assert matches_of(one) == [
        {"path": "/a"},
        {"safe_regex": {"regex": "/a.*"}},
        {
            "path_separated_prefix": "/a/b",
            "headers": [{"name": "x", "string_match": {"exact": "1"}}],
        },
        {"path_separated_prefix": "/a/b"},
        {"path_separated_prefix": "/a"},
        {"prefix": "/"},
    ]


def test_between_equal_matches_the_older_route_wins() -> None:
    old = serve(route(rule(CANARY), name="z", age=9), found)
    new = serve(route(rule(CHECKOUT), name="a"), found)
    (host,) = virtual_hosts([new, old])
    assert host["routes"][0] == old.entries[0].route


def test_method_and_parameters_are_matched() -> None:
    match: Json = {"method": "POST", "queryParams": [{"name": "q", "value": "1"}]}
    (envoy,) = matches_of(served(rule(CHECKOUT, matches=(match,))))
    assert envoy["headers"] == [{"name": ":method", "string_match": {"exact": "POST"}}]
    assert envoy["query_parameters"] == [{"name": "q", "string_match": {"exact": "1"}}]


def test_each_hostname_has_its_own_routes_and_none_means_any() -> None:
    hosts = virtual_hosts(
        [
            serve(route(rule(CHECKOUT), hosts=("a.example", "b.example")), found),
            serve(route(rule(CANARY), name="any"), found),
        ]
    )
    assert [host["domains"] for host in hosts] == [["*"], ["a.example"], ["b.example"]]


def test_header_modifiers_are_served_on_rules_and_on_backends() -> None:
    modifier: Json = {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": "arm", "value": "canary"}], "remove": ["x"]},
    }
    marked = BackendRef(name="checkout", port=80, filters=(dict(modifier),))
    (entry,) = served(rule(marked, filters=(modifier,))).entries
    added = {
        "header": {"key": "arm", "value": "canary"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    cluster = entry.route["route"]["weighted_clusters"]["clusters"][0]
    for place in (entry.route, cluster):
        assert place["request_headers_to_add"] == [added]
        assert place["request_headers_to_remove"] == ["x"]


def test_a_rule_with_another_filter_is_left_out_and_named_and_the_others_are_served() -> None:
    one = served(rule(CHECKOUT, filters=({"type": "URLRewrite"},)), rule(CHECKOUT))
    assert len(one.entries) == 1
    assert one.unsupported == (
        Problem(
            "UnsupportedValue", "spec.rules[0].filters: URLRewrite; served are header modifiers"
        ),
    )


def test_a_match_that_is_not_known_is_left_out_and_named() -> None:
    odd: tuple[Json, ...] = (
        {"path": {"type": "Fuzzy", "value": "/"}},
        {"headers": [{"name": "x", "type": "Fuzzy", "value": "1"}]},
        {"headers": [{"value": "1"}]},
    )
    for match in odd:
        one = served(rule(CHECKOUT, matches=(match,)))
        assert one.entries == ()
        assert [problem.reason for problem in one.unsupported] == ["UnsupportedValue"]
