"""The hold and the lock of adopted Deployments, as admission functions of the cluster in memory.

The same rules as the admission policies of the manifests, sentence by sentence: an edit of an
adopted template by anyone else becomes the same edit, paused; and nobody but the operator and the
cluster's own machinery unpauses, deletes or writes ReplicaSets. Pure; the contract tests hold both
to the same answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from controller.api.names import OPERATOR_ACCOUNT, ROLLOUT_LABEL
from controller.kube.memory_admission import Admission, AdmissionRequest, Denied
from controller.kube.memory_patch import copy_json, same_json

_KUBE_SYSTEM: Final = "system:serviceaccount:kube-system:"
MACHINERY: Final = frozenset(
    {
        "system:kube-controller-manager",
        f"{_KUBE_SYSTEM}deployment-controller",
        f"{_KUBE_SYSTEM}replicaset-controller",
        f"{_KUBE_SYSTEM}horizontal-pod-autoscaler",
        f"{_KUBE_SYSTEM}generic-garbage-collector",
        f"{_KUBE_SYSTEM}namespace-controller",
    }
)
_DEPLOYMENTS: Final = "deployments"
_LOCKED: Final = frozenset({_DEPLOYMENTS, "replicasets"})
_DELETED: Final = (
    "is governed by a Rollout; delete the Rollout first, which leaves everything as it serves"
)
_WRITTEN: Final = "is written by its Deployment only; edit the Deployment"
_UNLABELLED: Final = "must keep its label blastdoor.dev/rollout; delete the Rollout to release it"
_UNPAUSED: Final = (
    "is unpaused by its Rollout when its evidence allows;"
    " the proposal is already pending and nothing needs doing"
)
_NOT_HELD: Final = (
    "the hold is not in force, so this edit would run at once;"
    " set spec.paused: true in the same edit"
)
_POLICY: Final = "ValidatingAdmissionPolicy 'blastdoor-lock' with binding 'blastdoor-lock'"


def hold_and_lock(operator: str = OPERATOR_ACCOUNT) -> list[Admission]:
    """Both, in the order in which a server asks: first who changes, then who refuses."""

    def hold(request: AdmissionRequest) -> AdmissionRequest | Denied:
        return _hold(request) if request.user != operator else request

    def lock(request: AdmissionRequest) -> AdmissionRequest | Denied:
        refusal = _lock(request) if request.user not in MACHINERY | {operator} else ""
        return Denied(f"{_POLICY} denied request: {refusal}") if refusal else request

    return [hold, lock]


def _hold(request: AdmissionRequest) -> AdmissionRequest:
    """`blastdoor-hold`: the label stays, and an edited template is paused."""
    old, new = request.old, request.object
    if (
        request.operation != "UPDATE"
        or not _concerns(request, frozenset({_DEPLOYMENTS}))
        or old is None
        or new is None
        or ROLLOUT_LABEL not in _labels(old)
    ):
        return request
    held: dict[str, Any] = copy_json(new)
    held["metadata"].setdefault("labels", {})[ROLLOUT_LABEL] = _labels(old)[ROLLOUT_LABEL]
    held["spec"]["paused"] = _edited(request) or _paused(new)
    return dataclasses.replace(request, object=held)


def _lock(request: AdmissionRequest) -> str:
    """`blastdoor-lock`: why the request is refused; empty when it is not."""
    if not _concerns(request, _LOCKED) or request.operation == "CREATE":
        return ""
    is_deployment = request.resource.plural == _DEPLOYMENTS
    kind = "deployment" if is_deployment else "replicaset"
    name = f"LockedWorkload: {kind} {request.key.namespace}/{request.key.name}"
    if request.operation == "DELETE":
        return f"{name} {_DELETED}" if ROLLOUT_LABEL in _labels(request.old) else ""
    if is_deployment:
        why = _edit_refused(request)
        return f"{name}{why}" if why else ""
    old, new = request.old or {}, request.object or {}
    return "" if same_json(old.get("spec"), new.get("spec")) else f"{name} {_WRITTEN}"


def _edit_refused(request: AdmissionRequest) -> str:
    """The rules for an edit of a Deployment, in the order of the policy."""
    old, new = request.old or {}, request.object or {}
    marked = _labels(old).get(ROLLOUT_LABEL)
    if marked is not None and _labels(new).get(ROLLOUT_LABEL) != marked:
        return f" {_UNLABELLED}"
    if _paused(old) and not _paused(new):
        return f" {_UNPAUSED}"
    if _edited(request) and not _paused(new):
        return f": {_NOT_HELD}"
    return ""


def _concerns(request: AdmissionRequest, plurals: frozenset[str]) -> bool:
    """Resource rule and object selector: no subresource; the label before or after."""
    return (
        request.resource.group == "apps"
        and request.resource.plural in plurals
        and not request.subresource
        and any(ROLLOUT_LABEL in _labels(body) for body in (request.old, request.object))
    )


def _labels(body: Mapping[str, Any] | None) -> Mapping[str, str]:
    return ((body or {}).get("metadata") or {}).get("labels") or {}


def _paused(body: Mapping[str, Any]) -> bool:
    return bool(body["spec"].get("paused"))


def _edited(request: AdmissionRequest) -> bool:
    old, new = request.old or {}, request.object or {}
    return not same_json(old["spec"]["template"], new["spec"]["template"])
