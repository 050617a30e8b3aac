"""The way back: what starts it, and its course until nothing of the canary is left.

Containment (weight 0 with its mark) is asked for in the very decision that finds the harm, before
any other rule can answer, and is never blocked: not by missing metrics, freezes, invalid specs or
pods that are not ready.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.core.actions import (
    Answer,
    Contain,
    Intent,
    RemoveCanary,
    RestoreTraffic,
    SwitchOff,
)  # fmt: skip
from controller.core.decision import Note, Ruling
from controller.core.finish import finish
from controller.core.observed import Observed, Verdict
from controller.core.phases import REJECTING, REVERSIBLE, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.refill import carried, refill
from controller.core.run import enter, phase, plan_of, running, stable_of
from controller.core.signoffs import applicable, handled
from controller.core.waits import after, ahead, progress_deadline


def go_back(
    o: Observed,
    now: datetime,
    outcome: Outcome,
    reason: Reason,
    message: str,
    *,
    status: ChangeStatus | None = None,
) -> Ruling:
    """Start the way back of the Change in hand; `status` if it was already moved on."""
    change = running(o)
    assert change is not None
    status = status or change.status
    facts = {"outcome": outcome.value, "reason": reason.value, "message": message}
    if phase(o) is Phase.PROPOSED:
        return finish(o, now, replace(status, **facts), message)
    status = replace(status, **facts)
    if phase(o) is Phase.ABSORBING:
        spared = _canary_spared(o, change, status)
        undone = _undo_absorb(o, canary_serves=not spared)
        return Ruling(
            reason, message, intents=(*spared, *_kill_switch(o, outcome), *undone),
            change=enter(status, Phase.REVERTING, now), again=True,
        )  # fmt: skip
    return retreat(o, now, status)


def retreat(o: Observed, now: datetime, status: ChangeStatus) -> Ruling:
    """Weight 0 at once, for the outcome and the reason that the status names."""
    change = running(o)
    assert change is not None
    assert status.outcome != Outcome.PROMOTED
    return Ruling(
        Reason(status.reason), status.message,
        intents=(_contain(change, status), *_kill_switch(o, status.outcome)),
        change=enter(status, Phase.RETREATING, now),
    )  # fmt: skip


def _contain(change: Change, status: ChangeStatus) -> Contain:
    """Its mark remembers the outcome should the status not be written."""
    return Contain(change.metadata.uid, status.outcome, status.reason)


def _kill_switch(o: Observed, outcome: str) -> tuple[Intent, ...]:
    """Only for what was found wanting: nobody turns the flag on again for a newer edit, whose run
    would then judge code that is switched off."""
    switch = o.rollout.spec.kill_switch
    if switch is None or outcome not in REJECTING:
        return ()
    return (SwitchOff(switch.config_map, switch.key),)


def aborted_by_person(o: Observed, now: datetime) -> Ruling | None:
    """One Abort takes the release back, in every state in which there is a way back."""
    change = running(o)
    asked = applicable(o, "Abort")
    if change is None or not asked or phase(o) not in {*REVERSIBLE, Phase.PROPOSED}:
        return None
    command = asked[0]
    because = f": {command.reason}" if command.reason else ""
    message = f"{command.by or 'a person'} aborted {change.name}{because}"
    ruling = go_back(
        o, now, Outcome.ABORTED, Reason.ABORTED, message, status=handled(change.status, command)
    )
    answer = Answer(command.name, "Applied", f"{change.name} is taken back")
    return dataclasses.replace(ruling, message=message, intents=(*ruling.intents, answer))


def harm_found(o: Observed, now: datetime) -> Ruling | None:
    """The evidence of harm crossed its threshold: weight 0, whatever else is wrong."""
    if phase(o) not in REVERSIBLE or o.evidence is None:
        return None
    if o.evidence.verdict is not Verdict.ROLLBACK:
        return None
    return go_back(o, now, Outcome.ROLLED_BACK, Reason.HARM_FOUND, o.evidence.explain)


def canary_crashing(o: Observed, now: datetime) -> Ruling | None:
    """A hard rule outside the statistics: a container that crashes again and again."""
    if o.canary is None or not o.canary.crashing:
        return None
    if phase(o) not in REVERSIBLE:
        return None
    return go_back(
        o,
        now,
        Outcome.ROLLED_BACK,
        Reason.CANARY_CRASHING,
        f"the canary crashes: {o.canary.crashing}",
    )


def contained_already(o: Observed, now: datetime) -> Ruling | None:
    """The route carries the mark of this Change: the operator was stopped between patch and
    status. The way back goes on; the weight never rises again for it."""
    change = running(o)
    if change is None or phase(o) not in REVERSIBLE:
        return None
    if not o.traffic.marked_for(change.metadata.uid):
        return None
    outcome, reason = _marked(o)
    message = "traffic was returned to stable before this could be written down"
    return go_back(o, now, outcome, reason, message)


def _marked(o: Observed) -> tuple[Outcome, Reason]:
    """What the mark says that it was taken back as.

    Whoever may write a route can write a mark: it can only ever take a release back.
    """
    mark = o.traffic.mark
    try:
        outcome, reason = (Outcome(mark.outcome), Reason(mark.reason)) if mark else (None, None)
    except ValueError:  # of an older version, or made by hand
        outcome, reason = None, None
    if outcome is None or reason is None or outcome is Outcome.PROMOTED:
        return Outcome.ROLLED_BACK, Reason.ROLLED_BACK
    return outcome, reason


def reverting(o: Observed, now: datetime) -> Ruling | None:
    """Undo an absorb: pause, empty the new ReplicaSet, wait for stable; then weight 0.

    Without a canary that serves there is nothing to wait for: what stable has takes the traffic.
    """
    change = running(o)
    if change is None or phase(o) is not Phase.REVERTING or o.workload is None:
        return None
    stable = o.workload.of_digest(stable_of(o).digest)
    ready = stable is not None and stable.available >= max(1, o.workload.replicas)
    late = now >= progress_deadline(o, change, now)
    if ready or (late and stable is not None and stable.available > 0) or not o.workload.replicas:
        return Ruling(
            Reason(change.status.reason), change.status.message,
            intents=(*_undo_absorb(o), _contain(change, change.status)),
            change=enter(change.status, Phase.RETREATING, now),
        )  # fmt: skip
    have = stable.available if stable else 0
    spared = _canary_spared(o, change, change.status)
    serves = ", the canary serves until it is complete" if o.traffic.weight and not spared else ""
    return Ruling(
        Reason.REVERTING,
        f"{change.status.message}; stable has {have} of {o.workload.replicas} pods{serves}",
        intents=(*spared, *_undo_absorb(o, canary_serves=not spared)),
        wake_at=ahead(progress_deadline(o, change, now), now),
    )


def _canary_spared(o: Observed, change: Change, status: ChangeStatus) -> tuple[Intent, ...]:
    """Weight 0 before stable is complete: by a route, where the canary serves nobody, or in place,
    where it has a part of the traffic and the Deployment the pods for all of it.

    Some of these are of the new version too, harmful or not: they go as stable's come
    (`core.refill`). Too few pods would lose more than a harmful version does. For the same reason
    the Service is not pinned to the few pods that stable has, where pods make the share.
    """
    w = o.workload
    if w is None or not o.traffic.routed or not o.traffic.weight:
        return ()
    empty = o.canary is None or o.canary.available == 0
    ready = sum(s.available for s in w.sets) >= max(1, w.replicas - w.unavailable)
    in_place = plan_of(change).promotion.mode == "InPlace"
    return (_contain(change, status),) if empty or (in_place and ready) else ()


def _undo_absorb(o: Observed, *, canary_serves: bool = True) -> tuple[Intent, ...]:
    """Stable takes all pods of the Deployment again."""
    w = o.workload
    if w is None:
        return ()
    share = carried(o) if canary_serves else 0
    return refill(w, stable_of(o).digest, kept=o.revision_kept, carried=share)


def retreating(o: Observed, now: datetime) -> Ruling | None:
    """Weight 0 in force, drain, canary gone, route as the owner had it: then it is over."""
    change = running(o)
    if change is None or phase(o) is not Phase.RETREATING:
        return None
    status, uid = change.status, change.metadata.uid
    reason, why = Reason.RETREATING, status.message
    deadline = ahead(progress_deadline(o, change, now), now)
    carries = o.traffic.routed and (o.traffic.weight or 0) > 0
    # A route or Service that is gone can never show the mark: the deadline ends that wait.
    unmarked = o.canary is not None and not o.traffic.marked_for(uid) and deadline is not None
    if carries or unmarked:
        text = f"{why}; returning traffic to stable"
        return Ruling(reason, text, intents=(_contain(change, status),), wake_at=deadline)
    if o.canary is not None and not o.traffic.in_force and deadline is not None:
        text = f"{why}; weight 0 is written, the router does not show it yet"
        return Ruling(reason, text, wake_at=deadline)
    if o.canary is not None:
        drained = drain(o, now, status, reason, why)
        # The flag again: an operator that was killed after the record of the way back left it on.
        gone = (*_kill_switch(o, status.outcome), RemoveCanary())
        removed = Ruling(reason, f"{why}; removing the canary", intents=gone)
        return _pinned_again(o, change, drained or removed)
    if o.traffic.touched:
        return Ruling(
            reason, f"{why}; restoring the owner's traffic", intents=(RestoreTraffic(forget=True),)
        )
    return finish(o, now, status, why)


def _pinned_again(o: Observed, change: Change, ruling: Ruling) -> Ruling:
    """Without a route, somebody took the pin off and left the mark, or it leads to pods that are
    gone: it is set anew, beside the rest of the way back. That waits for nothing, as the canary's
    end ends its share as well."""
    if not o.traffic.mispinned:
        return ruling
    pin, notes = _contain(change, change.status), ruling.notes
    if o.traffic.weight:
        service = f"Service {o.rollout.spec.traffic.service}"
        text = f"{service} sent traffic to the canary again; it is pinned to stable"
        notes = (*notes, Note(Reason.FOREIGN_WEIGHT, text))
    return dataclasses.replace(ruling, intents=(pin, *ruling.intents), notes=notes)


def drain(
    o: Observed, now: datetime, status: ChangeStatus, reason: Reason, why: str
) -> Ruling | None:
    """Let requests in flight end before pods go; None when the time is over."""
    change = running(o)
    assert change is not None
    until = after(now, plan_of(change).limits.drain, now)
    if status.drain_until is None or status.drain_until > until:  # by a clock ahead of ours
        return Ruling(
            reason, f"{why}; draining", change=replace(status, drain_until=until),
            wake_at=until, again=until <= now,
        )  # fmt: skip
    if now < status.drain_until:
        return Ruling(reason, f"{why}; draining", wake_at=status.drain_until)
    return None
