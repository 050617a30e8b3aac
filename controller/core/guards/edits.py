"""What an edit of the Deployment in mid-run means, and what people say about the run."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.core.actions import Answer
from controller.core.decision import Note, Ruling
from controller.core.guards.back import go_back
from controller.core.guards.climb import next_rung
from controller.core.guards.promotion import begin_absorb
from controller.core.observed import Observed
from controller.core.phases import CARRYING, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import applicable, handled, phase, running, stable_of

_EDITABLE = frozenset({*CARRYING, Phase.PROPOSED, Phase.ABSORBING})


def withdrawn(o: Observed, now: datetime) -> Ruling | None:
    """The author went back to the stable template: there is nothing left to release."""
    change = running(o)
    if change is None or o.workload is None or phase(o) not in _EDITABLE:
        return None
    if o.workload.digest != stable_of(o).digest:
        return None
    message = "the Deployment's template is the stable one again"
    return go_back(o, now, Outcome.WITHDRAWN, Reason.WITHDRAWN, message)


def superseded(o: Observed, now: datetime) -> Ruling | None:
    """A newer edit: the run in hand is taken back and the edit starts against the same stable.

    In mid-absorb the Deployment no longer holds the template that it absorbs, so the only whole
    version to return to is stable; the full canary serves until stable is complete.
    """
    change = running(o)
    if change is None or o.workload is None or phase(o) not in _EDITABLE:
        return None
    if o.workload.digest in (change.spec.target.digest, stable_of(o).digest):
        return None
    message = f"a newer template ({o.workload.digest[:8]}) was proposed"
    return go_back(o, now, Outcome.SUPERSEDED, Reason.SUPERSEDED, message)


def person_decides(o: Observed, now: datetime) -> Ruling | None:
    """Hold, Release and Promote for the Change in hand, one at a time, oldest first."""
    change = running(o)
    asked = applicable(o, "Hold", "Release", "Promote")
    if change is None or not asked:
        return None
    command = asked[0]
    status = handled(change.status, command)
    by = command.by or "a person"
    if command.decision == "Hold":
        held, done = replace(status, held_by=by), f"{by} holds {change.name}"
    elif command.decision == "Release":
        held, done = replace(status, held_by=""), f"{by} released {change.name}"
    else:
        return _promote(o, now, by, command.name)
    return Ruling(
        Reason.HELD if held.held_by else Reason.SIGNOFF_APPLIED, done, change=held,
        intents=(Answer(command.name, "Applied", done),), again=True,
        notes=(Note(Reason.SIGNOFF_APPLIED, done),),
    )  # fmt: skip


def _promote(o: Observed, now: datetime, by: str, signoff: str) -> Ruling:
    """A person lets the release pass the wait in hand; harm still takes it back."""
    change = running(o)
    assert change is not None
    command = next(c for c in applicable(o, "Promote") if c.name == signoff)
    status = handled(change.status, command)
    if status.held_by:
        refusal = f"{status.held_by} holds {change.name}; Release it first"
    elif phase(o) is Phase.STEPPING:
        moved = next_rung(o, now, change, status)
        done = f"{by} let {change.name} pass step {status.step + 1}"
        return _applied(moved, signoff, done)
    elif phase(o) is Phase.WATCHING:
        return _applied(
            begin_absorb(o, now, status), signoff, f"{by} ended the watch of {change.name}"
        )
    else:
        refusal = f"{change.name} is {phase(o)}: there is no wait to pass"
    return Ruling(
        Reason.SIGNOFF_REFUSED, refusal, change=status, again=True,
        intents=(Answer(signoff, "Refused", refusal),),
        notes=(Note(Reason.SIGNOFF_REFUSED, refusal),),
    )  # fmt: skip


def _applied(moved: Ruling, signoff: str, done: str) -> Ruling:
    return Ruling(
        Reason.STEP_SKIPPED, done, change=moved.change, memory=moved.memory, again=True,
        intents=(*moved.intents, Answer(signoff, "Applied", done)),
        notes=(Note(Reason.STEP_SKIPPED, done),),
    )  # fmt: skip
