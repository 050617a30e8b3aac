"""What was decided, written on the statuses of the Change and of the Rollout, before it is done.

What a person or a crash would miss is written at once; numbers that move with every tick only now
and then. It decides nothing. Called by the reconciler.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from controller.api.change import ChangeStatus
from controller.api.meta import Key
from controller.api.resources import CHANGES, ROLLOUTS
from controller.api.rollout import RolloutStatus
from controller.core.decision import Decision
from controller.core.observed import Observed
from controller.core.reasons import Reason
from controller.core.run import running
from controller.kube.port import Malformed
from controller.runtime.acts.writer import Writer
from controller.runtime.unread import unread

UNREAD = unread(ROLLOUTS)
"""Rollouts as their status is written: also to one whose spec cannot be read, whose run must come
to its end all the same."""


class Ledger:
    """Statuses, and when each was last written."""

    def __init__(self, writer: Writer, interval_s: float) -> None:
        """`interval_s`: see `Settings.status_interval_s`."""
        self._writer, self._interval_s = writer, interval_s
        self._written_at: dict[Key, datetime] = {}
        self._refused: dict[Key, str] = {}

    async def write(self, o: Observed, d: Decision, now: datetime) -> bool:
        """Both statuses, the Change's first; whether the Rollout's was written."""
        key, change = o.rollout.key, running(o)
        last = self._written_at.get(key)
        due = last is None or (now - last).total_seconds() >= self._interval_s
        if change is not None and d.change_status is not None:
            moved = _visible_change(change.status) != _visible_change(d.change_status)
            if moved or (due and change.status != d.change_status):
                await self._writer.status(CHANGES, change, d.change_status)
                self._written_at[key] = now
        old = o.rollout.status
        moved = _visible_rollout(old) != _visible_rollout(d.rollout_status)
        if not (moved or (due and old != d.rollout_status and change is not None)):
            return False
        await self._writer.status(UNREAD, o.rollout, d.rollout_status)
        self._written_at[key] = now
        return True

    async def refuse(self, key: Key, wrong: Malformed) -> None:
        """Say on an object that cannot be read what is wrong with it, once for each wrong."""
        if self._refused.get(key) == wrong.problem:
            return
        status = {
            "phase": "Invalid", "reason": Reason.INVALID.value, "message": wrong.problem,
            "observedGeneration": wrong.metadata.generation,
        }  # fmt: skip
        await self._writer.merge(UNREAD, key.namespace, key.name, {"status": status}, "status")
        self._refused[key] = wrong.problem

    def forget(self, key: Key) -> None:
        """The Rollout is gone."""
        self._written_at.pop(key, None)
        self._refused.pop(key, None)


def _visible_change(s: ChangeStatus) -> ChangeStatus:
    """What a person or a crash would miss; numbers that move with every tick left out."""
    return replace(
        s, message="", weight=round(s.weight), evidence="", window_end=None, metrics=(),
        log_harm=0, log_threshold=0, orders_lost=0, doubt="doubt" if s.doubt else "",
        conditions=tuple(replace(c, message="", last_transition_time=None) for c in s.conditions),
    )  # fmt: skip


def _visible_rollout(s: RolloutStatus) -> RolloutStatus:
    return replace(
        s, message="" if s.phase == "Progressing" else s.message, evidence="", at_risk="",
        weight=round(s.weight, 2), next_at=None,
        conditions=tuple(replace(c, message="", last_transition_time=None) for c in s.conditions),
    )  # fmt: skip
