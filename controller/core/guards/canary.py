"""The canary's pods on their way and under traffic: pods before traffic, none without pods."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change
from controller.core.actions import ApplyCanary, Intent, SetWeight
from controller.core.decision import Note, Ruling
from controller.core.guards.back import go_back
from controller.core.guards.holding import weight_held, who_holds
from controller.core.ladder import canary_pods
from controller.core.observed import Observed
from controller.core.phases import CARRYING, REVERSIBLE, Outcome, Phase
from controller.core.reasons import TO_BE_MENDED, Reason
from controller.core.run import phase, running, step_of
from controller.core.waits import hold_deadline, progress_deadline

MAX_LOSSES = 2
"""Times that a canary may be lost under traffic; the next one takes it back."""
_WAITED_FOR_PEOPLE = TO_BE_MENDED | {
    Reason.SCALED_TO_ZERO, Reason.HELD, Reason.PAUSED, Reason.SIGNOFF_APPLIED, Reason.UNSEEN,
}  # fmt: skip
"""Reasons of a wait in which pods and router were not to blame: their deadline starts after it."""


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
    """No canary pod is left, or the router does not find the canary, while a route sends it
    traffic: weight 0 until it is back.

    Also where weight 0 is written already and this was not: the weight must not rise meanwhile.
    """
    change = running(o)
    if change is None or phase(o) not in REVERSIBLE:
        return None
    if not o.traffic.routed or o.traffic.weight is None:
        return None
    if not o.traffic.weight and change.status.in_force_since is None:
        return None
    fact = _why_lost(o)
    if not fact:
        return None
    losses = change.status.losses + 1
    message = f"{fact} (time {losses})"
    if losses > MAX_LOSSES:
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.CANARY_LOST, message)
    return Ruling(
        Reason.CANARY_LOST, f"{message}; weight 0 until it is back",
        intents=(SetWeight(0, change.metadata.uid),) if o.traffic.weight else (),
        change=replace(change.status, losses=losses, in_force_since=None, entered_at=now),
        notes=(Note(Reason.CANARY_LOST, message),),
    )  # fmt: skip


def _why_lost(o: Observed) -> str:
    """What takes the ground from under the canary's share; empty when it is served."""
    if o.canary is None or o.canary.available == 0:
        return "no canary pod is ready under traffic"
    return not_found(o)


def not_found(o: Observed) -> str:
    """That a router does not find the canary, in its words; empty when all do."""
    return o.traffic.unresolved and f"the router does not find the canary: {o.traffic.unresolved}"


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
    if not ours and any(b.reason is Reason.UNSEEN for b in o.blocks):
        return weight_held(o, now)  # it would be made without what cannot be seen, as policies
    deadline = progress_deadline(o, change, now)
    why = f"; {c.stuck}" if c is not None and ours and c.stuck else ""
    fact = f"{have} of {want} canary pods are ready{why}"
    if now >= deadline:
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.PROGRESS_DEADLINE, fact)
    if fits:
        return Ruling(Reason.CANARY_STARTING, fact, wake_at=deadline)
    return Ruling(
        Reason.CANARY_STARTING, f"the canary gets {want} pods",
        intents=(ApplyCanary(uid, want),), wake_at=deadline,
    )  # fmt: skip
