"""Observed values that read like the domain: `release().stepping(2).verdict("STEP_UP").observed()`.

Each phase comes as it looks when all is well in it; what a test is about is then said on top
(`facts`). Steps are counted from 1, as people see them (`2/4`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from controller.core.ladder import canary_pods
from controller.core.observed import ReplicaSetFact
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.facts import Facts
from tests.unit.controller.core.shop import (
    HOLDBACK,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    WEIGHTS,
    ago,
    pods_of,
)


def release() -> Release:
    """A proposal that nobody has started yet: four pods, a route, steps 1, 5, 25 and 50%."""
    return Release()


class Release(Facts):
    """A release in one of its phases."""

    def proposed(self) -> Self:
        return self.status(phase=Phase.PROPOSED.value)

    def stepping(self, step: int) -> Self:
        """On this rung, its weight in force for a minute, no verdict yet."""
        self.status(phase=Phase.STEPPING.value, step=step - 1, steps=4, started_at=ago(30))
        return self._carrying(WEIGHTS[step - 1])

    def shifting(self) -> Self:
        self.status(phase=Phase.SHIFTING.value, step=3, steps=4)
        return self._carrying(100 - HOLDBACK, pods=4)

    def watching(self) -> Self:
        self.status(phase=Phase.WATCHING.value, step=3, steps=4)
        return self._carrying(100 - HOLDBACK, pods=4)

    def absorbing(self, new_ready: int = 2) -> Self:
        """All traffic on the full canary, the rolling update under way."""
        self.status(phase=Phase.ABSORBING.value, step=3, steps=4, progress=4 + new_ready + 1)
        self._carrying(100, pods=4).no_evidence().not_in_force()
        sets = (pods_of(STABLE_SET, STABLE, 4 - new_ready), pods_of(TARGET_SET, TARGET, new_ready))
        return self.workload(paused=False, rolling=True, sets=sets)

    def settling(self) -> Self:
        """Absorbed; the route still gives all traffic to the canary."""
        self.absorbing(4).workload(rolling=False, complete=True)
        return self.status(phase=Phase.SETTLING.value, outcome=Outcome.PROMOTED.value)

    def reverting(self, stable_ready: int = 2) -> Self:
        """An absorb that is undone; paused again, stable refills."""
        self.absorbing()._going_back(Phase.REVERTING).status(progress=stable_ready)
        full = ReplicaSetFact(STABLE_SET, "aaa", STABLE, 4, stable_ready, marked_stable=True)
        return self.workload(paused=True, sets=(full, pods_of(TARGET_SET, TARGET, 0)))

    def retreating(self) -> Self:
        """Contained: weight 0 with the mark, in force, the canary still there."""
        return self.stepping(2)._going_back(Phase.RETREATING).marked().weight(0).no_evidence()

    def finished(self, outcome: Outcome) -> Self:
        """Over, and nothing of the canary is left."""
        self.no_canary().weight(0).no_evidence()
        return self.status(
            phase=Phase.FINISHED.value, outcome=outcome.value, finished_at=ago(5),
            message="it ended",
        )  # fmt: skip

    def at_rest(self) -> Self:
        """Nothing was ever proposed."""
        self.no_change().no_canary().workload(digest=STABLE, paused=False, complete=True)
        self.o = replace(self.o, proposal=None)
        return self.rollout_status(change="")

    def promoted(self) -> Self:
        """The last Change is stable; nothing is proposed."""
        self.finished(Outcome.PROMOTED).workload(paused=False, complete=True)
        self.o = replace(self.o, proposal=None)
        return self.sets(pods_of(TARGET_SET, TARGET, 4))

    def _going_back(self, phase: Phase) -> Self:
        return self.status(
            phase=phase.value, outcome=Outcome.ROLLED_BACK.value, in_force_since=None,
            reason=Reason.HARM_FOUND.value, message="harm",
        )  # fmt: skip

    def _carrying(self, weight: float, pods: int | None = None) -> Self:
        self.status(entered_at=ago(2), in_force_since=ago(1))
        self.weight(weight).verdict("HOLD")
        return self.canary(ready=canary_pods(weight, 4, routed=True) if pods is None else pods)
