"""At full share: no harm found for the whole watch, with data that are fit to show it.

The holdback stays on stable as a control, which is why the way back is one patch until the watch is
over. Time and evidence are asked for both: neither alone lets a release be absorbed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from controller.api.change import ChangeStatus
from controller.api.quantities import parse_duration
from controller.core.decision import Ruling
from controller.core.guards.holding import without_evidence
from controller.core.guards.promotion import begin_absorb
from controller.core.observed import Observed
from controller.core.phases import Phase
from controller.core.reasons import Reason
from controller.core.run import enter, phase, plan_of, running
from controller.core.waits import after, waiting_since


def shifted(o: Observed, now: datetime) -> Ruling | None:
    """At full size with the traffic in force (the rules of the ladder saw to that): watch."""
    change = running(o)
    if change is None or phase(o) is not Phase.SHIFTING:
        return None
    kept = change.status.in_force_since
    return Ruling(
        Reason.WATCHING, "the canary has the traffic; the holdback stays as a control",
        change=enter(change.status, Phase.WATCHING, now, in_force_since=kept), again=True,
    )  # fmt: skip


def watching(o: Observed, now: datetime) -> Ruling | None:
    """No harm found for the whole watch, with data that are fit to show it: absorb."""
    change = running(o)
    if change is None or phase(o) is not Phase.WATCHING:
        return None
    if (seen := _watched_again(o, now, change.status)) is not None:
        return seen
    until = after(waiting_since(o, change, now), plan_of(change).promotion.watch, now)
    doubt = (o.evidence.doubt if o.evidence else "") or _unseen(o, until)
    if now >= until and not doubt:
        return begin_absorb(o, now, change.status)
    if now >= until:
        deadline = after(until, plan_of(change).limits.hold, now)
        if now >= deadline:
            return without_evidence(o, now, f"the watch ended in doubt: {doubt}")
        return Ruling(Reason.WATCHING, f"the watch goes on: {doubt}", wake_at=deadline)
    explain = o.evidence.explain if o.evidence else ""
    return Ruling(Reason.WATCHING, f"watched until {until:%H:%M:%S}Z; {explain}", wake_at=until)


def _watched_again(o: Observed, now: datetime, status: ChangeStatus) -> Ruling | None:
    """Time without data is no time of the watch: nobody would have seen harm in it."""
    dark, entered = status.no_data_since, status.entered_at
    if dark is None or entered is None or (o.evidence is not None and o.evidence.no_data):
        return None
    lost = max(now - max(dark, entered), timedelta(0))
    return Ruling(
        Reason.WATCHING, "the data are back; the watch goes on where it was",
        change=replace(status, entered_at=entered + lost), again=True,
    )  # fmt: skip


def _unseen(o: Observed, until: datetime) -> str:
    """Why the evidence does not cover the watch; empty when it does, or when there is none."""
    change = running(o)
    assert change is not None
    if parse_duration(plan_of(change).promotion.watch) == timedelta(0):
        return ""
    seen = o.evidence.seen_until if o.evidence else None
    return "" if seen is not None and seen >= until else "its last ticks are not read yet"
