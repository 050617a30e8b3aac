"""What the sampler is told of a run, and what it tells of the evidence. Values only.

`Run` is made at every look of the reconciler, which reads `EvidenceView`. Neither knows a task, a
socket or a clock.
"""

from __future__ import annotations

import functools
import json
import math
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analysis.codec import to_json
from analysis.release import ReleaseState
from analysis.verdict import Assessment
from controller.api.change import MetricReport
from controller.api.meta import Key
from controller.metrics.placeholders import Scope
from controller.metrics.plans import Plan
from controller.metrics.port import ARMS, Pod
from controller.metrics.port import Arm as ArmName

ATTENDING = "attending"
"""Member of the kept evidence that says who was in the arms."""
NO_SHARE = 1e-6
"""A share is never quite 0 or 1, as both arms are compared; this one stands for none."""

__all__ = ["Arm", "EvidenceView", "NoDataNote", "Pod", "Run"]


@dataclass(frozen=True)
class Arm:
    """One side of the comparison: its template hash, its Service, its pods."""

    hash: str
    service: str
    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class Run:
    """One release that is being judged, as it stands now.

    step: index into the plan's shares. share: the canary's fraction in (0, 1) as the router shows
    it. in_force_since: since when; None while it is not, and then nothing is counted. evidence,
    window_end: what the Change's status holds (the first as JSON text); read only when this process
    first hears of it.
    """

    key: Key
    change_uid: str
    workload: str
    plan: Plan
    canary: Arm
    stable: Arm
    step: int
    share: float
    in_force_since: datetime | None
    evidence: str = ""
    window_end: datetime | None = None

    def until_in_force(self, before: Run) -> Run:
        """Between two steps the canary still has the weight of the one before: it is judged there,
        until the router shows the new weight or the canary has none any more."""
        between = self.in_force_since is None and before.in_force_since is not None
        if not between or self.share <= NO_SHARE:
            return self
        return replace(
            self, step=before.step, share=before.share, in_force_since=before.in_force_since
        )

    @property
    def attending(self) -> str:
        """Who is in both arms, in a few characters that are others when somebody came or went."""
        names = [f"{arm}/{pod.name}" for arm in ARMS for pod in self.pods(arm)]
        return f"{zlib.crc32(' '.join(sorted(names)).encode()):08x}"

    @property
    def youngest_s(self) -> float:
        """When the youngest pod of the canary started, as its node has it; before all time without
        one that says so."""
        started = (pod.started_at for pod in self.canary.pods if pod.started_at is not None)
        return max((moment.timestamp() for moment in started), default=-math.inf)

    def scope(self, role: ArmName) -> Scope:
        """What the placeholders stand for in one arm."""
        arm = self.canary if role == "canary" else self.stable
        pods = tuple(pod.name for pod in arm.pods)
        return Scope(self.key.namespace, self.workload, role, arm.hash, arm.service, pods)

    def pods(self, role: ArmName) -> tuple[Pod, ...]:
        """The pods of one arm."""
        return (self.canary if role == "canary" else self.stable).pods


@dataclass(frozen=True)
class NoDataNote:
    """A metric that had no reading in the last tick, and why."""

    metric: str
    reason: str


@dataclass(frozen=True)
class EvidenceView:
    """The newest evidence of a run.

    assessment is None before the first tick. no_data_since: start of the first of the ticks
    without data that lead up to now; None while there are data. seen_until: `window_end` by the
    clock that facts are written with. attending: see Run.
    """

    release: ReleaseState
    assessment: Assessment | None
    reports: tuple[MetricReport, ...]
    column: str
    no_data: tuple[NoDataNote, ...]
    no_data_since: datetime | None
    seen_until: datetime | None = None
    attending: str = ""

    @functools.cached_property
    def state(self) -> str:
        """The sufficient statistics as JSON text, for the Change's status."""
        kept = {**to_json(self.release), ATTENDING: self.attending}
        return json.dumps(kept, separators=(",", ":"))

    @property
    def window_end(self) -> datetime | None:
        """End of the last tick that is in the evidence."""
        end_s = self.release.window_end_s
        return None if end_s is None else datetime.fromtimestamp(end_s, UTC)
