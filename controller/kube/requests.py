"""Each call of the port as an HTTP request value: method, path, query, body.

Pure, so that what is sent can be read and tested without a server. Query parameters without
a value are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from controller.api.names import FIELD_MANAGER
from controller.api.resources import Resource
from controller.kube.port import PatchOp, Propagation

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_MANAGER = {"fieldManager": FIELD_MANAGER}


@dataclass(frozen=True)
class Request:
    """What is asked. `verb` and `resource` name it in metrics, `target` in error texts."""

    method: str
    path: str
    verb: str
    resource: str
    target: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""

    @property
    def what(self) -> str:
        """`patch deployments.apps shop/checkout`."""
        return f"{self.verb} {self.resource} {self.target}".rstrip()

    @property
    def reads(self) -> bool:
        """Whether it can be asked twice without harm."""
        return self.method == "GET"


def get(resource: Resource[Any], namespace: str, name: str) -> Request:
    """Read one object."""
    path = resource.path(namespace, name)
    return Request("GET", path, "get", _label(resource), _target(namespace, name))


def list_page(
    resource: Resource[Any], namespace: str, *, label_selector: str, limit: int, page: str
) -> Request:
    """Read one page of a collection."""
    query = _query(limit=str(limit), labelSelector=label_selector, **{"continue": page})
    path = resource.path(namespace)
    return Request("GET", path, "list", _label(resource), namespace, query)


def watch(
    resource: Resource[Any], namespace: str, *, since: str, label_selector: str, length_s: float
) -> Request:
    """Follow a collection; the server ends the stream after `length_s`."""
    query = _query(
        watch="true",
        allowWatchBookmarks="true",
        resourceVersion=since,
        timeoutSeconds=str(round(length_s)),
        labelSelector=label_selector,
    )
    path = resource.path(namespace)
    return Request("GET", path, "watch", _label(resource), namespace, query)


def create(resource: Resource[Any], namespace: str, body: Mapping[str, Any]) -> Request:
    """Make a new object."""
    name = str(body.get("metadata", {}).get("name", ""))
    return Request(
        "POST",
        resource.path(namespace),
        "create",
        _label(resource),
        _target(namespace, name),
        _MANAGER,
        _manifest(resource, body),
        _JSON,
    )


def apply(
    resource: Resource[Any], namespace: str, name: str, body: Mapping[str, Any], *, force: bool
) -> Request:
    """Server-side apply."""
    manifest = {**body, "metadata": {**body.get("metadata", {}), "name": name}}
    return Request(
        "PATCH",
        resource.path(namespace, name),
        "apply",
        _label(resource),
        _target(namespace, name),
        {**_MANAGER, "force": "true" if force else "false"},
        _manifest(resource, manifest),
        _APPLY,
    )


def patch_json(
    resource: Resource[Any],
    namespace: str,
    name: str,
    operations: Sequence[PatchOp],
    *,
    dry_run: bool,
) -> Request:
    """RFC 6902 patch."""
    return Request(
        "PATCH",
        resource.path(namespace, name),
        "patch",
        _label(resource),
        _target(namespace, name),
        {**_MANAGER, **_query(dryRun="All" if dry_run else "")},
        msgspec.json.encode([dict(operation) for operation in operations]),
        _JSON_PATCH,
    )


def patch_merge(
    resource: Resource[Any],
    namespace: str,
    name: str,
    body: Mapping[str, Any],
    *,
    subresource: str,
) -> Request:
    """RFC 7396 patch of an object or of its status or scale."""
    target = f"{_target(namespace, name)} {subresource}".rstrip()
    path = resource.path(namespace, name, subresource)
    encoded = msgspec.json.encode(dict(body))
    return Request(
        "PATCH", path, "patch", _label(resource), target, _MANAGER, encoded, _MERGE_PATCH
    )


def delete(
    resource: Resource[Any],
    namespace: str,
    name: str,
    *,
    uid: str,
    propagation: Propagation,
    grace_s: int | None,
) -> Request:
    """Delete one object, by preference that very one."""
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": propagation,
    }
    if grace_s is not None:
        options["gracePeriodSeconds"] = grace_s
    if uid:
        options["preconditions"] = {"uid": uid}
    return Request(
        "DELETE",
        resource.path(namespace, name),
        "delete",
        _label(resource),
        _target(namespace, name),
        body=msgspec.json.encode(options),
        content_type=_JSON,
    )


def _manifest(resource: Resource[Any], body: Mapping[str, Any]) -> bytes:
    """The manifest, completed with apiVersion and kind."""
    return msgspec.json.encode({"apiVersion": resource.api_version, "kind": resource.kind, **body})


def _query(**parameters: str) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if value}


def _target(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _label(resource: Resource[Any]) -> str:
    # A resource may name a subresource of one object (`pods/a/binding`): metrics count the kind.
    return str(resource).partition("/")[0]
