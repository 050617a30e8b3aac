"""The new ReplicaSet of a Deployment: its body, its revision, and the annotations that it copies.

Pure, after `getNewReplicaSet` and `SetNewReplicaSetAnnotations` of Kubernetes 1.37. The hash is our
own: it names a template within this cluster and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from controller.api.k8s import Deployment, ReplicaSet
from controller.api.names import HASH_LABEL
from controller.api.resources import DEPLOYMENTS
from controller.local.controllers import sizes
from controller.local.controllers.claims import controller_reference
from controller.local.controllers.sizes import DESIRED, MAX, REVISION

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH: Final = 10
HISTORY: Final = "deployment.kubernetes.io/revision-history"
_NOT_COPIED: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED,
        MAX,
    }
)


def revision_of(one: ReplicaSet) -> int:
    """The revision of a ReplicaSet; 0 when it has none."""
    noted = one.metadata.annotations.get(REVISION, "")
    return int(noted) if noted.isdecimal() else 0


def annotations_for(
    deployment: Deployment, new: ReplicaSet | None, revision: int
) -> dict[str, str]:
    """Annotations of the new ReplicaSet: a revision only ever rises, older ones become history."""
    noted = dict(new.metadata.annotations) if new else {}
    copied = deployment.metadata.annotations.items()
    noted |= {key: value for key, value in copied if key not in _NOT_COPIED}
    before = noted.get(REVISION, "")
    if (int(before) if before.isdecimal() else 0) < revision:
        noted[REVISION] = str(revision)
        if before:
            noted[HISTORY] = ",".join(filter(None, (noted.get(HISTORY, ""), before)))
    return noted


def set_body(deployment: Deployment, revision: int, replicas: int) -> dict[str, Any]:
    """A ReplicaSet of the Deployment's template, told apart from others by the hash label."""
    template = sizes.template_of(deployment)
    name = template_hash(template)
    labels = {**template.get("metadata", {}).get("labels", {}), HASH_LABEL: name}
    template.setdefault("metadata", {})["labels"] = labels
    selector = msgspec.to_builtins(deployment.spec.selector)
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH_LABEL: name}
    wanted = deployment.spec.replicas
    counts = {DESIRED: str(wanted), MAX: str(wanted + sizes.max_surge(deployment))}
    spec = {"replicas": replicas, "selector": selector, "template": template}
    if deployment.spec.min_ready_seconds:
        spec["minReadySeconds"] = deployment.spec.min_ready_seconds
    metadata = {
        "name": f"{deployment.name}-{name}",
        "labels": labels,
        "annotations": annotations_for(deployment, None, revision) | counts,
        "ownerReferences": [controller_reference(deployment, DEPLOYMENTS)],
    }
    return {"metadata": metadata, "spec": spec}


def template_hash(template: Mapping[str, Any]) -> str:
    """A name for a template: equal templates have equal names.

    >>> template_hash({"spec": {}}) == template_hash({"spec": {}}), len(template_hash({}))
    (True, 10)
    """
    digest = hashlib.sha256(msgspec.json.encode(template, order="sorted")).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_HASH_LENGTH])
