"""`metrics.k8s.io` behind the aggregation layer: CPU of the local pods, as autoscalers read it.

    async with MetricsApi(cluster, certificate, key) as metrics:
        metrics.set_cpu("shop", {"app": "checkout"}, millicores=900)

Serves on loopback over TLS and registers itself: an APIService and, for it, a Service of type
ExternalName that leads to this machine. What a pod is said to use is set by whoever tests scaling:
a load that is real enough to move an autoscaler would take the machine from everything else. Only
for a real API server; the cluster in memory has no autoscaler.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from controller.api.k8s import Pod
from controller.api.meta import Object
from controller.api.resources import PODS, SERVICES, Resource
from controller.kube.port import ApiError, Cluster, NotFound
from controller.kube.timestamps import stamp
from controller.local.process import LOOPBACK
from controller.runtime.clock import system_now

GROUP: Final = "metrics.k8s.io"
VERSION: Final = "v1beta1"
API_SERVICES: Final = Resource(
    "apiregistration.k8s.io", "v1", "apiservices", "APIService", Object, namespaced=False
)
_NAMESPACE: Final = "kube-system"
_NAME: Final = "local-metrics"
_IDLE_MILLICORES: Final = 10


class MetricsApi:
    """The server; an async context manager that is registered while it runs."""

    def __init__(
        self,
        cluster: Cluster,
        certificate: Path,
        key: Path,
        *,
        now: Callable[[], datetime] = system_now,
    ) -> None:
        self._cluster, self._now = cluster, now
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self._used: list[tuple[str, Mapping[str, str], int]] = []
        application = web.Application()
        application.router.add_get("/apis", _groups)
        application.router.add_get(f"/apis/{GROUP}", _group)
        root = f"/apis/{GROUP}/{VERSION}"
        application.router.add_get(root, _resources)
        application.router.add_get(root + "/pods", self._pods)
        application.router.add_get(root + "/namespaces/{namespace}/pods", self._pods)
        self._runner = web.AppRunner(application, access_log=None)

    def set_cpu(self, namespace: str, labels: Mapping[str, str], millicores: int) -> None:
        """From now on every pod with these labels is said to use so much; the last word counts."""
        self._used.append((namespace, dict(labels), millicores))

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=self._tls)
            await site.start()
            port = int(self._runner.addresses[0][1])
            await self._unregister()
            await self._cluster.create(SERVICES, _NAMESPACE, _service())
            await self._cluster.create(API_SERVICES, "", _api_service(port))
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with suppress(ApiError):  # the server may have gone before us
                await self._unregister()
        finally:
            await self._runner.cleanup()

    async def _unregister(self) -> None:
        with suppress(NotFound):
            await self._cluster.delete(API_SERVICES, "", f"{VERSION}.{GROUP}")
        with suppress(NotFound):
            await self._cluster.delete(SERVICES, _NAMESPACE, _NAME)

    # -- what an autoscaler asks ---------------------------------------------------------------

    async def _pods(self, request: web.Request) -> web.Response:
        namespace = request.match_info.get("namespace", "")
        selector = request.query.get("labelSelector", "")
        page = await self._cluster.list_page(PODS, namespace, label_selector=selector)
        pods = [one for one in page.items if isinstance(one, Pod)]
        items = [self._metrics(pod) for pod in pods if pod.status.phase == "Running"]
        return web.json_response({**_kind("PodMetricsList"), "metadata": {}, "items": items})

    def _metrics(self, pod: Pod) -> dict[str, Any]:
        usage = {"cpu": f"{self._millicores(pod)}m", "memory": "40Mi"}
        return {
            "metadata": {
                "name": pod.name,
                "namespace": pod.namespace,
                "labels": pod.metadata.labels,
                "creationTimestamp": stamp(self._now()),
            },
            "timestamp": stamp(self._now()),
            "window": "5s",
            "containers": [{"name": one.name, "usage": usage} for one in pod.spec.containers],
        }

    def _millicores(self, pod: Pod) -> int:
        for namespace, labels, millicores in reversed(self._used):
            if namespace == pod.namespace and labels.items() <= pod.metadata.labels.items():
                return millicores
        return _IDLE_MILLICORES


def _kind(kind: str) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}"}


async def _groups(_: web.Request) -> web.Response:
    return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": [_described()]})


async def _group(_: web.Request) -> web.Response:
    return web.json_response({"kind": "APIGroup", "apiVersion": "v1", **_described()})


def _described() -> dict[str, Any]:
    version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    return {"name": GROUP, "versions": [version], "preferredVersion": version}


async def _resources(_: web.Request) -> web.Response:
    pods = {
        "name": "pods",
        "singularName": "",
        "namespaced": True,
        "kind": "PodMetrics",
        "verbs": ["get", "list"],
    }
    return web.json_response(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{GROUP}/{VERSION}",
            "resources": [pods],
        }
    )


def _service() -> dict[str, Any]:
    # ExternalName: a Service with an address would need endpoints, which may not be loopback.
    return {
        "metadata": {"name": _NAME, "namespace": _NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }


def _api_service(port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            # The API server asks for the Service's name; the certificate is for loopback.
            "insecureSkipTLSVerify": True,
            "service": {"namespace": _NAMESPACE, "name": _NAME, "port": port},
        },
    }
