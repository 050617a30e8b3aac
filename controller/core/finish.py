"""The end of a Change, however it came."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import ChangeStatus
from controller.core.decision import Memory, Note, Ruling
from controller.core.observed import Observed
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import enter, remembered, running, stable_of

_REASON = {Outcome.PROMOTED: Reason.PROMOTED, Outcome.SUPERSEDED: Reason.SUPERSEDED,
           Outcome.WITHDRAWN: Reason.WITHDRAWN}  # fmt: skip


def finish(o: Observed, now: datetime, status: ChangeStatus, message: str) -> Ruling:
    """Close the Change in hand with the outcome that its status names."""
    change = running(o)
    assert change is not None
    outcome = Outcome(status.outcome)
    reason = _REASON.get(outcome, Reason.ROLLED_BACK)
    if outcome is Outcome.PROMOTED:
        status = replace(status, reason=reason.value)
    over = replace(
        enter(status, Phase.FINISHED, now), finished_at=now, weight=0.0, message=message,
        held_by="", in_force_since=None,
    )  # fmt: skip
    kept = remembered(o)
    memory = Memory(stable=stable_of(o), deployment_uid=kept.deployment_uid, change=change.name)
    note = Note(reason, f"{change.name} ended as {outcome}: {message}")
    return Ruling(reason, message, change=over, memory=memory, notes=(note,), again=True)
