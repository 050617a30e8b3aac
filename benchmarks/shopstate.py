"""Fetches what `ends` compares, from any cluster: the real one, or the one in memory."""

from __future__ import annotations

from typing import TypeVar

from benchmarks import ends
from controller.api.meta import Object
from controller.api.resources import (
    CHANGES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    HTTP_ROUTES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    Resource,
)
from controller.kube.port import Cluster, Malformed

T = TypeVar("T", bound=Object)


async def all_of(cluster: Cluster, resource: Resource[T], namespace: str) -> list[T]:
    """The objects of a namespace; those that cannot be read are left out."""
    page = await cluster.list_page(resource, namespace)
    return [item for item in page.items if not isinstance(item, Malformed)]


async def objects_of(cluster: Cluster, namespace: str, rollout: str, route: str) -> ends.Objects:
    """The state of a shop as it is now."""
    return ends.Objects(
        rollout=await cluster.get(ROLLOUTS, namespace, rollout),
        route=await cluster.get(HTTP_ROUTES, namespace, route),
        changes=tuple(await all_of(cluster, CHANGES, namespace)),
        deployments=tuple(await all_of(cluster, DEPLOYMENTS, namespace)),
        replicasets=tuple(await all_of(cluster, REPLICASETS, namespace)),
        revisions=tuple(await all_of(cluster, CONTROLLER_REVISIONS, namespace)),
        services=tuple(await all_of(cluster, SERVICES, namespace)),
        pods=tuple(await all_of(cluster, PODS, namespace)),
    )
