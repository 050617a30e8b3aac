"""What the gateways say about a route: whether each has accepted the spec that we read, and finds
the canary that it names.

A weight counts only once it is in force. Called by httproute.py, and fit for other kinds of route
of the Gateway API, which all have this status.
"""

from __future__ import annotations

import re
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


def unresolved(route: HTTPRoute, canary: str) -> str:
    """What a gateway says about backends that it does not find; empty when it finds the canary.

    Its last word stands until it has looked at the spec anew. A text that names another backend and
    not the canary is no word about the canary: such a share is answered with errors with or without
    a release.
    """
    parents = route.spec.parent_refs
    for report in route.status.parents:
        if parents and not any(_same(p, report.parent_ref, route.namespace) for p in parents):
            continue  # of a gateway that the route has left
        found = _condition(report, "ResolvedRefs")
        if found is None or found.status != "False":
            continue
        if not _about_another(route, found.message, canary):
            return f"{found.reason}: {found.message}".rstrip(": ")
    return ""


def _about_another(route: HTTPRoute, message: str, canary: str) -> bool:
    backends = {ref.name for rule in route.spec.rules for ref in rule.backend_refs}
    others = backends - {canary}
    return canary not in message and any(_names(message, one, route.namespace) for one in others)


def _names(message: str, service: str, namespace: str) -> bool:
    """As gateways write names: `space/name`, `name.space`, in quotes, or after the kind. A name may
    be a word of every such sentence, as `backend` is."""
    name, space = re.escape(service), re.escape(namespace)
    written = rf"{space}/{name}|{name}\.{space}|[\"'`]{name}[\"'`]|Service {name}"
    return re.search(rf"(?<![\w-])(?:{written})(?![\w-])", message, re.IGNORECASE) is not None


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
