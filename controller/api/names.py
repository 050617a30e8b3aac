"""Every label, annotation, finalizer and account name that crosses a process border: stable API."""

from __future__ import annotations

from typing import Final

GROUP: Final = "blastdoor.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
FIELD_MANAGER: Final = "blastdoor"
"""Our name in `metadata.managedFields`."""

OPERATOR_NAMESPACE: Final = "blastdoor-system"
OPERATOR_ACCOUNT: Final = f"system:serviceaccount:{OPERATOR_NAMESPACE}:blastdoor"
PROBE_ACCOUNT: Final = f"system:serviceaccount:{OPERATOR_NAMESPACE}:blastdoor-probe"
PROBE_DEPLOYMENT: Final = "blastdoor-probe"
"""Zero-replica labelled Deployment in the operator's namespace that the hold probe dry-runs."""

ROLLOUT_LABEL: Final = f"{GROUP}/rollout"
"""On an adopted Deployment, its stable ReplicaSet and every object that we create: the Rollout."""
ROLE_LABEL: Final = f"{GROUP}/role"
"""On what we create for a run: `canary`. On the ReplicaSet that serves: `stable`."""
CHANGE_LABEL: Final = f"{GROUP}/change"
ORIGIN_LABEL: Final = f"{GROUP}/ai-origin"
"""On the pod template: human | assisted | generated | autonomous."""
HASH_LABEL: Final = "pod-template-hash"

ABORTED_ANNOTATION: Final = f"{GROUP}/aborted"
"""On a route: UID of the Change that was taken back, and as what (`api.mark`).

Such a route is never raised for it again."""
ROUTE_ORIGINAL_ANNOTATION: Final = f"{GROUP}/original-weights"
"""On a route during a run: the owner's weights, to be restored."""
FLOOR_ANNOTATION: Final = f"{GROUP}/original-min-replicas"
"""On an HPA whose `minReplicas` we raised to the capacity floor: the owner's value."""
LEFT_PAUSED_ANNOTATION: Final = f"{GROUP}/left-paused"
"""On a Deployment that we left with a proposal that is not stable: why it is still paused."""
WHAT_ANNOTATION: Final = f"{GROUP}/what"
WHY_ANNOTATION: Final = f"{GROUP}/why"
ROLLBACK_ANNOTATION: Final = f"{GROUP}/rollback"
COMMITS_ANNOTATION: Final = f"{GROUP}/commits"
PRINCIPAL_ANNOTATION: Final = f"{GROUP}/principal"
INCIDENT_ANNOTATION: Final = f"{GROUP}/incident"
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"

FINALIZER: Final = f"{GROUP}/leave"
"""On a Rollout: the route is restored and the canary removed before it may go."""

ROLE_CANARY: Final = "canary"
ROLE_STABLE: Final = "stable"
ROLE_TARGET: Final = "target"
"""On a ControllerRevision: the template of a run in hand, kept while a newer edit may come."""

WEIGHT_SCALE: Final = 10_000
"""Route weights are written in ten-thousandths, so that 0.01% can be said."""
