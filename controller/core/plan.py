"""`plan(observed, now) -> Decision`: the whole judgement of the operator, as one pure function."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from controller.core.actions import Intent, takes_away
from controller.core.decision import Decision, Ruling
from controller.core.floor import floor_until
from controller.core.guards.order import ORDER, asks
from controller.core.observed import Observed
from controller.core.reasons import Reason
from controller.core.status import change_status, rollout_status
from controller.core.upkeep import upkeep


def plan(o: Observed, now: datetime) -> Decision:
    """Ask the rules in their order; the first answer, with the upkeep, is the decision."""
    name, ruling = judge(o, now)
    kept, notes = upkeep(o, now)
    away = _once(i for i in ruling.intents if takes_away(i))
    repairs = _once(kept)
    steps = _once(i for i in ruling.intents if not takes_away(i) and i not in repairs)
    return Decision(
        rule=name,
        reason=ruling.reason,
        message=ruling.message,
        rollout_status=rollout_status(o, ruling, now),
        change_status=change_status(o, ruling, now),
        away=away,
        upkeep=repairs,
        steps=steps,
        notes=(*ruling.notes, *notes),
        wake_at=_wake(o, ruling, now),
        again=ruling.again,
        each=ruling.each,
    )


def _wake(o: Observed, ruling: Ruling, now: datetime) -> datetime | None:
    """The rule's own time, or before it the one at which the autoscaler gets its floor back."""
    due = floor_until(o, now)
    times = [t for t in (ruling.wake_at, due if due and due > now else None) if t is not None]
    return min(times, default=None)


def judge(o: Observed, now: datetime) -> tuple[str, Ruling]:
    """The first rule that answers, by name."""
    for guard in ORDER:
        ruling = guard(o, now)
        if ruling is not None:
            return guard.__name__, ruling
    return "nothing", Ruling(Reason.STABLE, "nothing to do")


def explain(o: Observed, now: datetime) -> list[tuple[str, str, str]]:
    """The table that `blastdoor explain` prints: rule, what it asks, its answer or a dash."""
    table = []
    for guard in ORDER:
        ruling = guard(o, now)
        answer = f"{ruling.reason}: {ruling.message}" if ruling else "-"
        table.append((guard.__name__, asks(guard), answer))
        if ruling is not None:
            break
    return table


def _once(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """Each intent once, in order of first mention; by equality, as a proposal has no hash."""
    kept: list[Intent] = []
    for intent in intents:
        if intent not in kept:
            kept.append(intent)
    return tuple(kept)
