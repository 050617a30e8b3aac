"""What an HTTPRoute's status shall say once Envoy has taken it; pure. Called by `gateway`.

The local gateway stands for every Gateway that a route names as its parent. Entries of other
controllers are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from controller.api.k8s import HTTPRoute, RouteCondition, RouteParentStatus
from controller.local.envoy_routes import Problem

CONTROLLER_NAME: Final = "blastdoor.dev/local-gateway"
_LONGEST_MESSAGE: Final = 1024
_WELL: Final = {  # the CRD asks for a message in every condition
    "Accepted": "in force at the gateway",
    "ResolvedRefs": "every backend is a Service of this namespace",
}


def wanted_parents(
    route: HTTPRoute, not_accepted: Sequence[Problem], unresolved: Sequence[Problem], now: datetime
) -> tuple[RouteParentStatus, ...]:
    """All entries of `status.parents`; equal to the present ones when there is nothing to say."""
    before = {_key(one.parent_ref): one for one in route.status.parents if _is_ours(one)}
    judged = (
        _condition("Accepted", not_accepted, route.metadata.generation),
        _condition("ResolvedRefs", unresolved, route.metadata.generation),
    )
    ours = [
        RouteParentStatus(
            parent_ref=ref,
            controller_name=CONTROLLER_NAME,
            conditions=tuple(_dated(one, before.get(_key(ref)), now) for one in judged),
        )
        for ref in _gateways(route)
    ]
    others = [one for one in route.status.parents if not _is_ours(one)]
    return (*others, *ours)


def patch(parents: Iterable[RouteParentStatus]) -> dict[str, Any]:
    """The body of the status patch."""
    return {"status": {"parents": [msgspec.to_builtins(one) for one in parents]}}


def _gateways(route: HTTPRoute) -> list[dict[str, Any]]:
    return [ref for ref in route.spec.parent_refs if ref.get("kind", "Gateway") == "Gateway"]


def _is_ours(parent: RouteParentStatus) -> bool:
    return parent.controller_name == CONTROLLER_NAME


def _key(parent_ref: dict[str, Any]) -> bytes:
    return msgspec.json.encode(parent_ref, order="deterministic")


def _condition(kind: str, problems: Sequence[Problem], generation: int) -> RouteCondition:
    return RouteCondition(
        type=kind,
        status="False" if problems else "True",
        reason=problems[0].reason if problems else kind,
        message=("; ".join(one.message for one in problems) or _WELL[kind])[:_LONGEST_MESSAGE],
        observed_generation=generation,
    )


def _dated(
    condition: RouteCondition, before: RouteParentStatus | None, now: datetime
) -> RouteCondition:
    """Keeps the time of the last transition while the status stays the same."""
    since = now.astimezone(UTC).replace(microsecond=0)
    for old in before.conditions if before else ():
        if (old.type, old.status) == (condition.type, condition.status):
            since = old.last_transition_time or since
    return msgspec.structs.replace(condition, last_transition_time=since)
