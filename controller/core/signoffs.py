"""Which sign-offs speak of the run in hand and are still to be acted on."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from controller.api.change import Change, ChangeStatus
from controller.core.observed import Command, Observed
from controller.core.run import running

CLOCK_GRAIN = timedelta(seconds=1)
"""The API server cuts the time of creation to whole seconds."""


def applicable(o: Observed, *decisions: str) -> tuple[Command, ...]:
    """Sign-offs for the Change in hand that are not acted on yet, oldest first."""
    change = running(o)
    if change is None:
        return ()
    return tuple(
        c
        for c in sorted(o.commands, key=lambda c: (c.created_at, c.uid))
        if c.decision in decisions
        and not c.answered
        and speaks_of(c, change)
        and c.uid not in change.status.handled
    )


def speaks_of(command: Command, change: Change) -> bool:
    """Names this Change, or names none and was created while this one was in hand."""
    if command.change:
        return command.change == change.name
    born = change.metadata.creation_timestamp
    return born is None or command.created_at >= born - CLOCK_GRAIN


def handled(status: ChangeStatus, command: Command) -> ChangeStatus:
    """The status with this sign-off counted as acted on."""
    return replace(status, handled=(*status.handled, command.uid))
