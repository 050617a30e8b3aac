"""`Rollout`: which workload, which traffic, which steps, which analysis, how much risk.

Written by authors and GitOps. The status is ours; people command with a `Signoff`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from controller.api.fields import Duration, Name, Weight
from controller.api.meta import Condition, Object, Struct

DEFAULT_LADDER = (1.0, 5.0, 10.0, 25.0, 50.0)
"""Weights in percent when a Rollout names none: share x margin stays below 1.5% of all orders
with the default margins (docs/tuning.md)."""


class WorkloadRef(Struct, frozen=True):
    """The workload to release: an existing object that stays the owner's."""

    name: Annotated[Name, Meta(description="Name of the Deployment, in the Rollout's namespace.")]
    kind: Annotated[Literal["Deployment"], Meta(description="Kind of the workload.")] = "Deployment"


class RouteRef(Struct, frozen=True):
    """A route that sends traffic to the service; a router plug-in of that kind writes it."""

    name: Annotated[Name, Meta(description="Name of the route, in the Rollout's namespace.")]
    kind: Annotated[
        str, Meta(description="Kind of the route; a router plug-in of this name must exist.")
    ] = "HTTPRoute"


class Traffic(Struct, frozen=True):
    """How traffic reaches the workload."""

    service: Annotated[
        Name, Meta(description="The Service that clients use; its selector must select the pods.")
    ]
    routes: Annotated[
        tuple[RouteRef, ...],
        Meta(description="Routes whose weights are moved. None: the share follows the pods."),
    ] = ()


class Step(Struct, frozen=True):
    """One rung of the ladder: only evidence gathered at its weight lets a release pass it."""

    weight: Annotated[Weight, Meta(description="Share of the traffic for the canary, in percent.")]
    hold: Annotated[
        Duration | None,
        Meta(description="Shortest stay at this weight, beside the template's `bake`."),
    ] = None


class AnalysisRef(Struct, frozen=True):
    """An AnalysisTemplate in the same namespace."""

    template: Annotated[Name, Meta(description="Name of the AnalysisTemplate.")]


class Risk(Struct, frozen=True):
    """What one release may cost."""

    metric: Annotated[
        str, Meta(description="The metric whose loss is counted, as named in the template.")
    ] = "orders"
    at_risk: Annotated[
        float,
        Meta(
            ge=0,
            description="Events (orders) that one release may lose; shown beside the estimate.",
        ),
    ] = 100


class Promotion(Struct, frozen=True):
    """What happens after the last step."""

    mode: Annotated[
        Literal["ShiftThenAbsorb", "InPlace"],
        Meta(
            description="ShiftThenAbsorb: the canary takes the traffic at full size, is watched,"
            " then the Deployment absorbs the template. InPlace: absorb straight after the last"
            " step."
        ),
    ] = "ShiftThenAbsorb"
    holdback: Annotated[
        float,
        Meta(ge=0, le=50, description="Share that stays on stable during the watch, in percent."),
    ] = 2
    watch: Annotated[
        Duration, Meta(description="How long the canary is watched at full share before absorb.")
    ] = "10m"


class Limits(Struct, frozen=True):
    """Deadlines: every state is left by one of them."""

    hold: Annotated[
        Duration, Meta(description="Longest wait for evidence; then `onNoEvidence` decides.")
    ] = "24h"
    on_no_evidence: Annotated[
        Literal["Rollback", "Hold"],
        Meta(description="Rollback: go back, Inconclusive. Hold: keep the weight and alert."),
    ] = "Rollback"
    progress_deadline: Annotated[
        Duration,
        Meta(
            description="Longest wait for canary pods to become ready, for a router to take a"
            " weight, or for the next ready pod of an absorb."
        ),
    ] = "10m"
    drain: Annotated[
        Duration, Meta(description="Time between weight 0 and the end of the canary's pods.")
    ] = "30s"
    supersede: Annotated[
        Literal["Replace", "Queue"],
        Meta(
            description="What a new edit during a run does. Replace: the run is taken back and the"
            " edit starts anew. Queue: the edit waits until the run in hand has ended, so that"
            " frequent commits cannot starve promotion; only the newest one waits."
        ),
    ] = "Replace"


class CanaryOverrides(Struct, frozen=True):
    """Overrides for the canary's pods."""

    labels: Annotated[
        dict[str, str],
        Meta(description="Labels of the canary's pods; no Service may select them."),
    ] = msgspec.field(default_factory=dict)


