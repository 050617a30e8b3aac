"""Whether the Deployment is ours to release: missing, taken, recreated, or still rolling.

Stable is the template of the only active ReplicaSet, never the Deployment's text: that may already
hold the first proposal.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.api.rollout import Stable
from controller.core.actions import Adopt, KeepRevision
from controller.core.decision import Memory, Note, Ruling
from controller.core.finish import finish
from controller.core.guards.back import go_back, retreat
from controller.core.observed import Observed, ReplicaSetFact, Workload
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import phase, running, stable_of
from controller.core.waits import after, hold_deadline, ruled_since


def workload_missing(o: Observed, now: datetime) -> Ruling | None:
    """Nothing can be adopted, or what carried stable is gone: hold, and say so.

    The canary may be all that serves, so a run keeps its share, but not for ever, and not when the
    Rollout is deleted as well.
    """
    if o.workload is not None:
        return None
    change = running(o)
    name = o.rollout.spec.workload.name
    message = (
        f"Deployment {o.rollout.namespace}/{name} does not exist; create it, or mend spec.workload"
    )
    if phase(o) is Phase.PROPOSED:
        return go_back(o, now, Outcome.WITHDRAWN, Reason.WORKLOAD_MISSING, message)
    waits = _waits(o, now, Reason.WORKLOAD_MISSING, message)
    if waits is not None or change is None:
        return waits
    return retreat(o, now, _ended(change, Outcome.WITHDRAWN, Reason.WORKLOAD_MISSING, message))


def workload_taken(o: Observed, now: datetime) -> Ruling | None:
    """Two Rollouts never govern one Deployment: the first keeps it."""
    if o.workload is None or not o.workload.taken_by:
        return None
    message = (
        f"Deployment {o.rollout.spec.workload.name} is governed by Rollout {o.workload.taken_by};"
        " delete one of the two"
    )
    waits = _waits(o, now, Reason.TAKEN, message)
    return waits or go_back(o, now, Outcome.WITHDRAWN, Reason.TAKEN, message)


def _waits(o: Observed, now: datetime, reason: Reason, message: str) -> Ruling | None:
    """Without a run, or until `limits.hold` while the Rollout is to stay; then None."""
    change = running(o)
    if change is None:
        return Ruling(reason, message)
    deadline = hold_deadline(o, change, now)
    if now < deadline and o.rollout.metadata.deletion_timestamp is None:
        return Ruling(reason, message, wake_at=deadline)
    return None


def recreated(o: Observed, now: datetime) -> Ruling | None:
    """A new object under the old name inherits nothing: what was in hand ends, then adoption."""
    kept = o.rollout.status.deployment_uid
    change = running(o)
    if o.workload is None or not kept or kept == o.workload.uid or change is None:
        return None
    if phase(o) is Phase.RETREATING:
        return None
    message = f"Deployment {o.rollout.spec.workload.name} was deleted and created again"
    note = (Note(Reason.RECREATED, message),)
    ended = _ended(change, Outcome.SUPERSEDED, Reason.RECREATED, message)
    if phase(o) is Phase.PROPOSED:
        return finish(o, now, ended, message)
    deadline = hold_deadline(o, change, now)
    if not any(s.available for s in o.workload.sets) and now < deadline:
        return Ruling(
            Reason.RECREATED, f"{message}; it has no ready pod yet, the canary keeps its share",
            wake_at=deadline, notes=note,
        )  # fmt: skip
    return dataclasses.replace(retreat(o, now, ended), notes=note)


def _ended(change: Change, outcome: Outcome, reason: Reason, message: str) -> ChangeStatus:
    return replace(change.status, outcome=outcome.value, reason=reason.value, message=message)


def adoption(o: Observed, now: datetime) -> Ruling | None:
    """Label the Deployment once its running version is certain."""
    w = o.workload
    assert w is not None
    known = o.rollout.status.deployment_uid == w.uid and bool(o.rollout.status.stable.digest)
    if known and w.adopted:
        return None
    in_hand = running(o) is not None
    # In mid-run the revision is as good as the ReplicaSet: upkeep makes that again from it.
    stable = bool(w.of_digest(stable_of(o).digest)) or (in_hand and o.revision_kept)
    if known and stable and (in_hand or not w.rolling):
        return Ruling(
            Reason.ADOPTED, "the Deployment lost its label; it is set again",
            intents=(Adopt(stable_of(o).digest),),
        )  # fmt: skip
    serving = _serving(w)
    if serving is None:
        return _blocked(o, w, now)
    return _adopt(o, w, serving)


def _serving(w: Workload) -> ReplicaSetFact | None:
    """The only active ReplicaSet; with no replicas at all, the one of the present template."""
    if len(w.active) == 1 and (not w.rolling or w.paused):
        return w.active[0]
    if not w.active and w.replicas == 0:
        return w.of_digest(w.digest)
    return None


def _blocked(o: Observed, w: Workload, now: datetime) -> Ruling:
    since = ruled_since(o, Reason.ADOPTION_BLOCKED)
    deadline = after(since, o.rollout.spec.limits.progress_deadline, now)
    active = len(w.active)
    fact = f"{active} ReplicaSets are active" if active > 1 else "a rolling update is in flight"
    late = "; it should have ended by now: finish or undo it" if now >= deadline else ""
    stuck = "; the Deployment is paused in mid-update: resume or undo it" if w.paused else ""
    return Ruling(
        Reason.ADOPTION_BLOCKED,
        f"Deployment {o.rollout.spec.workload.name}: {fact}; adoption waits"
        f" for its end{stuck or late}",
        wake_at=deadline if now < deadline else None,
    )


def _adopt(o: Observed, w: Workload, serving: ReplicaSetFact) -> Ruling:
    again = bool(o.rollout.status.deployment_uid) and o.rollout.status.deployment_uid != w.uid
    reason = Reason.RECREATED if again else Reason.ADOPTED
    text = "the Deployment is a new object under its old name; " if again else ""
    message = f"{text}ReplicaSet {serving.name} is stable"
    return Ruling(
        reason, message,
        intents=(KeepRevision(serving.name), Adopt(serving.digest)),
        memory=Memory(
            stable=Stable(hash=serving.hash, digest=serving.digest), deployment_uid=w.uid, change=""
        ),
        notes=(Note(reason, message),),
    )  # fmt: skip
