"""After the ladder: shift, watch with a holdback, absorb, settle.

Until absorb begins stable is complete, so every way back is one patch. From then on the full canary
serves while the Deployment changes underneath.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from controller.api.change import Change, ChangeStatus
from controller.core.actions import (
    ApplyCanary,
    RemoveCanary,
    RestoreTraffic,
    SetWeight,
    Unpause,
)  # fmt: skip
from controller.core.decision import Memory, Note, Ruling
from controller.core.finish import finish
from controller.core.guards.back import drain, go_back
from controller.core.guards.canary import not_found
from controller.core.observed import Observed
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from controller.core.refill import carried, refill, refilled
from controller.core.run import enter, phase, plan_of, queued, remembered, running, stable_of
from controller.core.waits import ahead, progress_deadline


def begin_promotion(o: Observed, now: datetime, status: ChangeStatus) -> Ruling:
    """The ladder is passed: shift the traffic, or absorb at once where there is no route."""
    change = running(o)
    assert change is not None
    if plan_of(change).promotion.mode == "InPlace" or not o.traffic.routed:
        return begin_absorb(o, now, status)
    message = "all steps passed; the canary grows to full size"
    return Ruling(
        Reason.SHIFTING, message, change=enter(status, Phase.SHIFTING, now),
        notes=(Note(Reason.STEP_PASSED, message),), again=True,
    )  # fmt: skip


def begin_absorb(o: Observed, now: datetime, status: ChangeStatus) -> Ruling:
    """The Deployment may now run the template itself."""
    message = "the Deployment absorbs the new template"
    return Ruling(
        Reason.ABSORBING, message, change=enter(status, Phase.ABSORBING, now),
        notes=(Note(Reason.ABSORBING, message),), again=True,
    )  # fmt: skip


def absorbing(o: Observed, now: datetime) -> Ruling | None:
    """All traffic on the full canary, then the Deployment's own rolling update to its end."""
    change = running(o)
    if change is None or o.workload is None or phase(o) is not Phase.ABSORBING:
        return None
    deadline = progress_deadline(o, change, now)
    if not o.workload.paused and o.workload.complete:
        return _settle(o, now, change.status)
    if now >= deadline and not change.spec.restart:
        fact = f"{_new_pods(o, change)} run the new template, and no other got ready in time"
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.PROGRESS_DEADLINE, fact)
    shift = _all_traffic_on_canary(o, now)
    if shift is not None:
        return shift
    wake = ahead(deadline, now)
    if o.workload.paused:
        return Ruling(
            Reason.ABSORBING, "resuming the Deployment with the approved template",
            intents=(Unpause(change.spec.target.digest),), wake_at=wake,
        )  # fmt: skip
    fact = f"{_new_pods(o, change)} of the Deployment run the new template"
    if not change.spec.restart:
        return Ruling(Reason.ABSORBING, fact, wake_at=wake)
    # Going back would start the same pods again: what changed lies outside of the template.
    late = "" if wake else "; it should have ended by now: look at its pods, or sign an Abort"
    return Ruling(Reason.RESTARTING, fact + late, wake_at=wake)


def absorbing_underneath(o: Observed, now: datetime) -> Ruling | None:
    """With a newer edit in the Deployment's text, its ReplicaSets change to the approved template.

    The Deployment stays paused, the full canary has all traffic (see `core.refill`).
    """
    change, waits = running(o), queued(o)
    if change is None or o.workload is None or phase(o) is not Phase.ABSORBING or not waits:
        return None
    target = change.spec.target.digest
    if refilled(o.workload, target):
        return _settle(o, now, change.status)
    if not o.rollout.status.queued:
        # The edit came in mid-absorb: what it interrupts begins anew, and so does its deadline.
        return Ruling(
            Reason.ABSORBING, f"a newer edit ({waits[:8]}) came in mid-absorb; it waits",
            change=enter(change.status, Phase.ABSORBING, now), again=True,
        )  # fmt: skip
    deadline = progress_deadline(o, change, now)
    if now >= deadline:
        fact = f"{_new_pods(o, change)} run the new template, and no other got ready in time"
        return go_back(o, now, Outcome.ROLLED_BACK, Reason.PROGRESS_DEADLINE, fact)
    return _all_traffic_on_canary(o, now) or Ruling(
        Reason.ABSORBING, f"{_new_pods(o, change)} run the approved template, underneath a newer"
        f" edit ({waits[:8]})", intents=refill(o.workload, target, kept=True, carried=carried(o)),
        wake_at=ahead(deadline, now),
    )  # fmt: skip


