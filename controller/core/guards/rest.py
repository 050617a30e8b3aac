"""No run in hand: clean up what a lost run left, start a proposal, or say that all is well."""

from __future__ import annotations

from datetime import datetime

from controller.core.actions import (
    Answer,
    CreateChange,
    Intent,
    RemoveCanary,
    RestoreTraffic,
    SetWeight,
    Unpause,
)  # fmt: skip
from controller.core.decision import Memory, Note, Ruling
from controller.core.hold import may_resume
from controller.core.observed import Block, HoldMode, Observed
from controller.core.phases import REJECTING, Phase
from controller.core.reasons import Reason
from controller.core.run import enter, phase, remembered, running, stable_of
from controller.core.signoffs import speaks_of
from controller.core.waits import after, ruled_since


def start(o: Observed, now: datetime) -> Ruling | None:
    """A recorded proposal with nothing against it begins its first rung."""
    change = running(o)
    if change is None or phase(o) is not Phase.PROPOSED:
        return None
    first = Phase.ABSORBING if change.spec.restart else Phase.STEPPING
    steps = len(change.spec.plan.steps)
    message = (
        "only the restart annotation changed: stable restarts"
        if change.spec.restart
        else f"{change.name} starts at {change.spec.plan.steps[0].weight:g}%"
    )
    status = enter(change.status, first, now, started_at=now, step=0, steps=steps)
    reason = Reason.RESTARTING if change.spec.restart else Reason.CANARY_STARTING
    return Ruling(reason, message, change=status, again=True, notes=(Note(reason, message),))


def leftovers(o: Observed, now: datetime) -> Ruling | None:
    """A canary or a weight that no run in hand accounts for goes away, traffic first."""
    if running(o) is not None:
        return None
    if canary_is_needed(o):
        return Ruling(
            Reason.REVERTING, "a run that is not recorded left all traffic on the canary; it"
            " serves until stable is complete",
        )  # fmt: skip
    text = "removing what a run that is not recorded left behind"
    stray = _stray_weight(o)
    if stray:
        return Ruling(Reason.RETREATING, text, intents=stray)
    if o.canary is not None:
        return _unused(o, now, text)
    if o.traffic.touched:
        return Ruling(Reason.RETREATING, text, intents=(RestoreTraffic(forget=True),))
    return None


def _stray_weight(o: Observed) -> tuple[Intent, ...]:
    stray = o.traffic.routed and (o.traffic.weight or 0) > 0 and not canary_is_needed(o)
    return (SetWeight(0, ""),) if stray else ()


def _unused(o: Observed, now: datetime, text: str) -> Ruling:
    """The canary goes when the router shows that it gets nothing and its last requests ended."""
    since, limits = ruled_since(o, Reason.RETREATING), o.rollout.spec.limits
    deadline = after(since, limits.progress_deadline, now)
    if not o.traffic.in_force and o.traffic.weight is not None and now < deadline:
        pending = f"{text}: the router does not show weight 0 yet"
        return Ruling(Reason.RETREATING, pending, wake_at=deadline)
    until = after(since, limits.drain, now)
    if o.traffic.routed and now < until:
        return Ruling(Reason.RETREATING, f"{text}: draining", wake_at=until)
    return Ruling(Reason.RETREATING, text, intents=(RemoveCanary(),))


def canary_is_needed(o: Observed) -> bool:
    """Its Change was deleted in mid-absorb: most traffic is on it, and stable is not complete."""
    if o.workload is None or o.canary is None or not o.canary.available or not o.traffic.routed:
        return False
    stable = o.workload.of_digest(stable_of(o).digest)
    have = stable.available if stable else 0
    return (o.traffic.weight or 0) > 50 and have < o.workload.replicas


def blocked(o: Observed, now: datetime) -> Ruling | None:
    """A broken reference starts nothing, and at rest is shown before it can hold up a release."""
    if not o.blocks or (o.proposal is not None and o.proposal.restart):
        return None
    waits = "; the proposed template waits" if o.proposal is not None else ""
    return Ruling(o.blocks[0].reason, o.blocks[0].message + waits)


def invalid(o: Observed, now: datetime) -> Ruling | None:
    """A spec that breaks a rule starts nothing; a run in hand has its own frozen plan."""
    wrong: Block | None = next((b for b in o.blocks if b.reason is Reason.INVALID), None)
    if wrong is None or running(o) is not None:
        return None
    return Ruling(Reason.INVALID, wrong.message, intents=_stray_weight(o))


def proposal(o: Observed, now: datetime) -> Ruling | None:
    """The Deployment holds another template than stable: record it, unless it was refused."""
    if o.proposal is None:
        return None
    retry = _retry(o)
    if (refused := _refused(o)) and retry is None:
        return Ruling(Reason.REJECTED, f"{refused}; edit the template or sign a Retry")
    kept = remembered(o)
    message = f"{o.proposal_name} proposes {', '.join(o.proposal.target.images) or 'a template'}"
    made: tuple[Intent, ...] = (CreateChange(o.proposal_name, o.proposal),)
    if retry is not None:
        made = (*made, Answer(retry, "Applied", f"{o.proposal_name} tries it again"))
    return Ruling(
        Reason.PROPOSED, message, intents=made,
        memory=Memory(stable_of(o), kept.deployment_uid, o.proposal_name),
        notes=(Note(Reason.PROPOSED, message),),
    )  # fmt: skip


def _refused(o: Observed) -> str:
    """Who says that this very template was taken back: its Change, or, when that was deleted, the
    Rollout's own status. Empty when nobody does."""
    if o.proposal is None:
        return ""
    digest, change = o.proposal.target.digest, o.change
    rejected = change is not None and change.status.outcome in REJECTING
    if change is not None and rejected and change.spec.target.digest == digest:
        return f"{change.name} was taken back ({change.status.message})"
    if o.rollout.status.refused == digest:
        return f"template {digest[:8]} was taken back, and the Change that says why is gone"
    return ""


def _retry(o: Observed) -> str | None:
    """Name of a Retry that was signed after the refusal."""
    change = o.change
    if running(o) is not None:
        return None
    asked = (c for c in o.commands if c.decision == "Retry" and not c.answered)
    return next((c.name for c in asked if change is None or speaks_of(c, change)), None)


def at_rest(o: Observed, now: datetime) -> Ruling | None:
    """One version serves."""
    assert o.workload is not None
    kept = remembered(o)
    memory = Memory(stable_of(o), kept.deployment_uid, kept.change)
    resume: tuple[Intent, ...] = ()
    if o.workload.paused and o.hold_mode is HoldMode.ON_CHANGE and may_resume(o):
        resume = (Unpause(stable_of(o).digest),)
    images = f"; last: {o.change.name} {o.change.status.outcome}" if o.change else ""
    notes = f"; note: {'; '.join(o.notes)}" if o.notes else ""
    return Ruling(
        Reason.STABLE,
        f"{stable_of(o).digest[:8]} serves{images}{notes}",
        intents=resume,
        memory=memory,
    )
