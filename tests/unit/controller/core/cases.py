"""One row of a table: a sentence, the look that it speaks of, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from controller.core.actions import Answer, Intent
from controller.core.decision import Decision
from controller.core.phases import Outcome, Phase
from controller.core.plan import plan
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release
from tests.unit.controller.core.shop import NOW


@dataclass(frozen=True)
class Case:
    """`rule` answers with `reason`; the Change is then in `phase`; all of `does` is asked for."""

    sentence: str
    look: Release
    rule: str
    reason: Reason
    phase: Phase | None = None
    does: tuple[Intent, ...] = ()
    not_: tuple[type[Intent], ...] = ()
    outcome: Outcome | None = None
    nothing: bool = False
    """No intent at all."""
    waits_until: float | None = None
    """Minutes from NOW."""
    says: str = ""
    """Words of its message."""


def table(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Each row is a test named by its sentence."""
    rows = list(cases)
    return pytest.mark.parametrize("case", rows, ids=[c.sentence for c in rows])


def proves(case: Case) -> None:
    """The decision on the case's look is the one that its row states."""
    decision = plan(case.look.observed(), NOW)
    status = decision.change_status
    assert (decision.rule, decision.reason) == (case.rule, case.reason), decision.message
    if case.phase is not None:
        assert status is not None
        assert status.phase == case.phase
    if case.outcome is not None:
        assert status is not None
        assert status.outcome == case.outcome
    assert case.says in decision.message
    missing = [i for i in case.does if i not in decision.intents]
    assert not missing, decision.intents
    assert not [i for i in decision.intents if isinstance(i, case.not_)]
    if case.nothing:
        assert decision.intents == ()
    if case.waits_until is not None:
        assert decision.wake_at is not None
        assert (decision.wake_at - NOW).total_seconds() == case.waits_until * 60


def decide(look: Release) -> Decision:
    """What `plan` makes of it."""
    return plan(look.observed(), NOW)


def answers(look: Release) -> dict[str, str]:
    """State of each sign-off that is answered, by name."""
    return {i.signoff: i.state for i in decide(look).intents if isinstance(i, Answer)}
