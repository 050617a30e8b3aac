"""What a guard answers, and what a decision is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.api.change import ChangeStatus
from controller.api.rollout import RolloutStatus, Stable
from controller.core.actions import GIVES_MORE, Intent
from controller.core.observed import Observed
from controller.core.phases import REVERSIBLE
from controller.core.reasons import Reason

NOTHING = Stable()


@dataclass(frozen=True)
class Memory:
    """What only the Rollout's status remembers."""

    stable: Stable = NOTHING
    deployment_uid: str = ""
    change: str = ""


@dataclass(frozen=True)
class Note:
    """Something that people should hear of once: an event and a log line."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Ruling:
    """The answer of one guard.

    `change` is the whole new status of the Change in hand (None: as it is); `memory` likewise.
    `wake_at` is the latest time to look again even if nothing happens.
    """

    reason: Reason
    message: str
    intents: tuple[Intent, ...] = ()
    change: ChangeStatus | None = None
    memory: Memory | None = None
    wake_at: datetime | None = None
    notes: tuple[Note, ...] = ()
    again: bool = False
    """Look again at once: the status moves on without waiting for the cluster."""
    each: bool = False
    """The steps do not rest on each other: each is tried, whatever became of the others."""


Guard = Callable[[Observed, datetime], Ruling | None]
"""A named rule: an answer, or None to pass the question on."""


@dataclass(frozen=True)
class Decision:
    """What is to be written and done, in this order: containment, statuses, the other intents.

    `away` takes traffic and flag from the release and waits for nothing. `upkeep` goes before the
    `steps` of the rule that answered, but only what gives the release more waits for its success.
    """

    rule: str
    """Name of the guard that answered."""
    reason: Reason
    message: str
    rollout_status: RolloutStatus
    change_status: ChangeStatus | None
    away: tuple[Intent, ...] = ()
    upkeep: tuple[Intent, ...] = ()
    steps: tuple[Intent, ...] = ()
    notes: tuple[Note, ...] = ()
    wake_at: datetime | None = None
    again: bool = False
    each: bool = False

    @property
    def goes_forward(self) -> bool:
        """The steps bring the release further; what gives back or cleans up does not."""
        if any(isinstance(step, GIVES_MORE) for step in self.steps):
            return True
        phase = self.change_status.phase if self.change_status else ""
        return phase in REVERSIBLE

    @property
    def intents(self) -> tuple[Intent, ...]:
        """All that is asked for, in order."""
        return (*self.away, *self.upkeep, *self.steps)
