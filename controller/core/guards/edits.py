"""What an edit of the Deployment in mid-run means, and what people say about the run."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.core.actions import Answer
from controller.core.decision import Note, Ruling
from controller.core.guards.back import go_back
from controller.core.guards.climb import next_rung
from controller.core.guards.promotion import begin_absorb
from controller.core.observed import Command, Observed
from controller.core.phases import REVERSIBLE, Outcome, Phase
from controller.core.reasons import Reason
from controller.core.run import newer_edit, phase, queued, running, stable_of
from controller.core.signoffs import CLOCK_GRAIN, applicable, handled

EDITABLE = frozenset({*REVERSIBLE, Phase.PROPOSED})


def withdrawn(o: Observed, now: datetime) -> Ruling | None:
    """The author went back to the stable template: there is nothing left to release."""
    change = running(o)
    if change is None or o.workload is None or phase(o) not in EDITABLE:
        return None
    if o.workload.digest != stable_of(o).digest:
        return None
    message = "the Deployment's template is the stable one again"
    return go_back(o, now, Outcome.WITHDRAWN, Reason.WITHDRAWN, message)


def superseded(o: Observed, now: datetime) -> Ruling | None:
    """A newer edit: the run in hand is taken back and the edit starts against the same stable.

    Not where edits wait (`limits.supersede: Queue`). In mid-absorb the Deployment no longer holds
    the template that it absorbs, so the only whole version to return to is stable; the full canary
    serves until stable is complete.
    """
    newer = newer_edit(o)
    if not newer or phase(o) not in EDITABLE or queued(o):
        return None
    message = f"a newer template ({newer[:8]}) was proposed"
    return go_back(o, now, Outcome.SUPERSEDED, Reason.SUPERSEDED, message)


def person_decides(o: Observed, now: datetime) -> Ruling | None:
    """Hold, Release and Promote for the Change in hand, one at a time, oldest first."""
    change = running(o)
    if change is None or phase(o) not in EDITABLE:
        return None
    asked = applicable(o, "Hold", "Release", "Promote")
    command = next((c for c in asked if not refusal(o, c)), None)
    if command is None:
        return None
    status = handled(change.status, command)
    by = command.by or "a person"
    if command.decision == "Hold":
        held, done = replace(status, held_by=by), f"{by} holds {change.name}"
    elif command.decision == "Release":
        held, done = replace(status, held_by=""), f"{by} released {change.name}"
    else:
        return _promote(o, now, by, command)
    return Ruling(
        Reason.HELD if held.held_by else Reason.SIGNOFF_APPLIED, done, change=held,
        intents=(Answer(command.name, "Applied", done),), again=True,
        notes=(Note(Reason.SIGNOFF_APPLIED, done),),
    )  # fmt: skip


def refusal(o: Observed, command: Command) -> str:
    """Why a sign-off for the run in hand cannot be acted on; empty when it can.

    It is answered by upkeep, as no answer may come before what the other rules do. It does not
    count as acted on: only the sign-off's own status tells a refusal from an act.
    """
    change = running(o)
    if change is None or command.decision not in {"Hold", "Release", "Promote"}:
        return ""
    name, entered = change.name, change.status.entered_at
    if command.decision != "Promote":
        if phase(o) is Phase.ABSORBING:
            return f"{name} is {phase(o)}: it cannot be held, only aborted"
        return ""
    if change.status.held_by:
        return f"{change.status.held_by} holds {name}; Release it first"
    if o.rollout.spec.paused:
        return f"spec.paused holds {name}; set it to false first"
    if o.blocks:
        return f"{o.blocks[0].message}; until that is mended {name} does not go on"
    if phase(o) not in {Phase.STEPPING, Phase.WATCHING}:
        return f"{name} is {phase(o)}: there is no wait to pass"
    if entered is not None and command.created_at < entered - CLOCK_GRAIN:
        return f"it was signed before {name} came to the wait in hand; sign anew to pass this one"
    return ""


def _promote(o: Observed, now: datetime, by: str, command: Command) -> Ruling:
    """A person lets the release pass the wait in hand; harm still takes it back."""
    change = running(o)
    assert change is not None
    status = handled(change.status, command)
    if phase(o) is Phase.WATCHING:
        done = f"{by} ended the watch of {change.name}"
        return _applied(begin_absorb(o, now, status), command.name, done)
    done = f"{by} let {change.name} pass step {status.step + 1}"
    return _applied(next_rung(o, now, change, status), command.name, done)


def _applied(moved: Ruling, signoff: str, done: str) -> Ruling:
    return Ruling(
        Reason.STEP_SKIPPED, done, change=moved.change, memory=moved.memory, again=True,
        intents=(*moved.intents, Answer(signoff, "Applied", done)),
        notes=(Note(Reason.STEP_SKIPPED, done),),
    )  # fmt: skip
