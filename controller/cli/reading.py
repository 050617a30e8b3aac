"""What the commands read: lists in pages and the history of one Rollout. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from controller.api.change import Change
from controller.api.meta import Object
from controller.api.resources import CHANGES, ROLLOUTS, Resource
from controller.api.rollout import Rollout
from controller.cli.exits import CommandError, Exit
from controller.kube.port import Cluster, Malformed, NotFound

T = TypeVar("T", bound=Object)


async def every(
    cluster: Cluster, resource: Resource[T], namespace: str = ""
) -> tuple[list[T], list[Malformed]]:
    """All objects of a collection, over all namespaces when empty, and those that are malformed."""
    good: list[T] = []
    bad: list[Malformed] = []
    page = ""
    while True:
        answer = await cluster.list_page(resource, namespace, page=page)
        for item in answer.items:
            if isinstance(item, Malformed):
                bad.append(item)
            else:
                good.append(item)
        page = answer.next_page
        if not page:
            return good, bad


async def rollout_named(cluster: Cluster, namespace: str, name: str) -> Rollout:
    """One Rollout; CommandError that lists those of its namespace when it is not there."""
    try:
        return await cluster.get(ROLLOUTS, namespace, name)
    except NotFound as error:
        there, _ = await every(cluster, ROLLOUTS, namespace)
        raise CommandError(_absent(namespace, name, there), Exit.NOT_FOUND) from error


async def changes_of(cluster: Cluster, namespace: str, rollout: str) -> list[Change]:
    """The Changes of one Rollout, the newest first."""
    changes, _ = await every(cluster, CHANGES, namespace)
    mine = [change for change in changes if change.spec.rollout == rollout]
    return sorted(mine, key=_created, reverse=True)


async def change_in_hand(cluster: Cluster, rollout: Rollout) -> Change | None:
    """The Change that the Rollout's status names; None when there is none (any more)."""
    if not rollout.status.change:
        return None
    try:
        return await cluster.get(CHANGES, rollout.namespace, rollout.status.change)
    except NotFound:
        return None


def _created(change: Change) -> str:
    stamp = change.metadata.creation_timestamp
    return stamp.isoformat() if stamp else ""


def _absent(namespace: str, name: str, there: Sequence[Rollout]) -> str:
    known = ", ".join(sorted(one.name for one in there)) or "none"
    return f"Rollout {namespace}/{name} does not exist; in this namespace there are: {known}"