class KillSwitch(Struct, frozen=True):
    """A feature flag that is turned off first when a release is taken back."""

    config_map: Annotated[Name, Meta(description="ConfigMap that holds the flag.")]
    key: Annotated[str, Meta(description="Key of the flag; its off value is `false`.")]


class RolloutSpec(Struct, frozen=True):
    """What the author wants of every release of one workload."""

    workload: Annotated[WorkloadRef, Meta(description="The workload to release.")]
    traffic: Annotated[Traffic, Meta(description="How traffic reaches it.")]
    steps: Annotated[
        tuple[Step, ...],
        Meta(max_length=32, description="Weights in rising order. None: 1, 5, 10, 25, 50."),
    ] = ()
    analysis: Annotated[
        tuple[AnalysisRef, ...],
        Meta(
            description="Templates whose metrics all judge the release. None: nothing is promoted."
        ),
    ] = ()
    risk: Annotated[Risk, Meta(description="What one release may cost.")] = Risk()
    promotion: Annotated[Promotion, Meta(description="What happens after the last step.")] = (
        Promotion()
    )
    limits: Annotated[Limits, Meta(description="Deadlines and what follows them.")] = Limits()
    canary: Annotated[CanaryOverrides, Meta(description="Overrides for the canary's pods.")] = (
        CanaryOverrides()
    )
    kill_switch: Annotated[
        KillSwitch | None,
        Meta(description="Feature flag turned off first when a release is taken back."),
    ] = None
    paused: Annotated[
        bool, Meta(description="Hold the weight; the analysis goes on and harm still rolls back.")
    ] = False


class Stable(Struct, frozen=True):
    """The version that serves: the template of the only active ReplicaSet."""

    hash: Annotated[str, Meta(description="pod-template-hash of its ReplicaSet.")] = ""
    digest: Annotated[str, Meta(description="Digest of its template.")] = ""


class RolloutStatus(Struct, frozen=True):
    """A summary that is derived from the Change and the cluster; nothing is decided from it
    but what only it holds: what is stable, and which proposal was refused."""

    observed_generation: Annotated[
        int, Meta(description="Generation of the spec that this speaks of.")
    ] = 0
    phase: Annotated[
        str,
        Meta(
            description="Pending, Stable, Rejected, Progressing, Promoting, RollingBack, Invalid,"
            " Leaving."
        ),
    ] = ""
    reason: Annotated[str, Meta(description="CamelCase reason of the phase.")] = ""
    message: Annotated[str, Meta(description="Why it waits, and what happens next.")] = ""
    step: Annotated[str, Meta(description="Step in hand, as `2/4`.")] = ""
    weight: Annotated[float, Meta(description="Observed share of the canary, in percent.")] = 0
    verdict: Annotated[str, Meta(description="Last verdict of the analysis.")] = ""
    evidence: Annotated[str, Meta(description="Strongest metric, its ratio and interval.")] = ""
    change: Annotated[str, Meta(description="Name of the Change in hand, or of the last one.")] = ""
    origin: Annotated[str, Meta(description="Origin of that Change.")] = ""
    at_risk: Annotated[str, Meta(description="Orders lost so far, of those allowed.")] = ""
    next_at: Annotated[
        datetime | None, Meta(description="When the next thing happens at the latest.")
    ] = None
    queued: Annotated[
        str,
        Meta(description="Digest of a newer template that waits for the end of the run in hand."),
    ] = ""
    refused: Annotated[
        str,
        Meta(description="Digest of the template that was taken back; not tried again by itself."),
    ] = ""
    hold: Annotated[
        str,
        Meta(
            description="OnChange: the API server pauses edits. Always: kept paused. Owner: paused"
            " by its owner, until its first release."
        ),
    ] = ""
    stable: Annotated[Stable, Meta(description="The version that serves.")] = Stable()
    deployment_uid: Annotated[str, Meta(description="UID of the adopted Deployment.")] = ""
    conditions: Annotated[
        tuple[Condition, ...], Meta(description="For `kubectl wait` and kstatus.")
    ] = ()


class Rollout(Object, frozen=True, kw_only=True):
    """A workload whose releases go up a ladder of canary weights, judged by evidence."""

    spec: RolloutSpec
    status: RolloutStatus = RolloutStatus()
