"""Who manages whom: adopt what a selector selects and nobody manages, release what it no longer is.

The rules of Kubernetes' ControllerRefManager, shared by Deployments (of ReplicaSets) and by
ReplicaSets (of Pods). An owner that is being deleted adopts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from controller.api.meta import Object, OwnerReference
from controller.api.resources import Resource
from controller.kube.port import Cluster, Invalid, NotFound
from controller.kube.selectors import Selector, selects

T = TypeVar("T", bound=Object)


def controller_reference(owner: Object, resource: Resource[Any]) -> dict[str, Any]:
    """The owner reference of the one that manages."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner.name,
        "uid": owner.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


async def claim(
    cluster: Cluster,
    owner: Object,
    owners: Resource[Any],
    selector: Selector,
    resource: Resource[T],
    candidates: Iterable[T],
) -> list[T]:
    """The candidates that the owner manages now."""
    mine = []
    for item in candidates:
        manager = next((one for one in item.metadata.owner_references if one.controller), None)
        fits = selects(selector, item.metadata.labels)
        if manager is None:
            if fits and not _going(item) and not _going(owner):
                mine += await _adopt(cluster, owner, owners, resource, item)
        elif manager.uid == owner.metadata.uid:
            if fits:
                mine.append(item)
            elif not _going(owner):
                await _release(cluster, owner, resource, item)
    return mine


def _going(item: Object) -> bool:
    return item.metadata.deletion_timestamp is not None


async def _adopt(
    cluster: Cluster, owner: Object, owners: Resource[Any], resource: Resource[T], item: T
) -> list[T]:
    references = [_plain(one) for one in item.metadata.owner_references]
    references.append(controller_reference(owner, owners))
    return await _write(cluster, resource, item, references)


async def _release(cluster: Cluster, owner: Object, resource: Resource[T], item: T) -> None:
    uid = owner.metadata.uid
    kept = [_plain(one) for one in item.metadata.owner_references if one.uid != uid]
    await _write(cluster, resource, item, kept)


async def _write(
    cluster: Cluster, resource: Resource[T], item: T, references: list[dict[str, Any]]
) -> list[T]:
    """The uid in the patch makes sure that it is still the same object."""
    body = {"metadata": {"uid": item.metadata.uid, "ownerReferences": references or None}}
    try:
        return [await cluster.patch_merge(resource, item.namespace, item.name, body)]
    except (NotFound, Invalid):
        return []


def _plain(reference: OwnerReference) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(reference)
    return plain
