"""Which pods were in which arm when, as far as looks have shown it. Values only, no clock.

Between two looks a pod may have come or gone at any moment, so it is taken to have come right
after the look before and to have gone right before the look that misses it. Called by `folding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.metrics.port import ARMS, Arm
from controller.metrics.presence import Presence, pod_of
from controller.metrics.targets import Times
from controller.runtime.evidence import Run

Names = frozenset[str]


@dataclass(frozen=True)
class Attendance:
    """The pods of both arms at the last look, and what changed since the segment began."""

    looked_s: float = 0.0
    pods: Mapping[Arm, Names] = field(default_factory=lambda: dict.fromkeys(ARMS, frozenset()))
    presence: Mapping[Arm, Presence] = field(
        default_factory=lambda: dict.fromkeys(ARMS, Presence())
    )

    @classmethod
    def of(cls, run: Run, at_s: float) -> Attendance:
        """Those who are there when a segment begins have been there all the time."""
        pods = _pods(run)
        return cls(at_s, pods, {arm: Presence(pods=pods[arm], since_s=at_s) for arm in ARMS})

    def at(self, run: Run, moment_s: float) -> Attendance:
        """Once another look has been taken."""
        pods = _pods(run)
        if pods == self.pods:
            return Attendance(max(moment_s, self.looked_s), pods, self.presence)
        presence = {arm: self._changed(arm, pods[arm], moment_s) for arm in ARMS}
        return Attendance(max(moment_s, self.looked_s), pods, presence)

    def _changed(self, arm: Arm, now: Names, moment_s: float) -> Presence:
        before, known = self.pods[arm], self.presence[arm]
        left = {pod: at_s for pod, at_s in known.left.items() if pod not in now}
        return Presence(
            {**known.joined, **dict.fromkeys(now - before, self.looked_s)},
            {**left, **dict.fromkeys(before - now, moment_s)},
            now,
            known.since_s,
        )

    def late(self, arm: Arm, answered: Times, end_s: float) -> list[float]:
        """Since when each target has been silent that is in the arm and shows nothing at or after
        `end_s`; also pods that joined before that and show nothing at all, if others do."""
        pods, presence = self.pods[arm], self.presence[arm]
        shown = {pod_of(target) for target in answered}
        silent = [
            times[-1]
            for target, times in answered.items()
            if times[-1] < end_s and pod_of(target) not in presence.left
        ]
        if shown & pods:
            silent += [
                at_s
                for pod, at_s in presence.joined.items()
                if pod in pods - shown and at_s < end_s
            ]
        return silent


def _pods(run: Run) -> dict[Arm, Names]:
    return {arm: frozenset(pod.name for pod in run.pods(arm)) for arm in ARMS}
