"""What one object went through, version by version, as a watch of its own was told of it.

Polling may miss a state that lasted for milliseconds; a watch misses none. Each version comes with
the loop time at which it was received.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from controller.api.meta import Object
from controller.api.resources import Resource
from controller.kube.port import Cluster, Malformed
from controller.local import deploying

T = TypeVar("T", bound=Object)
WITHIN_S = 30.0


@dataclass(frozen=True)
class Sight(Generic[T]):
    """One version of the object, and when it was received."""

    at: float
    object: T


@dataclass
class Watched(Generic[T]):
    """All versions since the watch began, that of the beginning included."""

    name: str
    sights: list[Sight[T]] = field(default_factory=list)

    @property
    def versions(self) -> list[T]:
        return [sight.object for sight in self.sights]

    def take(self, item: T) -> None:
        self.sights.append(Sight(asyncio.get_running_loop().time(), item))

    async def until(
        self, wanted: Callable[[T], bool], what: str, *, after: float = 0.0
    ) -> Sight[T]:
        """The first sight after that loop time that is as wanted."""

        async def look() -> Sight[T] | None:
            return next((s for s in self.sights if s.at >= after and wanted(s.object)), None)

        found = await deploying.until(look, lambda s: s is not None, WITHIN_S, what)
        assert found is not None
        return found


@asynccontextmanager
async def watching(
    cluster: Cluster, resource: Resource[T], namespace: str, name: str
) -> AsyncIterator[Watched[T]]:
    """Watches one object that exists; at the end it has seen what is there by then."""
    seen: Watched[T] = Watched(name)
    page = await cluster.list_page(resource, namespace)
    for item in page.items:
        if not isinstance(item, Malformed) and item.name == name:
            seen.take(item)
    task = asyncio.create_task(_follow(cluster, resource, namespace, page.resource_version, seen))
    try:
        yield seen
        last = (await cluster.get(resource, namespace, name)).metadata.resource_version
        await seen.until(lambda o: o.metadata.resource_version == last, f"version {last}")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(
    cluster: Cluster, resource: Resource[T], namespace: str, since: str, seen: Watched[T]
) -> None:
    while True:
        async for event in cluster.watch(resource, namespace, since=since):
            since = event.resource_version or since
            item = event.object
            if item is None or isinstance(item, Malformed) or event.type == "DELETED":
                continue
            if item.name == seen.name:
                seen.take(item)