def _new_pods(o: Observed, change: Change) -> str:
    assert o.workload is not None
    new = o.workload.of_digest(change.spec.target.digest)
    return f"{new.available if new else 0} of {o.workload.replicas} pods"


def _all_traffic_on_canary(o: Observed, now: datetime) -> Ruling | None:
    """With a route and a full canary: nobody is served by what is being replaced."""
    change = running(o)
    assert change is not None
    assert o.workload is not None
    in_place = plan_of(change).promotion.mode == "InPlace" or not o.traffic.routed
    if in_place or change.spec.restart:
        return None
    full = max(1, o.workload.replicas)
    if o.canary is None or o.canary.wanted < full:
        return Ruling(
            Reason.ABSORBING, f"the canary gets {full} pods",
            intents=(ApplyCanary(change.metadata.uid, full),),
            wake_at=progress_deadline(o, change, now),
        )  # fmt: skip
    if o.canary.available < full:
        return Ruling(
            Reason.ABSORBING, f"{o.canary.available} of {full} canary pods are ready",
            wake_at=progress_deadline(o, change, now),
        )  # fmt: skip
    if missing := not_found(o):
        return Ruling(Reason.ROUTE_PENDING, missing, wake_at=progress_deadline(o, change, now))
    if o.traffic.weight is not None and not o.traffic.says(100):
        return Ruling(
            Reason.ABSORBING, "the canary takes all traffic",
            intents=(SetWeight(100, change.metadata.uid),),
            wake_at=progress_deadline(o, change, now),
        )  # fmt: skip
    if not o.traffic.in_force:
        return Ruling(
            Reason.ROUTE_PENDING, "weight 100% is written; the router does not show it yet",
            wake_at=progress_deadline(o, change, now),
        )  # fmt: skip
    return None


def _settle(o: Observed, now: datetime, status: ChangeStatus) -> Ruling:
    message = "the Deployment runs the new template; traffic goes back to it"
    return Ruling(
        Reason.SETTLING, message,
        change=enter(status, Phase.SETTLING, now, outcome=Outcome.PROMOTED.value, message=message),
        again=True,
    )  # fmt: skip


def settling(o: Observed, now: datetime) -> Ruling | None:
    """Stable is the new template from here on; the canary's traffic, then its pods, go."""
    change = running(o)
    if change is None or phase(o) is not Phase.SETTLING:
        return None
    kept = remembered(o)
    memory = Memory(stable_of(o), kept.deployment_uid, change.name)
    ruling = _canary_goes(o, now)
    return dataclasses.replace(ruling, memory=ruling.memory or memory)


def _canary_goes(o: Observed, now: datetime) -> Ruling:
    change = running(o)
    assert change is not None
    status = change.status
    if o.canary is not None and o.traffic.routed and (o.traffic.weight or 0) > 0:
        return Ruling(
            Reason.SETTLING, "traffic goes back to the Deployment",
            intents=(SetWeight(0, change.metadata.uid),),
        )  # fmt: skip
    deadline = ahead(progress_deadline(o, change, now), now)
    if o.canary is not None and not o.traffic.in_force and deadline is not None:
        text = "weight 0 is written; the router does not show it yet"
        return Ruling(Reason.SETTLING, text, wake_at=deadline)
    if o.canary is not None:
        drained = drain(o, now, status, Reason.SETTLING, "traffic is back on the Deployment")
        return drained or Ruling(Reason.SETTLING, "removing the canary", intents=(RemoveCanary(),))
    if o.traffic.touched:
        return Ruling(
            Reason.SETTLING, "restoring the owner's route", intents=(RestoreTraffic(forget=True),)
        )
    return finish(o, now, status, f"{change.spec.target.digest[:8]} is stable")
