"""The capacity floor: how large the autoscaler must leave stable, and until when.

During a run stable has less load than it must be able to take back, so an autoscaler would shrink
it. Its `minReplicas` is raised for the run and some minutes more. Called by upkeep, leaving and
plan; `workloads.floor` says how it is written.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from controller.core.actions import Intent, RaiseFloor, RestoreFloor
from controller.core.decision import Note
from controller.core.observed import Observed
from controller.core.phases import GOING_BACK, REVERSIBLE, Phase
from controller.core.reasons import Reason
from controller.core.run import phase
from controller.core.waits import by_our_clock

STAYS: Final = timedelta(minutes=3)
"""After the run. An autoscaler looks each 15 s at metrics that are up to two minutes old, and
stable was idle while the canary had its traffic. One look under load is enough: then its own
memory of five minutes holds."""
_NEEDED: Final = {*REVERSIBLE, *GOING_BACK, Phase.SETTLING}
"""From the first step until the canary is gone. While it settles all traffic still comes back."""


def hold_floor(o: Observed, now: datetime) -> tuple[tuple[Intent, ...], tuple[Note, ...]]:
    """Raise the floor in a run to what takes all traffic, and give it back when that is over."""
    if o.floor is None:
        return (), ()
    if phase(o) in _NEEDED:
        needed = min(o.workload.replicas if o.workload else 0, o.floor.max_replicas)
        if needed <= o.floor.min_replicas:
            return (), ()
        who = f"HorizontalPodAutoscaler {o.floor.autoscaler}"
        text = f"{who}: minReplicas is to be {needed} for the run"
        return (RaiseFloor(needed),), (Note(Reason.FLOOR, text),)
    due = floor_until(o, now)
    return ((RestoreFloor(),) if due is not None and due <= now else ()), ()


def floor_until(o: Observed, now: datetime) -> datetime | None:
    """When the owner's minReplicas come back; None where ours is not in force, or a run needs it.

    A run that nobody recorded needs it as long as its canary has traffic.
    """
    if o.floor is None or o.floor.original is None:
        return None
    if phase(o) in _NEEDED or o.traffic.weight:
        return None
    back = by_our_clock(o, _back_since(o), now)
    return back + STAYS if back is not None else now


def _back_since(o: Observed) -> datetime | None:
    """Since when stable has had all traffic, at the latest; None where nothing says so."""
    if o.change is not None:
        return o.change.status.finished_at or o.change.status.entered_at
    known = (c for c in o.rollout.status.conditions if c.type == "Ready")
    return next((c.last_transition_time for c in known), None)
