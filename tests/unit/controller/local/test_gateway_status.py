"""What a route's status says."""

from datetime import UTC, datetime, timedelta

import msgspec

from controller.api.k8s import HTTPRoute, HTTPRouteSpec, HTTPRouteStatus, RouteParentStatus
from controller.api.meta import ObjectMeta
from controller.local.envoy_routes import Problem
from controller.local.gateway_status import CONTROLLER_NAME, patch, wanted_parents

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MISSING = Problem("BackendNotFound", "there is no Service shop/canary")


def route(*parents: RouteParentStatus, generation: int = 3) -> HTTPRoute:
    return HTTPRoute(
        metadata=ObjectMeta(name="shop", namespace="shop", generation=generation),
        spec=HTTPRouteSpec(parent_refs=({"name": "local"}, {"kind": "Service", "name": "mesh"})),
        status=HTTPRouteStatus(parents=parents),
    )


def test_each_gateway_that_the_route_names_gets_both_conditions_at_the_present_generation() -> None:
    (parent,) = wanted_parents(route(), (), (), NOW)
    assert parent.parent_ref == {"name": "local"}
    assert parent.controller_name == CONTROLLER_NAME
    assert [(one.type, one.status, one.observed_generation) for one in parent.conditions] == [
        ("Accepted", "True", 3),
        ("ResolvedRefs", "True", 3),
    ]


def test_a_problem_turns_its_own_condition_false_with_reason_and_message() -> None:
    (parent,) = wanted_parents(route(), (), (MISSING,), NOW)
    accepted, resolved = parent.conditions
    assert accepted.status == "True"
    assert (resolved.status, resolved.reason, resolved.message) == (
        "False",
        "BackendNotFound",
        "there is no Service shop/canary",
    )


def test_nothing_new_is_equal_to_what_is_there() -> None:
    parents = wanted_parents(route(), (), (), NOW)
    assert wanted_parents(route(*parents), (), (), NOW + timedelta(hours=1)) == parents


def test_the_time_of_transition_moves_only_with_the_status() -> None:
    parents = wanted_parents(route(), (), (), NOW)
    later = NOW + timedelta(minutes=1)
    (parent,) = wanted_parents(route(*parents, generation=4), (), (MISSING,), later)
    assert [one.last_transition_time for one in parent.conditions] == [NOW, later]


def test_entries_of_other_controllers_are_kept() -> None:
    other = RouteParentStatus(parent_ref={"name": "edge"}, controller_name="example.com/edge")
    assert wanted_parents(route(other), (), (), NOW)[0] == other


def test_every_condition_that_is_written_has_all_that_the_crd_asks_for() -> None:
    body = patch(wanted_parents(route(), (), (MISSING,), NOW))
    for condition in body["status"]["parents"][0]["conditions"]:
        required = {"type", "status", "reason", "message", "lastTransitionTime"}
        assert required <= condition.keys()
    msgspec.json.encode(body)
