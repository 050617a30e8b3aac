"""The closed set of things that a decision may ask for. Each is safe to repeat.

An intent names what should be, not how: `controller.runtime.act` turns it into one patch against
the newest object, with `test` operations where somebody else may have been faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.api.change import ChangeSpec


@dataclass(frozen=True)
class AddFinalizer:
    """On the Rollout, before anything of the user's is touched."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """The Rollout may go."""


@dataclass(frozen=True)
class Adopt:
    """Label the Deployment. With another template than the one named it must not run: it is paused
    already, or in the same patch when its label was lost in mid-run."""

    digest: str


@dataclass(frozen=True)
class KeepRevision:
    """Store the template of this ReplicaSet in a ControllerRevision and mark it stable."""

    replicaset: str


@dataclass(frozen=True)
class KeepTarget:
    """Store the Deployment's template, that of the run in hand, in a ControllerRevision."""

    digest: str


@dataclass(frozen=True)
class DropRevisions:
    """Delete ControllerRevisions whose templates nobody may have to go back or on to."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class RecreateReplicaSet:
    """Make a ReplicaSet of the Deployment from the ControllerRevision of this template."""

    digest: str
    replicas: int


@dataclass(frozen=True)
class DropReplicaSets:
    """Delete old ReplicaSets without replicas, so that a paused Deployment can only fill stable."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class ScaleReplicaSet:
    """Set the replicas of one ReplicaSet of the Deployment."""

    name: str
    replicas: int


@dataclass(frozen=True)
class Pause:
    """Pause the Deployment."""


@dataclass(frozen=True)
class Unpause:
    """Let the Deployment roll, if its template still is the approved one."""

    digest: str


@dataclass(frozen=True)
class Leave:
    """Remove our label; unpause only if the template is stable, else say why it stays paused."""

    stable_digest: str


@dataclass(frozen=True)
class ApplyCanary:
    """Canary Deployment, Service and copied policies for this Change, with this many replicas."""

    change_uid: str
    replicas: int


@dataclass(frozen=True)
class RemoveCanary:
    """Delete what ApplyCanary made."""


@dataclass(frozen=True)
class SetWeight:
    """Write the canary's share on every route, in percent."""

    percent: float
    change_uid: str
    """A route marked as aborted for this Change refuses a share above 0."""


@dataclass(frozen=True)
class Contain:
    """Weight 0 and the mark that keeps it there, in one patch (the pin, without a route).

    Containing one Change twice is one act, whatever it is recorded as.
    """

    change_uid: str
    outcome: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


@dataclass(frozen=True)
class RestoreTraffic:
    """The owner's weights or selector; with `forget` the containment mark goes as well."""

    forget: bool


@dataclass(frozen=True)
class RaiseFloor:
    """Set minReplicas of the autoscaler; the owner's value is kept beside it."""

    replicas: int


@dataclass(frozen=True)
class RestoreFloor:
    """The owner's minReplicas."""


@dataclass(frozen=True)
class CreateChange:
    """Record a proposal."""

    name: str
    spec: ChangeSpec


@dataclass(frozen=True)
class SwitchOff:
    """Turn the release's feature flag off."""

    config_map: str
    key: str


@dataclass(frozen=True)
class Answer:
    """Write on a sign-off what became of it."""

    signoff: str
    state: str
    message: str


Intent = (
    AddFinalizer
    | RemoveFinalizer
    | Adopt
    | KeepRevision
    | KeepTarget
    | DropRevisions
    | RecreateReplicaSet
    | DropReplicaSets
    | ScaleReplicaSet
    | Pause
    | Unpause
    | Leave
    | ApplyCanary
    | RemoveCanary
    | SetWeight
    | Contain
    | RestoreTraffic
    | RaiseFloor
    | RestoreFloor
    | CreateChange
    | SwitchOff
    | Answer
)


def takes_away(intent: Intent) -> bool:
    """Takes traffic or its flag from the release: it never waits for another write, and never
    fails with one."""
    if isinstance(intent, SetWeight):
        return intent.percent == 0
    return isinstance(intent, Contain | SwitchOff)


GIVES_MORE = (SetWeight, ApplyCanary, Unpause, Adopt, CreateChange)
"""Among the steps of a rule these give the release pods, traffic, the Deployment, or its beginning
(a SetWeight of 0 is no step, see `takes_away`)."""
