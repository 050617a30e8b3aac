"""The objects of a canary, as bodies for server-side apply: its Deployment and its Service.

Called by act. They carry no owner reference: deleting their owner in the foreground would kill them
while they carry traffic. They are found by label, and the Rollout's finalizer removes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from controller.api import names
from controller.api.k8s import Deployment, Service, ServicePort
from controller.workloads.arms import Arm, canary_name, pod_labels
from controller.workloads.template import digest, digest_of, with_labels

DIGEST_ANNOTATION: Final = f"{names.GROUP}/digest"
"""On the canary Deployment: digest of the proposal that it runs (its labels give it another)."""


def canary_template(template: msgspec.Raw, arm: Arm) -> dict[str, Any]:
    """The proposed template with the canary's labels, in a form that server-side apply takes."""
    document = with_labels(template, pod_labels(template, arm))
    spec = dict(document.get("spec") or {})
    for kind in ("containers", "initContainers"):
        if spec.get(kind):
            spec[kind] = [_without_repeated_env(container) for container in spec[kind]]
    return {**document, "spec": spec}


def canary_deployment(
    deployment: Deployment,
    arm: Arm,
    template: msgspec.Raw,
    replicas: int,
    progress_deadline_s: int,
) -> dict[str, Any]:
    """The canary Deployment of a proposed template, to be applied."""
    owned: dict[str, Any] = {
        "replicas": replicas,
        "progressDeadlineSeconds": progress_deadline_s,
        "minReadySeconds": deployment.spec.min_ready_seconds,
        "revisionHistoryLimit": 0,
        "selector": {"matchLabels": _selector(deployment, arm)},
        "template": canary_template(template, arm),
    }
    if deployment.spec.strategy:
        owned["strategy"] = dict(deployment.spec.strategy)
    metadata = {
        "name": canary_name(deployment.name),
        "namespace": deployment.namespace,
        "labels": arm.labels,
        "annotations": {DIGEST_ANNOTATION: digest(template)},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": owned}


def canary_service(service: Service, arm: Arm) -> dict[str, Any]:
    """The canary's Service: the apex's ports, the canary's pods, reachable inside the cluster."""
    spec: dict[str, Any] = {
        "type": "ClusterIP",
        "selector": service_selector(service, arm),
        "ports": [_port(port) for port in service.spec.ports],
    }
    if service.spec.cluster_ip == "None":
        spec["clusterIP"] = "None"
    metadata = {
        "name": canary_name(service.name),
        "namespace": service.namespace,
        "labels": arm.labels,
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def service_selector(apex: Service, arm: Arm) -> dict[str, str]:
    """By what the canary's Service selects its pods."""
    return _moved(apex.spec.selector, arm)


def proposal_digest(canary: Deployment) -> str:
    """Digest of the proposal that a canary Deployment runs; empty when it does not say."""
    return canary.metadata.annotations.get(DIGEST_ANNOTATION, "")


def intact(canary: Deployment, deployment: Deployment, arm: Arm, template: msgspec.Raw) -> bool:
    """Whether the canary still is what we applied for this proposal (replicas aside)."""
    return (
        not canary.spec.paused
        and canary.spec.selector.match_labels == _selector(deployment, arm)
        and all(canary.metadata.labels.get(key) == value for key, value in arm.labels.items())
        and digest(canary.spec.template) == digest_of(canary_template(template, arm))
    )


def service_intact(canary: Service, apex: Service, arm: Arm, template: msgspec.Raw) -> bool:
    """Whether the canary's Service selects and listens as we apply it; what somebody added to it
    takes nothing away.

    Nor is it mended while that would lose the canary's pods: the apex selects by something that
    they do not have, and a Block says so.
    """
    selector = service_selector(apex, arm)
    ports = {(p.port, p.protocol): _listens(p) for p in canary.spec.ports}
    return not selector.items() <= pod_labels(template, arm).items() or (
        canary.spec.selector == selector
        and all(ports.get((p.port, p.protocol)) == _listens(p) for p in apex.spec.ports)
    )


def _listens(port: ServicePort) -> tuple[str, int | str, str]:
    return port.name, port.target_port or port.port, port.app_protocol


def _selector(deployment: Deployment, arm: Arm) -> dict[str, str]:
    return _moved(deployment.spec.selector.match_labels, arm)


def _moved(selector: Mapping[str, str], arm: Arm) -> dict[str, str]:
    """A selector of stable pods as one of the canary's pods only."""
    canary = arm.over(selector)
    return {key: canary[key] for key in (*selector, names.ROLE_LABEL)}


def _port(port: ServicePort) -> dict[str, Any]:
    # The protocol is part of the key by which server-side apply tells ports apart.
    return {**msgspec.to_builtins(port), "protocol": port.protocol}


def _without_repeated_env(container: Mapping[str, Any]) -> dict[str, Any]:
    """The last of several variables of one name, the one that counts: apply refuses repetition."""
    env: Iterable[Mapping[str, Any]] | None = container.get("env")
    if not env:
        return dict(container)
    last = {str(variable.get("name")): index for index, variable in enumerate(env)}
    kept = [v for index, v in enumerate(env) if last[str(v.get("name"))] == index]
    return {**container, "env": kept}
