"""Every reason that a condition, an event, a metric label or a log line can carry: stable API.

`MEANING` is also the table of `docs/reference/reasons.md`.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """CamelCase reasons, named after the fact."""

    # at rest
    STABLE = "Stable"
    REJECTED = "ProposalRejected"
    SCALED_TO_ZERO = "ScaledToZero"
    # before a run
    WORKLOAD_MISSING = "WorkloadMissing"
    ADOPTION_BLOCKED = "AdoptionBlocked"
    REGISTERING = "Registering"
    ADOPTED = "Adopted"
    RECREATED = "Recreated"
    TAKEN = "WorkloadTaken"
    TRAFFIC_TAKEN = "TrafficTaken"
    INVALID = "InvalidSpec"
    USABLE = "Usable"
    TRAFFIC_MISSING = "TrafficMissing"
    ANALYSIS_MISSING = "AnalysisMissing"
    UNPINNED_SERVICE = "UnpinnedService"
    CANARY_NAME_TAKEN = "CanaryNameTaken"
    UNSEEN = "KindUnseen"
    PROPOSED = "Proposed"
    # on the ladder
    CANARY_STARTING = "CanaryStarting"
    ROUTE_PENDING = "RoutePending"
    GATHERING = "GatheringEvidence"
    HELD = "Held"
    PAUSED = "RolloutPaused"
    NO_DATA = "NoData"
    STEP_PASSED = "StepPassed"
    STEP_SKIPPED = "StepSkipped"
    # promotion
    SHIFTING = "ShiftingTraffic"
    WATCHING = "Watching"
    ABSORBING = "Absorbing"
    SETTLING = "Settling"
    PROMOTED = "Promoted"
    RESTARTING = "RestartingStable"
    # the way back
    HARM_FOUND = "HarmFound"
    CANARY_CRASHING = "CanaryCrashLooping"
    CANARY_LOST = "CanaryLost"
    PROGRESS_DEADLINE = "ProgressDeadlineExceeded"
    NO_EVIDENCE = "NoEvidence"
    ABORTED = "AbortedByPerson"
    SUPERSEDED = "Superseded"
    WITHDRAWN = "Withdrawn"
    QUEUED = "Queued"
    RETREATING = "Retreating"
    REVERTING = "Reverting"
    ROLLED_BACK = "RolledBack"
    # repairs
    FOREIGN_WEIGHT = "ForeignWeightRepaired"
    ESCAPED = "UnheldEditStopped"
    STABLE_LOST = "StableReplicaSetRecreated"
    FLOOR = "CapacityFloorHeld"
    WRITE_REFUSED = "WriteRefused"
    # leaving
    LEAVING = "Leaving"
    NAMESPACE_ENDING = "NamespaceTerminating"
    # people
    SIGNOFF_APPLIED = "SignoffApplied"
    SIGNOFF_REFUSED = "SignoffRefused"


MEANING: dict[Reason, str] = {
    Reason.STABLE: "One version serves and nothing is proposed.",
    Reason.REJECTED: "The template in the Deployment was taken back: edit it, or sign a Retry.",
    Reason.SCALED_TO_ZERO: "The workload has no replicas; the run waits until it is scaled up.",
    Reason.WORKLOAD_MISSING: "The Deployment named by the Rollout does not exist.",
    Reason.ADOPTION_BLOCKED: "A rolling update is in flight; adoption waits for its end.",
    Reason.REGISTERING: "The finalizer is set before anything of the user's is touched.",
    Reason.ADOPTED: "The Deployment was adopted; its running template is stable.",
    Reason.RECREATED: "The Deployment is a new object under the old name; it was adopted afresh.",
    Reason.TAKEN: "Another Rollout governs this Deployment.",
    Reason.TRAFFIC_TAKEN: "Another Rollout has this Service or route.",
    Reason.INVALID: "The Rollout or the AnalysisTemplate breaks a rule; nothing starts with it.",
    Reason.USABLE: "The AnalysisTemplate can judge releases.",
    Reason.TRAFFIC_MISSING: "The Service or a route is missing, or sends to none of the pods.",
    Reason.ANALYSIS_MISSING: "An AnalysisTemplate does not exist, or cannot be used.",
    Reason.UNPINNED_SERVICE: "Another Service would select the canary's pods.",
    Reason.CANARY_NAME_TAKEN: "An object of the owner's has a name that the canary needs.",
    Reason.UNSEEN: "A kind of object cannot be listed or followed; nothing goes forward.",
    Reason.PROPOSED: "A new template was proposed and recorded as a Change.",
    Reason.CANARY_STARTING: "The canary's pods are not ready yet.",
    Reason.ROUTE_PENDING: "The weight is written; the router does not show it yet.",
    Reason.GATHERING: "Evidence is gathered at this weight.",
    Reason.HELD: "A person holds the weight.",
    Reason.PAUSED: "spec.paused holds the weight.",
    Reason.NO_DATA: "A metric gives no data; the weight holds.",
    Reason.STEP_PASSED: "Harm beyond the margin is excluded at this weight.",
    Reason.STEP_SKIPPED: "A person let the release pass this step.",
    Reason.SHIFTING: "The canary grows to full size and takes the traffic.",
    Reason.WATCHING: "The canary serves; the holdback stays on stable as a control.",
    Reason.ABSORBING: "The Deployment updates itself to the new template.",
    Reason.SETTLING: "Traffic is back on the Deployment; the canary drains.",
    Reason.PROMOTED: "The new template is stable.",
    Reason.RESTARTING: "Only the restart annotation changed; stable restarts without a ladder.",
    Reason.HARM_FOUND: "The evidence of harm crossed its threshold.",
    Reason.CANARY_CRASHING: "A container of the canary crashes again and again.",
    Reason.CANARY_LOST: "Under traffic no canary pod is ready, or the router does not find it.",
    Reason.PROGRESS_DEADLINE: "Pods, a router or an absorb took over limits.progressDeadline.",
    Reason.NO_EVIDENCE: "limits.hold passed without enough evidence.",
    Reason.ABORTED: "A person aborted the release.",
    Reason.SUPERSEDED: "A newer edit replaced the release in hand.",
    Reason.QUEUED: "A newer edit waits for the end of the release in hand (limits.supersede).",
    Reason.WITHDRAWN: "The author went back to the stable template.",
    Reason.RETREATING: "Weight 0; the canary drains and goes.",
    Reason.REVERTING: "The Deployment goes back to the stable template.",
    Reason.ROLLED_BACK: "The release was taken back.",
    Reason.FOREIGN_WEIGHT: "Somebody changed the route's weight or took off a pin; it is set back.",
    Reason.ESCAPED: "An edit began to roll without the hold; it was paused and emptied.",
    Reason.STABLE_LOST: "The stable ReplicaSet was gone; it was recreated from its revision.",
    Reason.FLOOR: "Stable is kept large enough to take all traffic back.",
    Reason.WRITE_REFUSED: "The API server refused a write of ours; the release gets no further.",
    Reason.LEAVING: "The Rollout is being deleted; route, canary and Deployment are restored.",
    Reason.NAMESPACE_ENDING: "The namespace is terminating; everything is let go.",
    Reason.SIGNOFF_APPLIED: "A sign-off was acted on.",
    Reason.SIGNOFF_REFUSED: "A sign-off does not apply; its status says why.",
}

TO_BE_MENDED = frozenset(
    {
        Reason.INVALID, Reason.TRAFFIC_MISSING, Reason.ANALYSIS_MISSING, Reason.UNPINNED_SERVICE,
        Reason.CANARY_NAME_TAKEN, Reason.TRAFFIC_TAKEN,
    }
)  # fmt: skip
"""What is wrong with what a release refers to: a person must mend it."""

WARNINGS = TO_BE_MENDED | frozenset(
    {
        Reason.WORKLOAD_MISSING, Reason.ADOPTION_BLOCKED, Reason.TAKEN, Reason.NO_DATA,
        Reason.HARM_FOUND, Reason.CANARY_CRASHING, Reason.CANARY_LOST, Reason.PROGRESS_DEADLINE,
        Reason.NO_EVIDENCE, Reason.ROLLED_BACK, Reason.FOREIGN_WEIGHT, Reason.ESCAPED,
        Reason.WRITE_REFUSED, Reason.STABLE_LOST, Reason.SIGNOFF_REFUSED, Reason.RECREATED,
    }
)  # fmt: skip
"""Reasons whose events are of type Warning."""
