"""Everything that a decision may look at: plain facts, gathered once, never read again.

The shell (`controller.runtime.facts`) makes them out of Kubernetes objects. Absence has a written
meaning everywhere: `workload is None` is "does not exist", `weight is None` is "cannot be read".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.api.change import Change, ChangeSpec, MetricReport
from controller.api.mark import Mark
from controller.api.rollout import Rollout
from controller.core.reasons import Reason


@dataclass(frozen=True)
class Block:
    """Something that keeps a run from starting, and holds one that is under way."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class ReplicaSetFact:
    """One ReplicaSet of the Deployment."""

    name: str
    hash: str
    digest: str
    wanted: int
    available: int
    marked_stable: bool = False


@dataclass(frozen=True)
class Workload:
    """The user's Deployment with its ReplicaSets."""

    uid: str
    digest: str
    """Digest of `spec.template`: what is proposed, or what runs."""
    adopted: bool
    """Carries our label with this Rollout's name."""
    paused: bool
    replicas: int
    """Live `spec.replicas`."""
    rolling: bool
    """A rolling update is in flight."""
    complete: bool
    """The rolling update to the present template has ended, all replicas available."""
    sets: tuple[ReplicaSetFact, ...] = ()
    taken_by: str = ""
    """Another Rollout that governs it."""
    surge: int = 1
    """Pods above `replicas` that its strategy allows during an update."""
    unavailable: int = 0
    """Pods that may be missing meanwhile; all of them by `Recreate`."""

    @property
    def active(self) -> tuple[ReplicaSetFact, ...]:
        """ReplicaSets that want or have pods."""
        return tuple(s for s in self.sets if s.wanted or s.available)

    def marks_only(self, name: str) -> bool:
        """Whether that ReplicaSet is marked stable, and no other is."""
        return [s.name for s in self.sets if s.marked_stable] == [name]

    def of_digest(self, digest: str) -> ReplicaSetFact | None:
        """The ReplicaSet of a template; the one with most replicas if there are several."""
        found = [s for s in self.sets if s.digest == digest]
        return max(found, key=lambda s: (s.wanted, s.available), default=None)


@dataclass(frozen=True)
class Canary:
    """The canary Deployment, if it is there."""

    change_uid: str
    digest: str
    wanted: int
    available: int
    pods: int = 0
    """Pods that still exist, terminating ones not counted."""
    crashing: str = ""
    """Name and exit of a container that crashes again and again."""
    stuck: str = ""
    """What the kubelet says of a container that does not start: an image that cannot be pulled."""
    intact: bool = True
    """Its spec is what we applied."""


@dataclass(frozen=True)
class Traffic:
    """What the router, or the pods, say about the share of the canary."""

    routed: bool
    weight: float | None = 0.0
    """Share of the canary in percent as the route's spec (or the pods) says it: what it may get at
    most, by the route that gives most."""
    least: float | None = 0.0
    """The same by the route that gives least, of those that send to the apex; None: none does."""
    behind: str = ""
    """That route and what it says, where another gives more."""
    in_force: bool = True
    """The router has accepted the spec that we read."""
    unresolved: str = ""
    """Why a router does not find the canary that its route names, in its own words."""
    mark: Mark | None = None
    """The containment mark (route annotation or pin)."""
    foreign: bool = False
    """Somebody changed the backends that we wrote."""
    touched: bool = False
    """The route or Service still carries something of ours."""
    mispinned: bool = False
    """Share by pods: contained, but the Service is not pinned as it should be by now."""

    def says(self, weight: float) -> bool:
        """Every route that sends to the apex gives the canary this share, as we wrote it."""
        return self.weight == self.least == weight and not self.foreign

    def marked_for(self, change_uid: str) -> bool:
        """Contained for this very Change."""
        return self.mark is not None and self.mark.change_uid == change_uid


class Verdict(StrEnum):
    """What the statistics say; the names of docs/statistics.md."""

    ROLLBACK = "ROLLBACK"
    HOLD = "HOLD"
    STEP_UP = "STEP_UP"
    NO_EVIDENCE = "NO_EVIDENCE"


@dataclass(frozen=True)
class Evidence:
    """The newest assessment of the run in hand."""

    verdict: Verdict
    explain: str
    """One plain sentence with numbers and the time still needed."""
    headline: str = ""
    """Strongest metric, ratio and interval, for a column."""
    no_data: str = ""
    """Why a metric gives no data; empty when all do."""
    no_data_since: datetime | None = None
    doubt: str = ""
    """Why the data allow no promotion whatever they say: too many gaps, or harm that is suspected
    by a metric that may not roll back; empty when they do."""
    state: str = ""
    window_end: datetime | None = None
    seen_until: datetime | None = None
    """The same moment, by the clock that facts are written with."""
    reports: tuple[MetricReport, ...] = ()
    log_harm: float = 0.0
    log_threshold: float = 0.0
    orders_lost: float = 0.0


@dataclass(frozen=True)
class Command:
    """One sign-off that may still have to be acted on."""

    uid: str
    name: str
    decision: str
    by: str
    reason: str
    change: str
    created_at: datetime
    answered: bool = False


@dataclass(frozen=True)
class Floor:
    """The HorizontalPodAutoscaler of the workload."""

    autoscaler: str
    min_replicas: int
    max_replicas: int
    original: int | None = None
    """The owner's minReplicas while ours is in force."""


class HoldMode(StrEnum):
    """Who pauses an edit: the API server, or the operator by keeping the Deployment paused."""

    ON_CHANGE = "OnChange"
    ALWAYS = "Always"


@dataclass(frozen=True)
class Observed:
    """One look at everything that concerns one Rollout."""

    rollout: Rollout
    workload: Workload | None = None
    change: Change | None = None
    proposal: ChangeSpec | None = None
    """What a Change of the Deployment's present template would say; None when it is stable."""
    proposal_name: str = ""
    canary: Canary | None = None
    traffic: Traffic = Traffic(routed=False)
    evidence: Evidence | None = None
    blocks: tuple[Block, ...] = ()
    commands: tuple[Command, ...] = ()
    floor: Floor | None = None
    revision_kept: bool = False
    """A ControllerRevision holds the stable template."""
    target_kept: bool = False
    """A ControllerRevision holds the template of the run in hand."""
    spare_revisions: tuple[str, ...] = ()
    """ControllerRevisions of ours that nothing needs any more."""
    hold_mode: HoldMode = HoldMode.ON_CHANGE
    namespace_ending: bool = False
    acting_since: datetime | None = None
    """When this process began to act; waits are counted from then at the earliest."""
    refused: str = ""
    """What the API server said as it refused the last write of ours; empty when it did not."""
    notes: tuple[str, ...] = ()
    """Advice for the condition before the run, as policies that select the old label value."""
