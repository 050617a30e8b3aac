"""Services and EndpointSlices -> Envoy's clusters and where each sends its requests.

Pure. A pod that is not ready gets no request; when none of a Service is ready, those that still
serve while they terminate do, as kube-proxy does it. Called by `gateway`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from controller.api.k8s import (
    BackendRef,
    Endpoint,
    EndpointSlice,
    HTTPRoute,
    Service,
    ServicePort,
)
from controller.api.meta import Key
from controller.local.addresses import process_address
from controller.local.envoy_config import Backend
from controller.local.envoy_routes import Problem

SERVICE_NAME_LABEL: Final = "kubernetes.io/service-name"


def cluster_name(service: Service, port: ServicePort) -> str:
    """`<namespace>/<service>`, with `:<port>` for any but the first port."""
    first = port == service.spec.ports[0]
    return f"{service.key}" if first else f"{service.key}:{port.port}"


def clusters(
    services: Iterable[Service], slices: Iterable[EndpointSlice]
) -> Mapping[str, tuple[Backend, ...]]:
    """Every port of every Service, referenced or not, so that a route never waits for a cluster."""
    of_service: dict[Key, list[EndpointSlice]] = {}
    for one in slices:
        owner = Key(one.namespace, one.metadata.labels.get(SERVICE_NAME_LABEL, ""))
        of_service.setdefault(owner, []).append(one)
    return {
        cluster_name(service, port): _backends(port, of_service.get(service.key, ()))
        for service in services
        for port in service.spec.ports
    }


def resolve(services: Mapping[Key, Service], route: HTTPRoute, ref: BackendRef) -> str | Problem:
    """The cluster of a route's backend, or the reason that the Gateway API has for its absence."""
    if ref.kind != "Service" or ref.group:
        return Problem("InvalidKind", f"backend {ref.name} is a {ref.kind}; served are Services")
    if ref.namespace not in ("", route.namespace):
        return Problem("RefNotPermitted", f"backend {ref.namespace}/{ref.name}: other namespace")
    service = services.get(Key(route.namespace, ref.name))
    if service is None:
        return Problem("BackendNotFound", f"there is no Service {route.namespace}/{ref.name}")
    for port in service.spec.ports:
        if ref.port in (0, port.port):
            return cluster_name(service, port)
    return Problem("BackendNotFound", f"Service {service.key} has no port {ref.port}")


def _backends(port: ServicePort, slices: Iterable[EndpointSlice]) -> tuple[Backend, ...]:
    ready: set[Backend] = set()
    leaving: set[Backend] = set()
    for one in slices:
        numbers = [listed.port for listed in one.ports if listed.name == port.name]
        if not numbers:
            continue
        for endpoint in one.endpoints:
            chosen = ready if _ready(endpoint) else leaving if _leaving(endpoint) else None
            if chosen is not None:
                chosen.update(Backend(process_address(ip), numbers[0]) for ip in endpoint.addresses)
    return tuple(sorted(ready or leaving))


def _ready(endpoint: Endpoint) -> bool:
    return endpoint.conditions.ready is not False  # absent means ready, says the API


def _leaving(endpoint: Endpoint) -> bool:
    return bool(endpoint.conditions.serving and endpoint.conditions.terminating)
