"""Conditions as Kubernetes keeps them: their transition time moves only when what they say does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from controller.api.meta import Condition


def stamped(
    before: Iterable[Condition],
    found: Mapping[str, tuple[str, str, str]],
    now: datetime,
    generation: int,
) -> tuple[Condition, ...]:
    """The conditions of `found` (type: status, reason, message), each with the time since when its
    status and reason stand."""
    known = {c.type: c for c in before}
    made = []
    for kind, (status, reason, message) in found.items():
        old = known.get(kind)
        same = old is not None and old.status == status and old.reason == reason
        made.append(
            Condition(
                type=kind,
                status=status,
                reason=reason,
                message=message,
                last_transition_time=old.last_transition_time if old is not None and same else now,
                observed_generation=generation,
            )
        )
    return tuple(made)
