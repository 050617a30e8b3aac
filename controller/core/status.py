"""From a ruling to the two statuses that people, dashboards and `kubectl wait` read."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.api.meta import Condition
from controller.api.rollout import RolloutStatus
from controller.core.conditions import stamped
from controller.core.decision import Ruling
from controller.core.hold import shown_hold
from controller.core.observed import Observed
from controller.core.phases import GOING_BACK, REJECTING, Outcome, Phase
from controller.core.progress import with_progress
from controller.core.reasons import TO_BE_MENDED, Reason
from controller.core.run import phase, queued, remembered, running

_PHASE_SHOWN = {
    Phase.PROPOSED: "Progressing", Phase.STEPPING: "Progressing", Phase.SHIFTING: "Promoting",
    Phase.WATCHING: "Promoting", Phase.ABSORBING: "Promoting", Phase.SETTLING: "Promoting",
    Phase.REVERTING: "RollingBack", Phase.RETREATING: "RollingBack",
}  # fmt: skip
_AT_REST = {
    **dict.fromkeys(TO_BE_MENDED, "Invalid"),
    Reason.STABLE: "Stable", Reason.REJECTED: "Rejected", Reason.LEAVING: "Leaving",
    Reason.NAMESPACE_ENDING: "Leaving", Reason.PROPOSED: "Progressing",
    Reason.RETREATING: "RollingBack", Reason.REVERTING: "RollingBack",
    Reason.PROMOTED: "Stable", Reason.WITHDRAWN: "Stable",
    Reason.ROLLED_BACK: "Rejected", Reason.SUPERSEDED: "Progressing",
}  # fmt: skip
_STALLED = TO_BE_MENDED | {Reason.WORKLOAD_MISSING, Reason.TAKEN, Reason.NO_EVIDENCE}


def change_status(o: Observed, ruling: Ruling, now: datetime) -> ChangeStatus | None:
    """Status of the Change in hand after this ruling; None when there is none to write."""
    change = running(o)
    if change is None:
        return None
    status = ruling.change or change.status
    if not status.phase:
        status = replace(status, phase=Phase.PROPOSED.value, entered_at=now)
    status = with_progress(o, _with_evidence(o, status), now)
    ended = Phase(status.phase) is Phase.FINISHED
    if Phase(status.phase) not in GOING_BACK and not ended:
        status = replace(status, reason=ruling.reason.value, message=ruling.message)
    weight = 0.0 if ended else (o.traffic.weight or 0.0) if o.canary else 0.0
    silent = o.evidence.no_data_since if o.evidence else None
    return replace(
        status, weight=weight, peak_weight=max(status.peak_weight, weight), no_data_since=silent,
        conditions=_change_conditions(change, status, now),
    )  # fmt: skip


def _with_evidence(o: Observed, status: ChangeStatus) -> ChangeStatus:
    e = o.evidence
    if e is None:
        return status
    return replace(
        status, verdict=e.verdict.value, evidence=e.state, window_end=e.window_end,
        metrics=e.reports, log_harm=e.log_harm, log_threshold=e.log_threshold,
        orders_lost=e.orders_lost, doubt=e.doubt,
    )  # fmt: skip


def _change_conditions(
    change: Change, status: ChangeStatus, now: datetime
) -> tuple[Condition, ...]:
    ended = status.phase == Phase.FINISHED
    good = status.outcome == Outcome.PROMOTED
    reason = status.outcome if ended else status.phase
    found = {
        "Finished": ("True" if ended else "False", reason, status.message),
        "Succeeded": (("True" if good else "False") if ended else "Unknown", reason, ""),
    }
    return stamped(change.status.conditions, found, now, change.metadata.generation)


def rollout_status(o: Observed, ruling: Ruling, now: datetime) -> RolloutStatus:
    """The summary of one Rollout after this ruling."""
    memory = ruling.memory or remembered(o)
    change, run = o.change, running(o)
    status = ruling.change or (change.status if change else ChangeStatus())
    shown = Phase(status.phase) if run is not None and status.phase else phase(o)
    over = shown in (None, Phase.FINISHED)
    step = f"{min(status.step + 1, status.steps)}/{status.steps}" if status.steps else ""
    evidence = o.evidence
    return RolloutStatus(
        observed_generation=o.rollout.metadata.generation,
        phase=_shown_phase(o, ruling, shown),
        reason=ruling.reason.value,
        message=ruling.message,
        step="" if over else step,
        weight=(o.traffic.weight or 0.0) if o.canary is not None else 0.0,
        verdict=evidence.verdict.value if evidence and not over else "",
        evidence=evidence.headline if evidence and not over else "",
        change=memory.change,
        origin=change.spec.origin if change and change.name == memory.change else "",
        at_risk="" if over else _at_risk(o),
        next_at=ruling.wake_at,
        queued=queued(o),
        refused=_refused(o, status),
        hold=shown_hold(o),
        stable=memory.stable,
        deployment_uid=memory.deployment_uid,
        conditions=_rollout_conditions(o, ruling, now, over=over),
    )


def _refused(o: Observed, status: ChangeStatus) -> str:
    """Kept here as well, as a Change may be deleted by whoever cleans up."""
    if o.change is not None and status.phase != Phase.FINISHED:
        return ""
    if o.change is not None and status.outcome in REJECTING:
        return o.change.spec.target.digest
    kept = o.rollout.status.refused
    return kept if o.workload is None or o.workload.digest == kept else ""


def _at_risk(o: Observed) -> str:
    """Orders lost so far by the evidence, of those that one release may cost."""
    if o.evidence is None:
        return ""
    return f"{max(0.0, o.evidence.orders_lost):.0f}/{o.rollout.spec.risk.at_risk:g}"


def _shown_phase(o: Observed, ruling: Ruling, shown: Phase | None) -> str:
    if (
        o.rollout.metadata.deletion_timestamp is not None
        or ruling.reason is Reason.NAMESPACE_ENDING
    ):
        return "Leaving"
    if shown is not None and shown is not Phase.FINISHED:
        return _PHASE_SHOWN[shown]
    return _AT_REST.get(ruling.reason, "Pending")


def _rollout_conditions(
    o: Observed, ruling: Ruling, now: datetime, *, over: bool
) -> tuple[Condition, ...]:
    """Ready, Reconciling and Stalled follow kstatus; Adopted and DataAvailable are our own."""
    reason, message = ruling.reason.value, ruling.message
    stalled = ruling.reason in _STALLED
    ready = ruling.reason in (Reason.STABLE, Reason.REJECTED)
    adopted = o.workload is not None and o.workload.adopted
    no_data = o.evidence.no_data if o.evidence and not over else ""
    found = {
        "Ready": ("True" if ready else "False", reason, message),
        "Reconciling": ("True" if not ready and not stalled else "False", reason, message),
        "Stalled": ("True" if stalled else "False", reason, message if stalled else ""),
        "Adopted": ("True" if adopted else "False", Reason.ADOPTED.value if adopted else reason,
                    "" if adopted else message),
        "DataAvailable": ("False", Reason.NO_DATA.value, no_data) if no_data else
                         ("True", "Data", ""),
    }  # fmt: skip
    return stamped(o.rollout.status.conditions, found, now, o.rollout.metadata.generation)
