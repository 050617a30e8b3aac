"""The ladder: scale the canary, write the weight, wait until it is in force, judge, move on.

Only evidence gathered at a weight lets a release pass it; elapsed time alone never does.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.core.actions import ApplyCanary, Intent, SetWeight
from controller.core.decision import Note, Ruling
from controller.core.guards.back import go_back
from controller.core.ladder import canary_pods
from controller.core.observed import Observed, Verdict
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import (
    after,
    ahead,
    enter,
    hold_deadline,
    phase,
    plan_of,
    progress_deadline,
    running,
    step_of,
)  # fmt: skip

MAX_LOSSES = 2
"""Times that a canary may lose all its pods under traffic; the next one takes it back."""
_WAITED_FOR_PEOPLE = frozenset(
    {Reason.SCALED_TO_ZERO, Reason.HELD, Reason.PAUSED, Reason.SIGNOFF_APPLIED, Reason.INVALID,
     Reason.TRAFFIC_MISSING, Reason.ANALYSIS_MISSING, Reason.UNPINNED_SERVICE}
)  # fmt: skip
"""Reasons of a wait in which pods and router were not to blame: their deadline starts after it."""


def wanted_weight(o: Observed, change: Change) -> float:
    """The share that the phase in hand asks for, in percent."""
    match phase(o):
        case Phase.STEPPING:
            return step_of(change).weight
        case Phase.SHIFTING | Phase.WATCHING:
            return 100 - plan_of(change).promotion.holdback
        case _:
            return 100


def wanted_pods(o: Observed, change: Change) -> int:
    """Canary pods for that share; full size from the shift on."""
    live = o.workload.replicas if o.workload else 1
    share = step_of(change).weight if phase(o) is Phase.STEPPING else 100
    return canary_pods(share, live, routed=o.traffic.routed)


def scaled_to_zero(o: Observed, now: datetime) -> Ruling | None:
    """The owner switched the workload off in mid-run: no traffic to the canary either."""
    change = running(o)
    if change is None or o.workload is None or o.workload.replicas > 0:
        return None
    if phase(o) not in {*CARRYING, Phase.PROPOSED}:
        return None
    deadline = hold_deadline(o, change, now)
    if now >= deadline:
        return go_back(
            o, now, Outcome.INCONCLUSIVE, Reason.SCALED_TO_ZERO, "scaled to 0 for too long"
        )
    return Ruling(
        Reason.SCALED_TO_ZERO, "the workload has no replicas; the run goes on when it is scaled up",
        intents=_switched_off(o, change), wake_at=deadline,
        change=replace(change.status, in_force_since=None),
    )  # fmt: skip


def _switched_off(o: Observed, change: Change) -> tuple[Intent, ...]:
    """No traffic to the canary: by the route, or, where pods make the share, by having none."""
    uid = change.metadata.uid
    if o.traffic.routed:
        return (SetWeight(0, uid),) if o.traffic.weight else ()
    return (ApplyCanary(uid, 0),) if o.canary is not None and o.canary.wanted else ()


def canary_lost(o: Observed, now: datetime) -> Ruling | None:
    """No canary pod is left while the route sends it traffic: weight 0 until one is ready."""
    change = running(o)
    if change is None or phase(o) not in {*CARRYING, Phase.ABSORBING}:
        return None
    if not o.traffic.routed or not o.traffic.weight:
        return None
    if o.canary is not None and o.canary.available > 0:
        return None
    losses = change.status.losses + 1
    message = f"no canary pod is ready under traffic (time {losses})"
    if losses > MAX_LOSSES:
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.CANARY_LOST, message)
    return Ruling(
        Reason.CANARY_LOST, f"{message}; weight 0 until it is back",
        intents=(SetWeight(0, change.metadata.uid),),
        change=replace(change.status, losses=losses, in_force_since=None, entered_at=now),
        notes=(Note(Reason.CANARY_LOST, message),),
    )  # fmt: skip


def canary_starting(o: Observed, now: datetime) -> Ruling | None:
    """Pods before traffic: the weight is not raised until the canary is ready for it."""
    change = running(o)
    if change is None or phase(o) not in CARRYING:
        return None
    if change.status.in_force_since is not None:
        return None  # upkeep keeps its size; lost pods are a rule of their own
    if change.status.reason in _WAITED_FOR_PEOPLE and who_holds(o, change) is None:
        return Ruling(
            Reason.CANARY_STARTING, "what held it is over; its deadlines start anew",
            change=replace(change.status, entered_at=now), again=True,
        )  # fmt: skip
    want, uid, c = wanted_pods(o, change), change.metadata.uid, o.canary
    ours = c is not None and c.change_uid == uid
    fits = c is not None and ours and c.wanted == want and c.intact
    have = c.available if c is not None and ours else 0
    if fits and have >= want:
        return None
    if not o.traffic.routed and (c is None or c.wanted < want) and who_holds(o, change):
        return weight_held(o, now)  # more pods are more traffic
    deadline = progress_deadline(o, change, now)
    fact = f"{have} of {want} canary pods are ready"
    if now >= deadline:
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.PROGRESS_DEADLINE, fact)
    if fits:
        return Ruling(Reason.CANARY_STARTING, fact, wake_at=deadline)
    return Ruling(
        Reason.CANARY_STARTING, f"the canary gets {want} pods",
        intents=(ApplyCanary(uid, want),), wake_at=deadline,
    )  # fmt: skip


def traffic_lags(o: Observed, now: datetime) -> Ruling | None:
    """The route must say the weight, and the router must show that it took it."""
    change = running(o)
    if change is None or phase(o) not in CARRYING:
        return None
    status, weight = change.status, wanted_weight(o, change)
    deadline = progress_deadline(o, change, now)
    asked = o.traffic.weight == weight and not o.traffic.foreign
    if o.traffic.routed and o.traffic.weight is not None and not asked:
        if status.in_force_since is not None:
            return _repaired(o, now, change, weight)
        if weight > o.traffic.weight and who_holds(o, change) is not None:
            return weight_held(o, now)
        fact = f"setting the weight to {weight:g}%"
        if now >= deadline:
            return go_back(o, now, Outcome.INCONCLUSIVE, Reason.PROGRESS_DEADLINE, f"late: {fact}")
        return Ruling(
            Reason.ROUTE_PENDING, fact, intents=(SetWeight(weight, change.metadata.uid),),
            wake_at=deadline,
        )  # fmt: skip
    if not o.traffic.in_force and status.in_force_since is None:
        fact = f"weight {weight:g}% is written; the router does not show it yet"
        if now >= deadline:
            return go_back(o, now, Outcome.INCONCLUSIVE, Reason.PROGRESS_DEADLINE, fact)
        return Ruling(Reason.ROUTE_PENDING, fact, wake_at=deadline)
    if status.in_force_since is None:
        shown = weight if o.traffic.routed else (o.traffic.weight or 0.0)
        return Ruling(
            Reason.GATHERING, f"weight {shown:g}% is in force", again=True,
            change=replace(status, in_force_since=now, peak_weight=max(status.peak_weight, shown)),
        )  # fmt: skip
    return None


def _repaired(o: Observed, now: datetime, change: Change, weight: float) -> Ruling:
    """Somebody else wrote the route while our weight was in force: it is set back, as often as it
    takes, until the wait at this rung is over."""
    fact = f"the route said {o.traffic.weight:g}% where {weight:g}% was in force"
    deadline = hold_deadline(o, change, now)
    if now >= deadline and plan_of(change).limits.on_no_evidence == "Rollback":
        return without_evidence(o, now, f"{fact}, until limits.hold")
    return Ruling(
        Reason.FOREIGN_WEIGHT, fact, intents=(SetWeight(weight, change.metadata.uid),),
        wake_at=ahead(deadline, now), notes=(Note(Reason.FOREIGN_WEIGHT, fact),),
    )  # fmt: skip


def weight_held(o: Observed, now: datetime) -> Ruling | None:
    """A person, the author, a broken reference or missing data: the weight stays where it is."""
    change = running(o)
    if change is None or phase(o) not in {*CARRYING, Phase.PROPOSED}:
        return None
    held = _why_held(o, change)
    if held is None:
        return None
    reason, message = held
    deadline = hold_deadline(o, change, now)
    if phase(o) is Phase.PROPOSED:
        return Ruling(reason, message, wake_at=ahead(deadline, now))
    if now >= deadline:
        return without_evidence(o, now, f"{message}, until limits.hold")
    return Ruling(
        reason, f"{message}; the weight holds until {deadline:%H:%M:%S}Z", wake_at=deadline
    )


def who_holds(o: Observed, change: Change) -> tuple[Reason, str] | None:
    """A person, the author or a broken reference: they also keep a weight from being raised that
    is not in force yet. A restart climbs no ladder, so that no reference of the ladder holds it."""
    if change.status.held_by:
        return Reason.HELD, f"{change.status.held_by} holds it; sign a Release to go on"
    if o.rollout.spec.paused:
        return Reason.PAUSED, "spec.paused is true"
    if o.blocks and not change.spec.restart:
        return o.blocks[0].reason, o.blocks[0].message
    return None


def _why_held(o: Observed, change: Change) -> tuple[Reason, str] | None:
    held = who_holds(o, change)
    if held is not None:
        return held
    if phase(o) is Phase.PROPOSED:
        return None
    if o.evidence is None:
        return Reason.NO_DATA, "no sample has been read yet"
    if o.evidence.no_data:
        return Reason.NO_DATA, o.evidence.no_data
    return None


def without_evidence(o: Observed, now: datetime, message: str) -> Ruling:
    """`limits.hold` is over: inconclusive, which is neither good nor bad."""
    change = running(o)
    assert change is not None
    if plan_of(change).limits.on_no_evidence == "Rollback":
        return go_back(o, now, Outcome.INCONCLUSIVE, Reason.NO_EVIDENCE, message)
    return Ruling(Reason.NO_EVIDENCE, f"{message}; held for a person: sign a Promote or an Abort")


def gathering(o: Observed, now: datetime) -> Ruling | None:
    """At a rung with its weight in force: pass it, or wait for evidence, with a deadline."""
    change = running(o)
    if change is None or phase(o) is not Phase.STEPPING or o.evidence is None:
        return None
    rest = after(change.status.in_force_since, step_of(change).hold or "0s", now)
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
