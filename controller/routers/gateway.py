"""What the gateways say about a route: whether each has accepted the spec that we read.

A weight counts only once it is in force. Called by httproute.py, and fit for other kinds of route
of the Gateway API, which all have this status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controller.api.k8s import HTTPRoute, RouteCondition, RouteParentStatus

_PARENT_KEY: Final = ("namespace", "name", "sectionName", "port")


def unaccepted(route: HTTPRoute) -> str:
    """Why the present spec is not in force, as a sentence; empty when every parent accepted it."""
    reports = route.status.parents
    for ref in route.spec.parent_refs:
        if not any(_same(ref, report.parent_ref, route.namespace) for report in reports):
            return f"gateway {ref.get('name', '')} has not looked at the route yet"
    if not reports:
        return "no gateway has looked at the route yet"
    answers = (_unaccepted_by(report, route.metadata.generation) for report in reports)
    return next((answer for answer in answers if answer), "")


def unresolved(route: HTTPRoute) -> str:
    """What a gateway says about backends that it does not find; empty when it finds them all."""
    for report in route.status.parents:
        found = _condition(report, "ResolvedRefs")
        if found is not None and found.status == "False":
            return f"{found.reason}: {found.message}"
    return ""


def _unaccepted_by(report: RouteParentStatus, generation: int) -> str:
    gateway = f"gateway {report.parent_ref.get('name', '')}"
    found = _condition(report, "Accepted")
    if found is None:
        return f"{gateway} has not accepted the route yet"
    if found.observed_generation < generation:
        return f"{gateway} has seen generation {found.observed_generation} of {generation}"
    if found.status != "True":
        return f"{gateway} refuses the route: {found.reason}: {found.message}"
    return ""


def _condition(report: RouteParentStatus, of_type: str) -> RouteCondition | None:
    return next((c for c in report.conditions if c.type == of_type), None)


def _same(ref: Mapping[str, Any], reported: Mapping[str, Any], namespace: str) -> bool:
    defaults = {"namespace": namespace}
    return all(
        ref.get(key, defaults.get(key)) == reported.get(key, defaults.get(key))
        for key in _PARENT_KEY
    )
