"""Questions about the run in hand, and the few ways in which its status moves on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus, Plan
from controller.api.rollout import Stable, Step
from controller.core.decision import Memory
from controller.core.observed import Observed
from controller.core.phases import Outcome, Phase


def phase(o: Observed) -> Phase | None:
    """Phase of the Change in hand; None when there is none. A new Change is PROPOSED."""
    if o.change is None:
        return None
    return Phase(o.change.status.phase) if o.change.status.phase else Phase.PROPOSED


def running(o: Observed) -> Change | None:
    """The Change in hand, unless it has ended."""
    return o.change if phase(o) not in (None, Phase.FINISHED) else None


def remembered(o: Observed) -> Memory:
    """What the Rollout's status holds."""
    s = o.rollout.status
    return Memory(stable=s.stable, deployment_uid=s.deployment_uid, change=s.change)


def stable_of(o: Observed) -> Stable:
    """The version that serves, or must serve again.

    A Change that is absorbed has made its target stable, whether or not the Rollout's status was
    written before a crash.
    """
    change = o.change
    if change is not None and o.workload is not None:
        settled = phase(o) is Phase.SETTLING
        promoted = phase(o) is Phase.FINISHED and change.status.outcome == Outcome.PROMOTED
        if settled or promoted:
            digest = change.spec.target.digest
            serving = o.workload.of_digest(digest)
            kept = o.rollout.status.stable
            known = serving.hash if serving else kept.hash if kept.digest == digest else ""
            return Stable(hash=known, digest=digest)
    return o.rollout.status.stable


def plan_of(change: Change) -> Plan:
    """The plan that the run follows."""
    return change.spec.plan


def newer_edit(o: Observed) -> str:
    """Digest of a template that is neither what the run in hand releases nor stable; else empty."""
    change = running(o)
    if change is None or o.workload is None:
        return ""
    known = (change.spec.target.digest, stable_of(o).digest)
    return "" if o.workload.digest in known else o.workload.digest


def edits_may_wait(o: Observed) -> bool:
    """The run in hand can be ended behind a newer edit: its plan says so, and a full canary serves
    while the Deployment's pods change underneath."""
    change = running(o)
    if change is None or change.spec.restart or not o.traffic.routed:
        return False
    plan = plan_of(change)
    return plan.limits.supersede == "Queue" and plan.promotion.mode == "ShiftThenAbsorb"


def queued(o: Observed) -> str:
    """Digest of a newer edit that waits for the end of the run in hand; empty when none does.

    It waits only for a run whose own template is kept. Before the first rung nothing runs that
    could be starved.
    """
    if phase(o) is Phase.PROPOSED or not o.target_kept or not edits_may_wait(o):
        return ""
    return newer_edit(o)


def step_of(change: Change) -> Step:
    """The rung in hand."""
    steps = plan_of(change).steps
    return steps[min(change.status.step, len(steps) - 1)]


def enter(status: ChangeStatus, new: Phase, now: datetime, **changes: Any) -> ChangeStatus:
    """The status at the start of a phase or rung: its clocks start anew."""
    fresh: dict[str, Any] = {
        "phase": new.value, "entered_at": now, "in_force_since": None, "drain_until": None,
        "progress": 0, "progressed_at": None,
    }  # fmt: skip
    return replace(status, **(fresh | changes))
