"""What an API server decides about the content of a write, as pure functions of old and new.

Which part of a request counts (a status write changes the status only), what the system sets
itself, when a generation is new, and the refusals on which our rules rest. Called by
`memory_server`; raises the errors of `port.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from controller.api.meta import Key
from controller.api.resources import Resource
from controller.kube import memory_schema as schema
from controller.kube.memory_patch import copy_json, same_json
from controller.kube.port import Conflict, Invalid, NotFound
from controller.kube.selectors import parse_selector, selects

Body = dict[str, Any]

_SYSTEM: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
"""Metadata that no client sets."""
_CLIENT: Final = ("labels", "annotations", "ownerReferences", "finalizers", "generateName")
_KEEPS_STATUS_AT_BIRTH: Final = frozenset({"nodes"})
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_LABEL_NAMED: Final = frozenset({"services", "namespaces"})
_SELECTING: Final = frozenset({"deployments", "replicasets"})


def check_preconditions(resource: Resource[Any], key: Key, old: Body, proposed: Body) -> None:
    """A version in the request must be the present one (Conflict), and so a uid (Invalid)."""
    metadata = proposed.get("metadata") or {}
    asked = str(metadata.get("resourceVersion") or "")
    if asked and asked != old["metadata"]["resourceVersion"]:
        raise Conflict(
            409,
            "Conflict",
            f'Operation cannot be fulfilled on {resource} "{key.name}": the object has been'
            " modified; please apply your changes to the latest version and try again",
        )
    if (uid := metadata.get("uid")) and uid != old["metadata"]["uid"]:
        _refuse(resource, old, "metadata.uid", f"Invalid value: {uid}: field is immutable")


def check_name(resource: Resource[Any], name: str) -> None:
    """A name is a DNS subdomain; that of a Service or a Namespace a DNS label."""
    label = resource.plural in _LABEL_NAMED
    pattern, most = (_LABEL, 63) if label else (_SUBDOMAIN, 253)
    if len(name) > most or not pattern.fullmatch(name):
        body = {"metadata": {"name": name}}
        _refuse(resource, body, "metadata.name", f"Invalid value: {name!r}: no DNS name")


def newborn(resource: Resource[Any], body: Mapping[str, Any]) -> Body:
    """The client's part of a body that is to be created."""
    asked = body.get("metadata") or {}
    if asked.get("resourceVersion"):
        raise Invalid(400, "BadRequest", "resourceVersion should not be set on objects to create")
    made = copy_json(dict(body))
    made["apiVersion"], made["kind"] = resource.api_version, resource.kind
    made["metadata"] = {key: made["metadata"][key] for key in _CLIENT if asked.get(key)}
    if schema.has_status(resource) and resource.plural not in _KEEPS_STATUS_AT_BIRTH:
        made.pop("status", None)
    return dict(made)


def counted(resource: Resource[Any], old: Body, proposed: Body, subresource: str) -> Body:
    """The new body: of the request only what its path may change, the rest as it was."""
    match subresource:
        case "":
            return _whole(resource, old, proposed)
        case "status" if schema.has_status(resource):
            return _status(resource, old, proposed)
        case "scale" if schema.has_scale(resource):
            body: Body = copy_json(old)
            body["spec"]["replicas"] = proposed["spec"]["replicas"]
            return body
        case _:
            raise NotFound(404, "NotFound", "the server could not find the requested resource")


def scale_of(body: Mapping[str, Any]) -> Body:
    """What `/scale` answers: a Scale, in which everything but the two counts is missing."""
    status = body.get("status") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {key: body["metadata"][key] for key in kept if key in body["metadata"]},
        "spec": {"replicas": body["spec"]["replicas"]},
        "status": {"replicas": status.get("replicas", 0)},
    }


def _whole(resource: Resource[Any], old: Body, proposed: Body) -> Body:
    body = {**proposed, "apiVersion": old["apiVersion"], "kind": old["kind"]}
    asked = proposed.get("metadata") or {}
    system = {key: old["metadata"][key] for key in _SYSTEM if key in old["metadata"]}
    client = {key: asked[key] for key in _CLIENT if asked.get(key)}
    body["metadata"] = system | client
    if schema.has_status(resource):
        body.pop("status", None)
        if "status" in old:
            body["status"] = copy_json(old["status"])
    return body


def _status(resource: Resource[Any], old: Body, proposed: Body) -> Body:
    body: Body = copy_json(old)
    body["status"] = proposed.get("status") or {}
    if resource.plural == "deployments":
        # The registry resets spec and labels only; the controller writes its revision this way.
        annotations = (proposed.get("metadata") or {}).get("annotations")
        body["metadata"].pop("annotations", None)
        if annotations:
            body["metadata"]["annotations"] = annotations
    return body


def renew_generation(resource: Resource[Any], old: Body, new: Body, subresource: str) -> None:
    """A changed desire is a new generation; a status write never is."""
    if subresource == "status" or not schema.has_generation(resource):
        return
    if not same_json(schema.desired(resource, old), schema.desired(resource, new)):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def check_content(resource: Resource[Any], old: Body | None, new: Body) -> None:
    """The refusals of the registry that a release tool can run into."""
    if old is not None and old["metadata"].get("deletionTimestamp") and _finalizers(new, old):
        _refuse(resource, new, "metadata.finalizers", "no new finalizers while being deleted")
    if resource.plural in _SELECTING and resource.group == "apps":
        _check_workload(resource, old, new)


def _finalizers(new: Body, old: Body) -> set[str]:
    """Finalizers that the new body has and the old one had not."""
    before = old["metadata"].get("finalizers") or ()
    return set(new["metadata"].get("finalizers") or ()) - set(before)


def _check_workload(resource: Resource[Any], old: Body | None, new: Body) -> None:
    spec = new["spec"]
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not spec.get("selector"):
        _refuse(resource, new, "spec.selector", "Required value")
    if old is not None and not same_json(old["spec"]["selector"], spec["selector"]):
        _refuse(resource, new, "spec.selector", "Invalid value: field is immutable")
    if not selects(parse_selector(",".join(f"{k}={v}" for k, v in wanted.items())), labels):
        _refuse(
            resource,
            new,
            "spec.template.metadata.labels",
            f"Invalid value: {labels}: `selector` does not match template `labels`",
        )
    if not isinstance(spec["replicas"], int) or spec["replicas"] < 0:
        _refuse(resource, new, "spec.replicas", "Invalid value: must be 0 or more")
    if not spec["template"].get("spec", {}).get("containers"):
        _refuse(resource, new, "spec.template.spec.containers", "Required value")


def _refuse(resource: Resource[Any], body: Body, field: str, problem: str) -> None:
    name = body["metadata"].get("name", "")
    raise Invalid(422, "Invalid", f'{resource.kind} "{name}" is invalid: {field}: {problem}')
