"""`Change`: one proposed transition and all that became of it. The operator writes this history.

The status is the run's whole memory: a crashed operator goes on from here and from the cluster.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from controller.api.meta import Condition, Object, Struct
from controller.api.rollout import Limits, Promotion, Step, Traffic
from controller.api.template import AnalysisTemplateSpec


class Version(Struct, frozen=True):
    """One end of a transition: the digest of a template and the images that it runs."""

    digest: Annotated[
        str, Meta(description="Digest of the pod template, without what does not run.")
    ] = ""
    hash: Annotated[str, Meta(description="pod-template-hash of its ReplicaSet.")] = ""
    images: Annotated[tuple[str, ...], Meta(description="Images of its containers.")] = ()


class DiffLine(Struct, frozen=True):
    """One field of the template that differs."""

    path: Annotated[str, Meta(description="Path in the pod template.")]
    old: Annotated[str, Meta(description="Value of stable; empty: absent.")] = ""
    new: Annotated[str, Meta(description="Value proposed; empty: removed.")] = ""


class Plan(Struct, frozen=True):
    """How it is released, as it stood when the run was proposed: later edits of the Rollout or of
    a template count for the next Change, but for stricter limits, which count at once."""

    steps: Annotated[tuple[Step, ...], Meta(description="The ladder.")] = ()
    promotion: Annotated[Promotion, Meta(description="What follows the last step.")] = Promotion()
    limits: Annotated[Limits, Meta(description="Deadlines.")] = Limits()
    analysis: Annotated[
        tuple[AnalysisTemplateSpec, ...], Meta(description="The templates that judge it.")
    ] = ()
    traffic: Annotated[
        Traffic | None,
        Meta(description="Service and routes by which it is released, to the end of the run."),
    ] = None
    canary_labels: Annotated[
        dict[str, str],
        Meta(description="Labels that set the canary's pods apart, to the end of the run."),
    ] = msgspec.field(default_factory=dict)


class ChangeSpec(Struct, frozen=True):
    """What is proposed, and what its author says about it. Immutable."""

    rollout: Annotated[str, Meta(description="Name of the Rollout.")]
    workload_uid: Annotated[str, Meta(description="UID of the Deployment.")] = ""
    source: Annotated[Version, Meta(description="The stable version.")] = Version()
    target: Annotated[Version, Meta(description="The proposed version.")] = Version()
    plan: Annotated[Plan, Meta(description="How it is released.")] = Plan()
    restart: Annotated[
        bool, Meta(description="Only the restart annotation differs: stable restarts, no ladder.")
    ] = False
    attempt: Annotated[int, Meta(description="Counts retries of one digest.")] = 1
    origin: Annotated[
        str, Meta(description="human, assisted, generated, autonomous or unknown.")
    ] = "unknown"
    what: Annotated[str, Meta(description="What changes, in the author's words.")] = ""
    why: Annotated[str, Meta(description="Why.")] = ""
    rollback: Annotated[str, Meta(description="How to go back.")] = ""
    commits: Annotated[str, Meta(description="Commits in the release.")] = ""
    principal: Annotated[str, Meta(description="Person on whose behalf an agent acted.")] = ""
    incident: Annotated[str, Meta(description="Incident that this release mends.")] = ""
    diff: Annotated[
        tuple[DiffLine, ...], Meta(description="Fields of the template that differ.")
    ] = ()


class MetricReport(Struct, frozen=True):
    """What one metric says, for people and dashboards."""

    name: Annotated[str, Meta(description="Name of the metric.")]
    canary_events: Annotated[float, Meta(description="Events counted on the canary.")] = 0
    canary_exposures: Annotated[float, Meta(description="Exposures of the canary.")] = 0
    stable_events: Annotated[float, Meta(description="Events counted on stable.")] = 0
    stable_exposures: Annotated[float, Meta(description="Exposures of stable.")] = 0
    ratio: Annotated[float | None, Meta(description="Canary rate over stable rate.")] = None
    low: Annotated[float | None, Meta(description="Lower end of the always-valid interval.")] = None
    high: Annotated[float | None, Meta(description="Upper end of the interval.")] = None
    log_harm: Annotated[float, Meta(description="Log e-value of harm.")] = 0
    log_promote: Annotated[float, Meta(description="Log e-value of no harm beyond the margin.")] = 0
    note: Annotated[str, Meta(description="Why it counts less, or gives no data.")] = ""


class ChangeStatus(Struct, frozen=True):
    """Where the run is, and all that a restarted operator needs to go on."""

    phase: Annotated[
        str,
        Meta(
            description="Proposed, Stepping, Shifting, Watching, Absorbing, Settling, Reverting,"
            " Retreating or Finished."
        ),
    ] = ""
    reason: Annotated[str, Meta(description="CamelCase reason of the phase.")] = ""
    message: Annotated[str, Meta(description="Why it waits, or how it ended.")] = ""
    step: Annotated[int, Meta(description="Index of the step in hand, from 0.")] = 0
    steps: Annotated[int, Meta(description="Number of steps.")] = 0
    weight: Annotated[float, Meta(description="Observed share, in percent.")] = 0
    peak_weight: Annotated[float, Meta(description="Highest share observed, in percent.")] = 0
    entered_at: Annotated[datetime | None, Meta(description="When the phase or step began.")] = None
    progress: Annotated[
        int,
        Meta(
            description="How far an absorb, or its way back, has come: grows with each ready pod."
        ),
    ] = 0
    progressed_at: Annotated[datetime | None, Meta(description="When it last grew.")] = None
    in_force_since: Annotated[
        datetime | None, Meta(description="Since when the router shows the step's weight.")
    ] = None
    started_at: Annotated[datetime | None, Meta(description="When the first step began.")] = None
    finished_at: Annotated[datetime | None, Meta(description="When it ended.")] = None
    drain_until: Annotated[datetime | None, Meta(description="Until when the canary drains.")] = (
        None
    )
    no_data_since: Annotated[
        datetime | None, Meta(description="Since when a metric gives no data.")
    ] = None
    outcome: Annotated[
        str, Meta(description="Promoted, RolledBack, Inconclusive, Superseded, Aborted, Withdrawn.")
    ] = ""
    verdict: Annotated[str, Meta(description="ROLLBACK, HOLD, STEP_UP or NO_EVIDENCE.")] = ""
    doubt: Annotated[
        str, Meta(description="Why the data so far allow no promotion, whatever they say.")
    ] = ""
    evidence: Annotated[
        str, Meta(description="Sufficient statistics of the analysis as JSON text; versioned.")
    ] = ""
    window_end: Annotated[
        datetime | None, Meta(description="End of the last tick that is in the evidence.")
    ] = None
    metrics: Annotated[tuple[MetricReport, ...], Meta(description="What each metric says.")] = ()
    log_harm: Annotated[float, Meta(description="Log e-value of harm, all metrics together.")] = 0
    log_threshold: Annotated[float, Meta(description="Log e-value at which it goes back.")] = 0
    orders_lost: Annotated[float, Meta(description="Estimate from the evidence.")] = 0
    handled: Annotated[
        tuple[str, ...], Meta(description="UIDs of sign-offs already acted on.")
    ] = ()
    losses: Annotated[int, Meta(description="Times that no canary pod was left under traffic.")] = 0
    held_by: Annotated[str, Meta(description="Person whose Hold is in force.")] = ""
    conditions: Annotated[
        tuple[Condition, ...], Meta(description="For `kubectl wait`: Finished and Succeeded.")
    ] = ()


class Change(Object, frozen=True, kw_only=True):
    """One proposed transition of one workload: what it is, and how it went."""

    spec: ChangeSpec
    status: ChangeStatus = ChangeStatus()
