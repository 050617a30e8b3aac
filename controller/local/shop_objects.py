"""The sample shop's Kubernetes objects, as a user would write them; pure.

One Deployment, one Service, one HTTPRoute. A version is an image tag, its faults are environment
variables (`shop_faults`). Called by the demo, benchmarks and end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from controller.local import images, probes

NAMESPACE: Final = "shop"
NAME: Final = "checkout"
SERVICE_PORT: Final = 80
GATEWAY: Final = "local"
"""Name of the Gateway that the route names as its parent; the local gateway serves any."""

Manifest = dict[str, Any]


def template(
    version: str,
    *,
    name: str = NAME,
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    image: str = "",
    command: Sequence[str] = (),
) -> Manifest:
    """The pod template of one version; `env` holds its faults."""
    container: Manifest = {
        "name": "shop",
        "image": image or f"{images.PREFIX}{version}",
        "ports": [{"name": "http", "containerPort": probes.DEFAULT_PORT}],
        "env": [{"name": key, "value": value} for key, value in sorted((env or {}).items())],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "periodSeconds": 1,
            "failureThreshold": 2,
        },
    }
    if command:
        container["command"] = list(command)
    metadata: Manifest = {"labels": {"app": name, **(labels or {})}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "metadata": metadata,
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 10},
    }


def deployment(
    pod_template: Manifest,
    *,
    name: str = NAME,
    namespace: str = NAMESPACE,
    replicas: int = 3,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The Deployment; a rolling update never has fewer pods than asked for."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": name},
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": pod_template,
        },
    }


def service(*, name: str = NAME, namespace: str = NAMESPACE, app: str = "") -> Manifest:
    """The Service over the pods of one Deployment."""
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": app or name}, "ports": [port]},
    }


def http_route(
    weights: Mapping[str, int],
    *,
    name: str = NAMESPACE,
    namespace: str = NAMESPACE,
    hostnames: Sequence[str] = (),
) -> Manifest:
    """A route over Services by weight."""
    backends = [
        {"name": backend, "port": SERVICE_PORT, "weight": weight}
        for backend, weight in weights.items()
    ]
    spec: Manifest = {
        "parentRefs": [{"name": GATEWAY}],
        "rules": [{"backendRefs": backends}],
    }
    if hostnames:
        spec["hostnames"] = list(hostnames)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
