"""The envelope that every Kubernetes object shares, as narrow structs.

Unknown fields are dropped on decoding, so none of these objects may ever be PUT back: all writes
are patches of the fields that we own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

RawJson = msgspec.Raw


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Frozen, camelCase on the wire, defaults left out when encoded."""


class OwnerReference(Struct, frozen=True):
    """Who owns an object; `controller` marks the one that manages it."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Struct, frozen=True):
    """What we read of `metadata`."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()


class Object(Struct, frozen=True):
    """Any object: subclasses add `spec` and `status`."""

    metadata: ObjectMeta = ObjectMeta()

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """`metadata.namespace`, empty for cluster-scoped objects."""
        return self.metadata.namespace

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return Key(self.metadata.namespace, self.metadata.name)


class Key(msgspec.Struct, frozen=True, order=True):
    """Namespace and name of an object; the namespace is empty for cluster-scoped ones."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Condition(Struct, frozen=True, omit_defaults=False):
    """A standard condition, as `kubectl wait --for=condition=...` reads it."""

    type: Annotated[str, Meta(description="What it speaks of, as Ready.")]
    status: Annotated[str, Meta(description="True, False or Unknown.")]
    reason: Annotated[str, Meta(description="CamelCase reason, stable API.")]
    message: Annotated[str, Meta(description="The reason in a sentence.")] = ""
    last_transition_time: Annotated[
        datetime | None, Meta(description="Since when the status is so.")
    ] = None
    observed_generation: Annotated[
        int, Meta(description="Generation of the spec that this speaks of.")
    ] = 0


class LabelSelector(Struct, frozen=True):
    """`matchLabels`, and `matchExpressions` kept as they came."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[dict[str, Any], ...] = ()
