"""What each sign-off is told, also when a crash swallowed the first answer."""

from __future__ import annotations

from controller.api.change import Change
from controller.core.actions import Answer
from controller.core.decision import Note
from controller.core.guards.edits import EDITABLE, refusal
from controller.core.observed import Command, Observed
from controller.core.phases import Phase
from controller.core.reasons import Reason
from controller.core.run import phase, running
from controller.core.signoffs import applicable, speaks_of


def answers(o: Observed) -> tuple[list[Answer], list[Note]]:
    """The answers that are due, and a note for each refusal that people should see."""
    change = o.change
    due: list[Answer] = []
    notes: list[Note] = []
    pending = applicable(o, "Hold", "Release", "Promote") if phase(o) in EDITABLE else ()
    for command in o.commands:
        if command.answered:
            continue
        if change is not None and command.uid in change.status.handled:
            due.append(Answer(command.name, "Applied", f"acted on for {change.name}"))
        elif change is not None and _retried(change, command):
            due.append(Answer(command.name, "Applied", f"{change.name} tries it again"))
        elif _moot(o, command.decision) or (change is not None and not speaks_of(command, change)):
            to = f" to {change.name} ({phase(o)})" if change else ": no Change is in hand"
            due.append(Answer(command.name, "Refused", f"{command.decision} does not apply{to}"))
        elif command in pending and (why := refusal(o, command)):
            due.append(Answer(command.name, "Refused", why))
            notes.append(Note(Reason.SIGNOFF_REFUSED, why))
    return due, notes


def _retried(change: Change, command: Command) -> bool:
    """A Retry that made this Change, whose answer a crash swallowed."""
    if command.decision != "Retry" or change.spec.attempt == 1:
        return False
    born = change.metadata.creation_timestamp
    return born is not None and command.created_at <= born and command.change != change.name


def _moot(o: Observed, decision: str) -> bool:
    """Nothing in hand that this decision could act on."""
    if decision == "Retry":
        return running(o) is not None
    return running(o) is None or phase(o) in {Phase.RETREATING, Phase.REVERTING, Phase.SETTLING}
