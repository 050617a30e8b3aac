"""Envoy's configuration as values: bootstrap, clusters, endpoints, and the envelope of a file.

Pure: it knows Envoy's words and nothing of Kubernetes, files or processes. One cluster is one
port of one Service, named `<namespace>/<service>`, so that Envoy's own counters carry that name.
Nothing is retried, nobody is ejected and no panic routing takes place: what a version answers is
what the shopper sees, and what the weights say is what happens. Called by `envoy` and
`gateway_backends`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Json = Mapping[str, Any]

ROUTES: Final = "routes"
"""Name of the one route configuration."""
STAT_PREFIX: Final = "gateway"
IDLE_UPSTREAM_S: Final = 60
"""Envoy closes an unused connection to a pod before the pod would."""

_TYPE: Final = "type.googleapis.com/envoy."
_CLUSTER: Final = _TYPE + "config.cluster.v3.Cluster"
_ENDPOINTS: Final = _TYPE + "config.endpoint.v3.ClusterLoadAssignment"
_ROUTES: Final = _TYPE + "config.route.v3.RouteConfiguration"
_MANAGER: Final = (
    _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_ROUTER: Final = _TYPE + "extensions.filters.http.router.v3.Router"
_HTTP_OPTIONS: Final = "extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True, order=True)
class Backend:
    """Where one process listens."""

    address: str
    port: int


@dataclass(frozen=True)
class Layout:
    """Where Envoy's files are. Each kind has a folder of its own, so that a swap wakes no other."""

    folder: Path

    @property
    def bootstrap(self) -> Path:
        """The file that Envoy starts with."""
        return self.folder / "bootstrap.json"

    @property
    def clusters(self) -> Path:
        """CDS."""
        return self.folder / "clusters" / "clusters.json"

    @property
    def routes(self) -> Path:
        """RDS."""
        return self.folder / "routes" / "routes.json"

    def endpoints(self, cluster: str) -> Path:
        """EDS of one cluster."""
        return self.folder / "endpoints" / cluster / "endpoints.json"


@dataclass(frozen=True)
class Versioned:
    """The text of a file and the version that Envoy will report once it has taken it."""

    version: str
    text: str


def file_of(resources: Iterable[Json]) -> Versioned:
    """A discovery response; its version is the hash of its content."""
    listed = list(resources)
    version = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:16]
    return Versioned(version, json.dumps({"version_info": version, "resources": listed}))


def clusters_file(layout: Layout, names: Iterable[str]) -> Versioned:
    """The clusters of these names, sorted."""
    return file_of(_cluster(layout, name) for name in sorted(names))


def endpoints_file(cluster: str, backends: Iterable[Backend]) -> Versioned:
    """Where one cluster's requests go; nowhere means that Envoy answers 503."""
    endpoints = [
        {"endpoint": {"address": _socket(one.address, one.port)}} for one in sorted(backends)
    ]
    return file_of(
        [
            {
                "@type": _ENDPOINTS,
                "cluster_name": cluster,
                "endpoints": [{"lb_endpoints": endpoints}] if endpoints else [],
            }
        ]
    )


def routes_file(virtual_hosts: Sequence[Json]) -> Versioned:
    """The one route configuration."""
    return file_of([{"@type": _ROUTES, "name": ROUTES, "virtual_hosts": list(virtual_hosts)}])


def bootstrap(layout: Layout, host: str, port: int, admin_port: int) -> str:
    """What Envoy starts with: one listener, the admin address, and where the rest is read."""
    return json.dumps(
        {
            "node": {"id": "local", "cluster": "local"},
            "admin": {"address": _socket(host, admin_port)},
            "static_resources": {"listeners": [_listener(layout, host, port)]},
            "dynamic_resources": {"cds_config": _watched(layout.clusters)},
        }
    )


def _listener(layout: Layout, host: str, port: int) -> Json:
    manager = {
        "@type": _MANAGER,
        "stat_prefix": STAT_PREFIX,
        "strip_any_host_port": True,
        "rds": {"route_config_name": ROUTES, "config_source": _watched(layout.routes)},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}},
        ],
    }
    return {
        "name": "http",
        "address": _socket(host, port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _cluster(layout: Layout, name: str) -> Json:
    options = {
        "@type": _TYPE + _HTTP_OPTIONS,
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"idle_timeout": f"{IDLE_UPSTREAM_S}s"},
    }
    limits = {"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}
    return {
        "@type": _CLUSTER,
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _watched(layout.endpoints(name))},
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {"envoy." + _HTTP_OPTIONS: options},
    }


def _watched(file: Path) -> Json:
    return {
        "resource_api_version": "V3",
        "path_config_source": {
            "path": str(file),
            "watched_directory": {"path": str(file.parent)},
        },
    }


def _socket(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}
