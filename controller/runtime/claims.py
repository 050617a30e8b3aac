"""By which Service and routes a Rollout's traffic goes, and whose they are. Pure.

A run keeps those that its Change froze, so that what it has written is taken back where it was
written; before and after it the Rollout's own word counts. A Service or a route carries the
releases of one Rollout: weights, note and mark on it are of one run. Called by `objects`, once for
each look; `world` finds Rollouts and Changes by their claims.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from controller.api.kinds import Change, Rollout
from controller.api.rollout import Traffic
from controller.core.phases import Phase

Claim = tuple[str, str, str]
"""Namespace, kind and name of a Service or a route."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def claims(namespace: str, traffic: Traffic) -> tuple[Claim, ...]:
    """All that the traffic goes by."""
    routes = ((namespace, route.kind, route.name) for route in traffic.routes)
    return ((namespace, "Service", traffic.service), *routes)


def of_rollout(rollout: Rollout) -> tuple[Claim, ...]:
    """What a Rollout names now."""
    return claims(rollout.namespace, rollout.spec.traffic)


def of_run(change: Change) -> tuple[Claim, ...]:
    """What a run that has not ended keeps, whatever its Rollout names by now."""
    traffic = frozen(change)
    return claims(change.namespace, traffic) if traffic else ()


def older(one: Rollout, other: Rollout) -> bool:
    """Whether `one` was there first."""
    return _age(one) < _age(other)


def _age(rollout: Rollout) -> tuple[datetime, str]:
    return rollout.metadata.creation_timestamp or _NEVER, rollout.name


def taken_by(other: str, claim: Claim, change: Change | None, *, in_run: bool) -> str:
    """What is in the way, and what helps; `change` is that of the one who has to wait."""
    namespace, kind, name = claim
    fact = f"{kind} {namespace}/{name} belongs to Rollout {other}"
    if in_run:
        return f"{fact} until its run has ended"
    first = "sign an Abort, then " if frozen(change) else ""
    return f"{fact}, which is older; {first}name another in spec.traffic, or delete one of the two"


def frozen(change: Change | None) -> Traffic | None:
    """The traffic of a run in hand; None without one, and in Changes of before."""
    if change is None or change.status.phase == Phase.FINISHED:
        return None
    return change.spec.plan.traffic


def has_begun(change: Change | None) -> bool:
    """Whether a canary of it may be there, and traffic for it. A restart makes none."""
    waits = ("", Phase.PROPOSED, Phase.FINISHED)
    return change is not None and change.status.phase not in waits and not change.spec.restart


def as_in_hand(rollout: Rollout, change: Change | None) -> Rollout:
    """The Rollout with the traffic of the run in hand."""
    traffic = frozen(change)
    if traffic is None or traffic == rollout.spec.traffic:
        return rollout
    return replace(rollout, spec=replace(rollout.spec, traffic=traffic))


def remedy(change: Change | None, field: str) -> str:
    """What helps when something that the traffic needs is missing."""
    if frozen(change) is not None:
        return "create it again, or sign an Abort"
    return f"create it, or mend {field}"
