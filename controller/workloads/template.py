"""A pod template as a value: what identifies it, what runs in it, what a restart edit is.

Called by facts and by the rest of workloads/. The template arrives as raw bytes; no dict made of
it leaves this package but as the body of a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from controller.api import names

DIGEST_LENGTH: Final = 16
"""Hex digits of a digest: 64 bits, far beyond the templates that one Deployment ever sees."""

_canonical = msgspec.json.Encoder(order="deterministic")


def content(template: msgspec.Raw) -> dict[str, Any]:
    """The template as plain data without the hash label: as the Deployment holds it."""
    document: dict[str, Any] = msgspec.json.decode(template)
    labels = document.get("metadata", {}).get("labels")
    if labels:
        labels.pop(names.HASH_LABEL, None)
    return document


def digest(template: msgspec.Raw) -> str:
    """16 hex digits that identify the template, whatever the order of keys and the hash label."""
    return digest_of(content(template))


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest of a template that is plain data already."""
    metadata = dict(document.get("metadata") or {})
    # Servers before 1.34 write `creationTimestamp: null` here, later ones nothing; an upgrade of
    # the cluster must not look like an edit. An empty map means the same as none.
    metadata = {key: value for key, value in metadata.items() if value not in (None, {}, "")}
    same = {**document, "metadata": metadata}
    return sha256(_canonical.encode(same)).hexdigest()[:DIGEST_LENGTH]


def labels_of(template: msgspec.Raw) -> dict[str, str]:
    """Labels of the template's pods, without the hash label."""
    return dict(content(template).get("metadata", {}).get("labels") or {})


def annotations_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Annotations of a template that is plain data."""
    return dict(document.get("metadata", {}).get("annotations") or {})


def with_labels(template: msgspec.Raw, labels: Mapping[str, str]) -> dict[str, Any]:
    """The template as plain data with these labels over its own."""
    document = content(template)
    metadata = {k: v for k, v in (document.get("metadata") or {}).items() if v is not None}
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    return {**document, "metadata": metadata}


def only_restart_differs(a: msgspec.Raw, b: msgspec.Raw) -> bool:
    """Whether `kubectl rollout restart` is all that lies between the two: no ladder is needed."""
    return digest(a) != digest(b) and digest_of(_unrestarted(a)) == digest_of(_unrestarted(b))


def images(template: msgspec.Raw) -> tuple[str, ...]:
    """Images of the init containers and the containers, in their order."""
    spec = content(template).get("spec") or {}
    containers = (spec.get("initContainers") or []) + (spec.get("containers") or [])
    return tuple(str(container.get("image", "")) for container in containers)


def _unrestarted(template: msgspec.Raw) -> dict[str, Any]:
    document = content(template)
    annotations = annotations_of(document)
    annotations.pop(names.RESTARTED_AT, None)
    return {**document, "metadata": {**document.get("metadata", {}), "annotations": annotations}}
