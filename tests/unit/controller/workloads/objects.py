"""Objects as the API server gives them, as plain documents, and what a patch makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from controller.api.k8s import Deployment, ReplicaSet
from controller.api.meta import Object
from controller.kube.memory_patch import json_patch

T = TypeVar("T", bound=Object)
Doc = dict[str, Any]
LABEL = "blastdoor.dev/rollout"
UID = "uid-checkout"


def read(document: Mapping[str, Any], of: type[T]) -> T:
    """The document as our structs see it."""
    return msgspec.json.decode(msgspec.json.encode(document), type=of)


def patched(document: Doc, operations: Sequence[Mapping[str, Any]]) -> Doc:
    """The document after a patch that went over the wire."""
    result: Doc = json_patch(document, msgspec.json.decode(msgspec.json.encode(list(operations))))
    return result


def raw(document: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document))


def template(image: str = "shop:v1", **labels: str) -> Doc:
    return {
        "metadata": {"labels": {"app": "checkout", **labels}},
        "spec": {"containers": [{"name": "shop", "image": image}]},
    }


def deployment(
    pods: Doc | None = None, *, replicas: int = 3, labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Doc:  # fmt: skip
    metadata = {"name": "checkout", "namespace": "shop", "uid": UID, "generation": 4}
    return {
        "metadata": {**metadata, **({"labels": dict(labels)} if labels else {})},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "checkout"}},
            "template": pods or template(),
            **spec,
        },
        "status": {
            "observedGeneration": 4,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
        },
    }


def replicaset(
    hash_: str, pods: Doc | None = None, *, replicas: int = 3, left: int | None = None,
    owner: str = UID, made: str = "2026-11-01T00:00:00Z",
) -> Doc:  # fmt: skip
    pods = pods or template()
    hashed = {**pods["metadata"]["labels"], "pod-template-hash": hash_}
    return {
        "metadata": {
            "name": f"checkout-{hash_}",
            "namespace": "shop",
            "labels": hashed,
            "creationTimestamp": made,
            "ownerReferences": [{"kind": "Deployment", "uid": owner, "controller": True}],
        },
        "spec": {
            "replicas": replicas,
            "template": {**pods, "metadata": {**pods["metadata"], "labels": hashed}},
        },
        "status": {"replicas": replicas if left is None else left},
    }


def a_deployment(*args: Any, **kwargs: Any) -> Deployment:
    return read(deployment(*args, **kwargs), Deployment)


def a_replicaset(*args: Any, **kwargs: Any) -> ReplicaSet:
    return read(replicaset(*args, **kwargs), ReplicaSet)
