"""What keeps a weight where it is: people, the author, a broken reference, missing data.

Nothing here takes traffic away at once; each wait has a deadline, `limits.hold`.
"""

from __future__ import annotations

from datetime import datetime

from controller.api.change import Change
from controller.core.decision import Ruling
from controller.core.guards.back import go_back
from controller.core.observed import Observed
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import phase, plan_of, running
from controller.core.waits import ahead, hold_deadline


def weight_held(o: Observed, now: datetime) -> Ruling | None:
    """A person, the author, a broken reference or missing data: the weight stays where it is."""
    change = running(o)
    if change is None or phase(o) not in {*CARRYING, Phase.PROPOSED}:
        return None
    held = _why_held(o, change)
    if held is None:
        return None
    reason, message = held
    deadline = hold_deadline(o, change, now)
    if phase(o) is Phase.PROPOSED:
        return Ruling(reason, message, wake_at=ahead(deadline, now))
    if now >= deadline:
        return without_evidence(o, now, f"{message}, until limits.hold")
    return Ruling(
        reason, f"{message}; the weight holds until {deadline:%H:%M:%S}Z", wake_at=deadline
    )


def who_holds(o: Observed, change: Change) -> tuple[Reason, str] | None:
    """A person, the author or a broken reference: they also keep a weight from being raised that
    is not in force yet. A restart climbs no ladder, so that no reference of the ladder holds it."""
    if change.status.held_by:
        return Reason.HELD, f"{change.status.held_by} holds it; sign a Release to go on"
    if o.rollout.spec.paused:
        return Reason.PAUSED, "spec.paused is true"
    if o.blocks and not change.spec.restart:
        return o.blocks[0].reason, o.blocks[0].message
    return None


def _why_held(o: Observed, change: Change) -> tuple[Reason, str] | None:
    held = who_holds(o, change)
    if held is not None:
        return held
    if phase(o) is Phase.PROPOSED:
        return None
    if o.evidence is None:
        return Reason.NO_DATA, "no sample has been read yet"
    if o.evidence.no_data:
        return Reason.NO_DATA, o.evidence.no_data
    return None


def without_evidence(o: Observed, now: datetime, message: str) -> Ruling:
    """`limits.hold` is over: inconclusive, which is neither good nor bad."""
    change = running(o)
    assert change is not None
    if plan_of(change).limits.on_no_evidence == "Rollback":
        return go_back(o, now, Outcome.INCONCLUSIVE, Reason.NO_EVIDENCE, message)
    return Ruling(Reason.NO_EVIDENCE, f"{message}; held for a person: sign a Promote or an Abort")
