"""What a person does with the sample shop, through the port: deploy it, change it, wait, look.

Called by the demo, benchmarks and end-to-end tests; the operator itself never uses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import aiohttp

from controller.api.k8s import Deployment, Pod
from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, NAMESPACES, PODS, SERVICES
from controller.kube.port import AlreadyExists, Cluster
from controller.local import probes, shop_objects
from controller.local.addresses import process_address

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.05


class NotInTimeError(Exception):
    """What was waited for did not come; the text says what was there instead."""


async def until(
    look: Callable[[], Awaitable[T]],
    wanted: Callable[[T], bool],
    within_s: float,
    what: str,
) -> T:
    """Looks until what it sees is as wanted; the first such sight."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not wanted(seen := await look()):
        if loop.time() > deadline:
            raise NotInTimeError(f"{what}: not within {within_s:g} s; last seen: {seen!r:.2000}")
        await asyncio.sleep(LOOK_EVERY_S)
    return seen


async def put_namespace(cluster: Cluster, namespace: str = shop_objects.NAMESPACE) -> None:
    """Makes the namespace if it is not there."""
    with suppress(AlreadyExists):
        await cluster.create(NAMESPACES, "", {"metadata": {"name": namespace}})


async def put_shop(
    cluster: Cluster,
    version: str,
    *,
    name: str = shop_objects.NAME,
    namespace: str = shop_objects.NAMESPACE,
    replicas: int = 3,
    env: Mapping[str, str] | None = None,
    route: str = shop_objects.NAMESPACE,
) -> None:
    """Namespace, Service, Deployment and (when `route` names one) HTTPRoute of the shop."""
    await put_namespace(cluster, namespace)
    template = shop_objects.template(version, name=name, env=env)
    deployment = shop_objects.deployment(
        template, name=name, namespace=namespace, replicas=replicas
    )
    service = shop_objects.service(name=name, namespace=namespace)
    await cluster.create(SERVICES, namespace, service)
    await cluster.create(DEPLOYMENTS, namespace, deployment)
    if route:
        manifest = shop_objects.http_route({name: 1}, name=route, namespace=namespace)
        await cluster.create(HTTP_ROUTES, namespace, manifest)


async def edit_template(
    cluster: Cluster,
    template: Mapping[str, Any],
    *,
    name: str = shop_objects.NAME,
    namespace: str = shop_objects.NAMESPACE,
    annotations: Mapping[str, str] | None = None,
) -> Deployment:
    """An author's edit: the whole pod template in one patch, with what he says about it."""
    operations: list[dict[str, Any]] = [
        {"op": "replace", "path": "/spec/template", "value": dict(template)}
    ]
    if annotations:
        present = await cluster.get(DEPLOYMENTS, namespace, name)
        merged = {**present.metadata.annotations, **annotations}
        operations.append({"op": "add", "path": "/metadata/annotations", "value": merged})
    return await cluster.patch_json(DEPLOYMENTS, namespace, name, operations)


async def scale(
    cluster: Cluster,
    replicas: int,
    *,
    name: str = shop_objects.NAME,
    namespace: str = shop_objects.NAMESPACE,
) -> None:
    """Sets the replicas of a Deployment."""
    body = {"spec": {"replicas": replicas}}
    await cluster.patch_merge(DEPLOYMENTS, namespace, name, body, subresource="scale")


async def until_rolled_out(
    cluster: Cluster,
    *,
    name: str = shop_objects.NAME,
    namespace: str = shop_objects.NAMESPACE,
    within_s: float = 30.0,
) -> Deployment:
    """Waits until a Deployment has all its pods, all of its present template, and no other."""
    return await until(
        lambda: cluster.get(DEPLOYMENTS, namespace, name),
        _rolled_out,
        within_s,
        f"rollout of {namespace}/{name}",
    )


def _rolled_out(seen: Deployment) -> bool:
    wanted, status = seen.spec.replicas, seen.status
    counts = (status.replicas, status.updated_replicas, status.available_replicas)
    return status.observed_generation >= seen.metadata.generation and counts == (wanted,) * 3


async def pods(
    cluster: Cluster, namespace: str = shop_objects.NAMESPACE, selector: str = ""
) -> tuple[Pod, ...]:
    """The pods of a namespace."""
    page = await cluster.list_page(PODS, namespace, label_selector=selector)
    return tuple(one for one in page.items if isinstance(one, Pod))


async def set_metrics(chosen: Sequence[Pod], *, dark: bool) -> None:
    """Makes /metrics of these pods answer 503, or well again."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for pod in chosen:
            port = probes.port_of(pod.spec.containers[0])
            host = process_address(pod.status.pod_ip)
            url = f"http://{host}:{port}/admin/metrics/{'dark' if dark else 'lit'}"
            async with session.post(url):
                pass
