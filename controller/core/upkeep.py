"""What must hold beside any decision: stable can be refilled and is large enough, the canary has
its size, the run in hand can be ended, and every sign-off is answered.

A paused Deployment with a proposal may fill another old ReplicaSet than stable when it is scaled to
0 and up again, or none at all when stable is lost. So while a proposal is pending stable is the
only old ReplicaSet that exists (docs/architecture.md, "paused is not enough").
"""

from __future__ import annotations

from datetime import datetime

from controller.api.change import Change
from controller.core.actions import (
    ApplyCanary,
    DropReplicaSets,
    DropRevisions,
    Intent,
    KeepRevision,
    KeepTarget,
    Pause,
)  # fmt: skip
from controller.core.answers import answers
from controller.core.decision import Note
from controller.core.floor import hold_floor
from controller.core.guards.canary import wanted_pods
from controller.core.observed import HoldMode, Observed, Workload
from controller.core.phases import CARRYING, GOING_BACK, Phase
from controller.core.reasons import Reason
from controller.core.refill import carried, refill
from controller.core.run import edits_may_wait, phase, queued, running, stable_of


def upkeep(o: Observed, now: datetime) -> tuple[tuple[Intent, ...], tuple[Note, ...]]:
    """Intents and notes that accompany whatever the guards decide."""
    if o.namespace_ending or o.rollout.metadata.deletion_timestamp is not None:
        return (), ()
    intents: list[Intent] = []
    notes: list[Note] = []
    if o.workload is not None and _ours(o, o.workload):
        if phase(o) not in {Phase.ABSORBING, Phase.REVERTING}:
            _protect_stable(o, o.workload, intents, notes)
            _keep_paused(o, o.workload, intents)
        _remember_stable(o, o.workload, intents)
        _keep_target(o, o.workload, intents)
        _mention_queued(o, notes)
    due, told = answers(o)
    intents += due
    notes += told
    # Last, as one failure ends the upkeep: an autoscaler that may not be patched must not keep the
    # rest from being done.
    if o.workload is None or _ours(o, o.workload):
        floor, said = hold_floor(o, now)
        intents += floor
        notes += said
        _size_canary(o, intents)
    return tuple(intents), tuple(notes)


def _ours(o: Observed, w: Workload) -> bool:
    return w.adopted and w.uid == o.rollout.status.deployment_uid and bool(stable_of(o).digest)


def _protect_stable(o: Observed, w: Workload, intents: list[Intent], notes: list[Note]) -> None:
    """Stable is there, and while a proposal is pending it is all that has pods.

    Others that have some are emptied as its own are ready, and never before (see `core.refill`).
    """
    stable = stable_of(o)
    lost = w.of_digest(stable.digest) is None
    pending = w.digest != stable.digest
    others = [s for s in w.sets if s.digest != stable.digest]
    if pending and not w.paused:
        notes.append(Note(Reason.ESCAPED, "an edit began to roll without the hold; it is paused"))
    if lost and w.paused and o.revision_kept:
        notes.append(Note(Reason.STABLE_LOST, f"ReplicaSet of {stable.digest[:8]} is made again"))
    if lost or (pending and (not w.paused or any(s.wanted for s in others))):
        intents += refill(w, stable.digest, kept=o.revision_kept, carried=carried(o))
    empty = tuple(s.name for s in others if s.wanted == 0 and s.available == 0)
    if pending and empty and w.paused:
        intents.append(DropReplicaSets(empty))


def _keep_paused(o: Observed, w: Workload, intents: list[Intent]) -> None:
    """Where the API server does not pause edits, the Deployment stays paused at rest as well."""
    if o.hold_mode is HoldMode.ALWAYS and not w.paused and w.digest == stable_of(o).digest:
        intents.append(Pause())


def _remember_stable(o: Observed, w: Workload, intents: list[Intent]) -> None:
    serving = w.of_digest(stable_of(o).digest)
    if serving is not None and not (o.revision_kept and w.marks_only(serving.name)):
        intents.append(KeepRevision(serving.name))
    if o.spare_revisions:
        intents.append(DropRevisions(o.spare_revisions))


def _size_canary(o: Observed, intents: list[Intent]) -> None:
    """Under traffic the canary stays as it was applied, and follows the live size of stable without
    a pause in the evidence."""
    change = running(o)
    if change is None or o.workload is None or o.workload.replicas == 0:
        return
    if o.workload.digest != change.spec.target.digest and not o.target_kept:
        return  # what would be applied is a newer template: this run is to be superseded
    want = _kept_size(o, change)
    if want is not None and (o.canary is None or o.canary.wanted != want or not o.canary.intact):
        intents.append(ApplyCanary(change.metadata.uid, want))


def _kept_size(o: Observed, change: Change) -> int | None:
    """Pods that the canary is to have under traffic; None where a rule of the ladder sees to it, or
    nothing does. In an absorb its size is the rule's, and only what was edited is mended."""
    if phase(o) in CARRYING and change.status.in_force_since is not None:
        return wanted_pods(o, change)
    ours = o.canary is not None and o.canary.change_uid == change.metadata.uid
    return o.canary.wanted if o.canary and ours and phase(o) is Phase.ABSORBING else None


def _keep_target(o: Observed, w: Workload, intents: list[Intent]) -> None:
    """Where edits wait, the run in hand must be able to end after the Deployment's text is gone."""
    change = running(o)
    if change is None or o.target_kept or not edits_may_wait(o) or phase(o) in GOING_BACK:
        return
    if w.digest == change.spec.target.digest:
        intents.append(KeepTarget(w.digest))


def _mention_queued(o: Observed, notes: list[Note]) -> None:
    """Once for each newer edit: the Rollout's status says which one was told of."""
    change, newer = running(o), queued(o)
    if change is not None and newer and newer != o.rollout.status.queued:
        text = f"a newer template ({newer[:8]}) waits until {change.name} has ended"
        notes.append(Note(Reason.QUEUED, text))
