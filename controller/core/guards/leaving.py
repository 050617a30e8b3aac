"""Coming and going: the finalizer, the deletion of a Rollout, a namespace that ends."""

from __future__ import annotations

from datetime import datetime

from controller.api.names import FINALIZER
from controller.core.actions import (
    AddFinalizer,
    Intent,
    Leave,
    RemoveCanary,
    RemoveFinalizer,
    RestoreFloor,
    RestoreTraffic,
)  # fmt: skip
from controller.core.decision import Ruling
from controller.core.floor import floor_until
from controller.core.guards.back import go_back
from controller.core.observed import Observed, Workload
from controller.core.phases import ABSORBED, CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import phase, stable_of


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
    due = floor_until(o, now)
    traces: list[Intent] = []
    if o.traffic.touched:
        traces.append(RestoreTraffic(forget=True))
    if o.canary is not None:
        traces.append(RemoveCanary())
    if due is not None and due <= now:
        traces.append(RestoreFloor())
    if o.workload is not None and _has_ours(o.workload):
        traces.append(Leave(stable_of(o).digest))
    if traces:
        return Ruling(
            Reason.LEAVING, "restoring the route, the canary's place and the Deployment",
            intents=tuple(traces), each=True,
        )  # fmt: skip
    if due is not None:
        text = f"the autoscaler's minReplicas come back at {due:%H:%M:%S}Z, as its load just did"
        return Ruling(Reason.LEAVING, text, wake_at=due)
    return Ruling(Reason.LEAVING, "everything is restored", intents=(RemoveFinalizer(),))


def _has_ours(w: Workload) -> bool:
    """Our label, or the mark of a ReplicaSet that could not be taken off together with it."""
    return w.adopted or (not w.taken_by and any(s.marked_stable for s in w.sets))


def finalizer_missing(o: Observed, now: datetime) -> Ruling | None:
    """Before anything of the user's is touched, the way out must be certain."""
    if FINALIZER in o.rollout.metadata.finalizers:
        return None
    return Ruling(Reason.REGISTERING, "registering", intents=(AddFinalizer(),))
