"""The ladder: write the weight, wait until it is in force, judge, move on.

Only evidence gathered at a weight lets a release pass it; elapsed time alone never does.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.core.actions import SetWeight
from controller.core.decision import Note, Ruling
from controller.core.guards.back import go_back
from controller.core.guards.canary import not_found
from controller.core.guards.holding import weight_held, who_holds, without_evidence
from controller.core.observed import Observed, Verdict
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import enter, phase, plan_of, running, step_of
from controller.core.waits import after, ahead, by_our_clock, hold_deadline, progress_deadline


def wanted_weight(o: Observed, change: Change) -> float:
    """The share that the phase in hand asks for, in percent."""
    match phase(o):
        case Phase.STEPPING:
            return step_of(change).weight
        case Phase.SHIFTING | Phase.WATCHING:
            return 100 - plan_of(change).promotion.holdback
        case _:
            return 100


def traffic_lags(o: Observed, now: datetime) -> Ruling | None:
    """Every route must say the weight, and every router must show that it took it."""
    change = running(o)
    if change is None or phase(o) not in CARRYING:
        return None
    status, weight = change.status, wanted_weight(o, change)
    deadline = progress_deadline(o, change, now)
    carried = o.traffic.least is not None
    if o.traffic.routed and (carried or o.traffic.foreign) and not o.traffic.says(weight):
        if status.in_force_since is not None:
            return _repaired(o, now, change, weight)
        if weight > (o.traffic.least or 0.0) and who_holds(o, change) is not None:
            return _held_below(o, now, change, weight)
        if (missing := not_found(o)) and weight > (o.traffic.least or 0.0):
            return _waits_for_router(o, now, missing, deadline)
        why = "".join(f"; {word}" for word in (o.traffic.behind, o.refused) if word)
        fact = f"setting the weight to {weight:g}%{why}"
        if now >= deadline:
            return go_back(o, now, Outcome.INCONCLUSIVE, Reason.PROGRESS_DEADLINE, f"late: {fact}")
        return Ruling(
            Reason.ROUTE_PENDING, fact, intents=(SetWeight(weight, change.metadata.uid),),
            wake_at=deadline,
        )  # fmt: skip
    if o.traffic.routed and not carried and who_holds(o, change) is not None:
        return weight_held(o, now)  # a route that is gone is missing, and not slow
    shows = o.traffic.in_force and not o.traffic.unresolved and (carried or not o.traffic.routed)
    if not shows and status.in_force_since is None:
        fact = f"weight {weight:g}% is written; the router does not show it yet"
        return _waits_for_router(o, now, fact, deadline)
    if status.in_force_since is None:
        shown = weight if o.traffic.routed else (o.traffic.weight or 0.0)
        return Ruling(
            Reason.GATHERING, f"weight {shown:g}% is in force", again=True,
            change=replace(status, in_force_since=now, peak_weight=max(status.peak_weight, shown)),
        )  # fmt: skip
    return None


def _waits_for_router(o: Observed, now: datetime, fact: str, deadline: datetime) -> Ruling:
    """Nothing is written while the router is to move; what it never does is no harm found."""
    if now >= deadline:
        return go_back(o, now, Outcome.INCONCLUSIVE, Reason.PROGRESS_DEADLINE, fact)
    return Ruling(Reason.ROUTE_PENDING, fact, wake_at=deadline)


def _held_below(o: Observed, now: datetime, change: Change, weight: float) -> Ruling | None:
    """Held before the weight is on every route: none is raised, and one that somebody raised above
    it comes down to where the others are."""
    held, least = weight_held(o, now), o.traffic.least
    if held is None or least is None or (o.traffic.weight or 0.0) <= weight:
        return held
    lower = SetWeight(least, change.metadata.uid)
    return dataclasses.replace(held, intents=(*held.intents, lower))


def _repaired(o: Observed, now: datetime, change: Change, weight: float) -> Ruling:
    """Somebody else wrote the route while our weight was in force: it is set back, as often as it
    takes, until the wait at this rung is over."""
    said = o.traffic.weight if o.traffic.weight != weight else o.traffic.least
    which = f" ({o.traffic.behind})" if o.traffic.behind else ""
    fact = (
        f"somebody changed the backends where {weight:g}% was in force"
        if said in (weight, None)
        else f"the route said {said:g}%{which} where {weight:g}% was in force"
    )
    fact += f"; {o.refused}" if o.refused else ""
    deadline = hold_deadline(o, change, now)
    if now >= deadline and plan_of(change).limits.on_no_evidence == "Rollback":
        return without_evidence(o, now, f"{fact}, until limits.hold")
    return Ruling(
        Reason.FOREIGN_WEIGHT, fact, intents=(SetWeight(weight, change.metadata.uid),),
        wake_at=ahead(deadline, now), notes=(Note(Reason.FOREIGN_WEIGHT, fact),),
    )  # fmt: skip


def gathering(o: Observed, now: datetime) -> Ruling | None:
    """At a rung with its weight in force: pass it, or wait for evidence, with a deadline."""
    change = running(o)
    if change is None or phase(o) is not Phase.STEPPING or o.evidence is None:
        return None
    since = by_our_clock(o, change.status.in_force_since, now)
    rest = after(since, step_of(change).hold or "0s", now)
    if o.evidence.verdict is Verdict.STEP_UP and now >= rest:
        return next_rung(o, now, change, change.status)
    deadline = hold_deadline(o, change, now)
    if now >= deadline:
        return without_evidence(o, now, o.evidence.explain)
    wake = min(deadline, rest) if now < rest else deadline
    return Ruling(Reason.GATHERING, o.evidence.explain, wake_at=wake)


def next_rung(o: Observed, now: datetime, change: Change, status: ChangeStatus) -> Ruling:
    """Up one step, or on to promotion after the last."""
    from controller.core.guards.promotion import begin_promotion  # the ladder ends where it begins

    explain = o.evidence.explain if o.evidence else ""
    if status.step + 1 >= len(plan_of(change).steps):
        return begin_promotion(o, now, status)
    up = enter(status, Phase.STEPPING, now, step=status.step + 1)
    weight = plan_of(change).steps[up.step].weight
    message = f"step {status.step + 1} passed, on to {weight:g}%: {explain}"
    return Ruling(
        Reason.STEP_PASSED,
        message,
        change=up,
        notes=(Note(Reason.STEP_PASSED, message),),
        again=True,
    )
