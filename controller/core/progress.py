"""How far the Deployment's own change has come, so that a slow one is told from one that is stuck.

As `progressDeadlineSeconds` of a Deployment: `limits.progressDeadline` runs anew with each pod that
gets ready, and a large workload takes its time. Kept in the Change's status, which is written once
for each such pod, so that a restart of the operator neither loses nor grants any of it. Called by
waits and status.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import ChangeStatus
from controller.core.observed import Observed
from controller.core.phases import Phase
from controller.core.run import phase, running, stable_of


def progress(o: Observed) -> int:
    """A number that grows with each pod that gets ready, and when the Deployment is resumed; 0
    in phases in which the Deployment does not change."""
    w, change = o.workload, running(o)
    if w is None or change is None:
        return 0
    if phase(o) is Phase.REVERTING:
        stable = w.of_digest(stable_of(o).digest)
        return stable.available if stable else 0
    if phase(o) is not Phase.ABSORBING:
        return 0
    new = w.of_digest(change.spec.target.digest)
    canary = o.canary.available if o.canary else 0
    return (new.available if new else 0) + canary + (not w.paused)


def advanced(o: Observed) -> bool:
    """Further than ever in this phase: a pod that is lost and comes again is no progress."""
    change = running(o)
    return change is not None and progress(o) > change.status.progress


def with_progress(o: Observed, status: ChangeStatus, now: datetime) -> ChangeStatus:
    """The status with how far it has come, if the phase goes on."""
    if phase(o) != status.phase or not advanced(o):
        return status
    return replace(status, progress=progress(o), progressed_at=now)
