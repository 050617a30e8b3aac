"""How long a run waits: limits, deadlines, and since when.

A wait counts only while somebody was there to act, by the clock of whoever acts now (decision
0007).
"""

from __future__ import annotations

from datetime import datetime

from controller.api.change import Change
from controller.api.quantities import parse_duration
from controller.core.observed import Observed
from controller.core.progress import advanced
from controller.core.reasons import Reason
from controller.core.run import plan_of


def ruled_since(o: Observed, reason: Reason) -> datetime | None:
    """Since when the Rollout's status gives this reason; None when it gives another.

    For the waits that no Change keeps the time of.
    """
    conditions = o.rollout.status.conditions
    given = (c for c in conditions if c.type == "Ready" and c.reason == reason.value)
    return next((c.last_transition_time for c in given), None)


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
    """When pods or a router that do not get ready end the phase: from its beginning, or from the
    last pod of the Deployment that got ready."""
    since = waiting_since(o, change, now)
    last = now if advanced(o) else by_our_clock(o, change.status.progressed_at, now)
    if since is not None and last is not None:
        since = max(since, last)
    return after(since, plan_of(change).limits.progress_deadline, now)


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
