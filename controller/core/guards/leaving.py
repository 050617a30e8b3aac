"""Coming and going: the finalizer, the deletion of a Rollout, a namespace that ends."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from controller.api.names import FINALIZER
from controller.core.actions import (
    AddFinalizer,
    Intent,
    Leave,
    RemoveFinalizer,
    RestoreFloor,
)  # fmt: skip
from controller.core.decision import Ruling
from controller.core.floor import floor_until
from controller.core.guards.back import go_back
from controller.core.guards.rest import canary_is_needed, leftovers
from controller.core.observed import Observed, Workload
from controller.core.phases import ABSORBED, CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.refill import carried, refill
from controller.core.run import phase, stable_of
from controller.core.waits import after


def namespace_ending(o: Observed, now: datetime) -> Ruling | None:
    """Everything is let go at once and nothing is created."""
    if not o.namespace_ending:
        return None
    release = (RemoveFinalizer(),) if FINALIZER in o.rollout.metadata.finalizers else ()
    return Ruling(Reason.NAMESPACE_ENDING, "the namespace is terminating", intents=release)


def leaving(o: Observed, now: datetime) -> Ruling | None:
    """A deleted Rollout takes its run back (an absorb ends first), then undoes its own traces."""
    if o.rollout.metadata.deletion_timestamp is None:
        return None
    if FINALIZER not in o.rollout.metadata.finalizers:
        return Ruling(Reason.LEAVING, "the Rollout is deleted")
    if phase(o) in {*CARRYING, Phase.PROPOSED}:
        return go_back(o, now, Outcome.WITHDRAWN, Reason.LEAVING, "the Rollout is being deleted")
    if phase(o) in {*ABSORBED, Phase.REVERTING, Phase.RETREATING}:
        return None  # their own rules bring them to an end
    return _undo_traces(o, now)


def _undo_traces(o: Observed, now: datetime) -> Ruling:
    """With no run in hand: what one left goes as ever, traffic first; the rest is let go beside it,
    each trace for itself."""
    left, due = leftovers(o, now), floor_until(o, now)
    traces: list[Intent] = []
    if due is not None and due <= now:
        traces.append(RestoreFloor())
    refilling = _stable_first(o, now)
    if refilling is not None:
        return _and_then(refilling, left, tuple(traces))
    if o.workload is not None and _has_ours(o.workload) and not canary_is_needed(o):
        traces.append(Leave(stable_of(o).digest))
    if left is not None:
        return dataclasses.replace(left, intents=(*left.intents, *traces), each=True)
    if traces:
        return Ruling(
            Reason.LEAVING, "letting the Deployment and its autoscaler go",
            intents=tuple(traces), each=True,
        )  # fmt: skip
    if due is not None:
        text = f"the autoscaler's minReplicas come back at {due:%H:%M:%S}Z, as its load just did"
        return Ruling(Reason.LEAVING, text, wake_at=due)
    return Ruling(Reason.LEAVING, "everything is restored", intents=(RemoveFinalizer(),))


def _stable_first(o: Observed, now: datetime) -> Ruling | None:
    """A Deployment in the middle of its update is not left so: paused, nobody would end it.

    Past limits.progressDeadline it is all the same, as the Rollout must go; its annotation says so.
    """
    w, stable = o.workload, stable_of(o).digest
    if w is None or not w.adopted or w.uid != o.rollout.status.deployment_uid:
        return None
    others = any(s.wanted for s in w.sets if s.digest != stable)
    if not stable or w.digest == stable or not others:
        return None
    if w.of_digest(stable) is None and not o.revision_kept:
        return None
    since = o.rollout.metadata.deletion_timestamp
    if since is not None and o.acting_since is not None:
        since = max(since, o.acting_since)
    deadline = after(since, o.rollout.spec.limits.progress_deadline, now)
    if now >= deadline:
        return None
    share = carried(o) if canary_is_needed(o) else 0
    return Ruling(
        Reason.LEAVING, "the Deployment is in the middle of its update; stable is refilled first",
        intents=refill(w, stable, kept=o.revision_kept, carried=share), wake_at=deadline,
    )  # fmt: skip


def _and_then(first: Ruling, left: Ruling | None, traces: tuple[Intent, ...]) -> Ruling:
    """Both rulings in one; the reason is that of what was left, whose waits are counted by it."""
    if left is None:
        return dataclasses.replace(first, intents=(*first.intents, *traces))
    times = [t for t in (first.wake_at, left.wake_at) if t is not None]
    return dataclasses.replace(
        left, message=f"{first.message}; {left.message}",
        intents=(*first.intents, *left.intents, *traces), wake_at=min(times, default=None),
    )  # fmt: skip


def _has_ours(w: Workload) -> bool:
    """Our label, or the mark of a ReplicaSet that could not be taken off together with it."""
    return w.adopted or (not w.taken_by and any(s.marked_stable for s in w.sets))


def finalizer_missing(o: Observed, now: datetime) -> Ruling | None:
    """Before anything of the user's is touched, the way out must be certain."""
    if FINALIZER in o.rollout.metadata.finalizers:
        return None
    return Ruling(Reason.REGISTERING, "registering", intents=(AddFinalizer(),))
