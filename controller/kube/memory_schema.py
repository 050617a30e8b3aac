"""What the cluster in memory knows of kinds: lists with keys, subresources, generations.

Tables, read off the OpenAPI description and the registry of Kubernetes 1.37 and off the Gateway
API's CRDs. A kind that is not here is a custom resource: with a status subresource when its struct
has a status, a generation that moves with everything but metadata and status, and atomic lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from controller.api.resources import Resource

Path = tuple[str, ...]

LIST_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
}
"""Lists that server-side apply merges element by element, by the member that holds them."""

SERVICE_PORT_KEYS: Final = ("port", "protocol")
KEY_DEFAULTS: Final = {"protocol": "TCP"}
"""A key that may be left out stands for its default."""

SETS: Final = frozenset({"finalizers"})
"""Lists of distinct scalars."""

_CORE: Final = frozenset({"", "apps", "autoscaling", "networking.k8s.io", "discovery.k8s.io"})
_ATOMIC_LISTS: Final = frozenset({"endpointslices", "networkpolicies"})
"""Kinds whose lists are atomic although a member's name is in LIST_KEYS."""

ATOMIC_MAPS: Final[frozenset[Path]] = frozenset(
    {
        ("spec", "selector"),
        ("spec", "podSelector"),
        ("spec", "nodeSelector"),
        ("spec", "template", "spec", "nodeSelector"),
        ("spec", "scaleTargetRef"),
    }
)

_STATUS: Final = frozenset(
    {"deployments", "replicasets", "pods", "services", "namespaces", "nodes", "httproutes"}
    | {"horizontalpodautoscalers"}
)
_NO_STATUS: Final = frozenset({"endpointslices", "configmaps", "events", "leases"})
_SCALE: Final = frozenset({"deployments", "replicasets"})
_NO_GENERATION: Final = frozenset(
    {"services", "namespaces", "nodes", "configmaps", "events", "leases", "controllerrevisions"}
)

_META_MEMBERS: Final = frozenset({"apiVersion", "kind", "metadata", "status"})


def has_status(resource: Resource[Any]) -> bool:
    """Whether `status` is written through its own subresource only."""
    if resource.group in _CORE or resource.plural in _STATUS:
        return resource.plural in _STATUS
    return resource.plural not in _NO_STATUS and "status" in resource.type.__struct_fields__


def has_scale(resource: Resource[Any]) -> bool:
    """Whether `/scale` exists."""
    return resource.group == "apps" and resource.plural in _SCALE


def has_generation(resource: Resource[Any]) -> bool:
    """Whether `metadata.generation` counts changes of the spec."""
    return resource.plural not in _NO_GENERATION


def is_builtin(resource: Resource[Any]) -> bool:
    """Whether the server knows the type itself: nulls and empty members vanish on the way."""
    return resource.group in _CORE or resource.group == "coordination.k8s.io"


def desired(resource: Resource[Any], body: dict[str, Any]) -> Any:
    """The part of an object whose change makes a new generation.

    A Deployment's annotations belong to it: its controller copies them to ReplicaSets.
    """
    part = {key: value for key, value in body.items() if key not in _META_MEMBERS}
    if resource.group == "apps" and resource.plural == "deployments":
        part["annotations"] = body["metadata"].get("annotations") or {}
    return part


def list_keys(resource: Resource[Any], path: Path) -> tuple[str, ...]:
    """The members that identify an element of the list at `path`; none: the list is atomic."""
    if not path or resource.plural in _ATOMIC_LISTS:
        return ()
    if path == ("spec", "ports") and resource.plural == "services":
        return SERVICE_PORT_KEYS
    if path[0] == "metadata":
        return LIST_KEYS["ownerReferences"] if path == ("metadata", "ownerReferences") else ()
    if path == ("status", "conditions"):
        return LIST_KEYS["conditions"]
    if resource.group not in _CORE or path[-1] == "conditions":
        return ()
    return LIST_KEYS.get(path[-1], ())


def is_set(path: Path) -> bool:
    """Whether the list at `path` is a set of scalars."""
    return len(path) == 2 and path[0] == "metadata" and path[1] in SETS


def is_atomic_map(resource: Resource[Any], path: Path) -> bool:
    """Whether the object at `path` is owned as a whole."""
    return path in ATOMIC_MAPS and resource.group in _CORE


def element_key(keys: Iterable[str], element: dict[str, Any]) -> str:
    """One path member that names an element, as `k:{"name":"web"}` does in managedFields."""
    named = ",".join(f"{key}={element.get(key, KEY_DEFAULTS.get(key))}" for key in keys)
    return f"[{named}]"
