"""Questions about the run in hand, and the few ways in which its status moves on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus, Plan
from controller.api.quantities import parse_duration
from controller.api.rollout import Stable, Step
from controller.core.decision import Memory
from controller.core.observed import Command, Observed
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason

CLOCK_GRAIN = timedelta(seconds=1)
"""The API server cuts the time of creation to whole seconds."""


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


def ruled_since(o: Observed, reason: Reason) -> datetime | None:
    """Since when the Rollout's status gives this reason; None when it gives another.

    For the waits that no Change keeps the time of.
    """
    conditions = o.rollout.status.conditions
    given = (c for c in conditions if c.type == "Ready" and c.reason == reason.value)
    return next((c.last_transition_time for c in given), None)


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


def after(start: datetime | None, span: str, now: datetime) -> datetime:
    """`start` plus a duration text; a missing start counts as now."""
    return (start or now) + parse_duration(span)


def ahead(deadline: datetime, now: datetime) -> datetime | None:
    """A deadline as a time to wake at: None when it has passed and only an event goes on."""
    return deadline if now < deadline else None


def stricter(frozen: str, live: str) -> str:
    """The shorter of two limits: a stricter one counts at once, a looser one with the next run.

    One that cannot be read (the spec was broken in mid-run) counts for nothing.
    """
    try:
        return live if parse_duration(live) < parse_duration(frozen) else frozen
    except ValueError:
        return frozen


def hold_deadline(o: Observed, change: Change, now: datetime) -> datetime:
    """When the wait at this rung ends without evidence."""
    limit = stricter(plan_of(change).limits.hold, o.rollout.spec.limits.hold)
    return after(waiting_since(o, change, now), limit, now)


def progress_deadline(o: Observed, change: Change, now: datetime) -> datetime:
    """When pods or a router that do not get ready end the phase."""
    return after(waiting_since(o, change, now), plan_of(change).limits.progress_deadline, now)


def waiting_since(o: Observed, change: Change, now: datetime) -> datetime | None:
    """A wait counts only while somebody was there to act: an operator that was down for longer
    than a deadline must not find it passed on its first look."""
    entered = by_our_clock(o, change.status.entered_at, now)
    if entered is None or o.acting_since is None:
        return entered
    return max(entered, o.acting_since)


def by_our_clock(o: Observed, moment: datetime | None, now: datetime) -> datetime | None:
    """A moment that was written down, unless it lies ahead of us: then an operator wrote it whose
    clock was ahead of ours, and what is measured from it begins with ourselves."""
    return o.acting_since if moment is not None and o.acting_since and moment > now else moment


def enter(status: ChangeStatus, new: Phase, now: datetime, **changes: Any) -> ChangeStatus:
    """The status at the start of a phase or rung: its clocks start anew."""
    fresh: dict[str, Any] = {
        "phase": new.value, "entered_at": now, "in_force_since": None, "drain_until": None,
    }  # fmt: skip
    return replace(status, **(fresh | changes))


def applicable(o: Observed, *decisions: str) -> tuple[Command, ...]:
    """Sign-offs for the Change in hand that are not acted on yet, oldest first."""
    change = running(o)
    if change is None:
        return ()
    return tuple(
        c
        for c in sorted(o.commands, key=lambda c: (c.created_at, c.uid))
        if c.decision in decisions
        and not c.answered
        and speaks_of(c, change)
        and c.uid not in change.status.handled
    )


def speaks_of(command: Command, change: Change) -> bool:
    """Names this Change, or names none and was created while this one was in hand."""
    if command.change:
        return command.change == change.name
    born = change.metadata.creation_timestamp
    return born is None or command.created_at >= born - CLOCK_GRAIN


def handled(status: ChangeStatus, command: Command) -> ChangeStatus:
    """The status with this sign-off counted as acted on."""
    return replace(status, handled=(*status.handled, command.uid))
