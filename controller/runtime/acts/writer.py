"""All writes of the operator go through here: fenced by leadership, remembered, tried once anew.

A patch is computed from the cached object and carries `test` operations. When the server refuses
because the object has moved on, it is computed again from a fresh read, once; a second refusal goes
to the queue's back-off. A write that would change nothing is not sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from controller.api.meta import Object
from controller.api.patch import Ops
from controller.api.resources import Resource
from controller.kube.port import (
    AlreadyExists,
    ApiError,
    Cluster,
    Conflict,
    Invalid,
    NotFound,
    Propagation,
)
from controller.runtime.world import World

T = TypeVar("T", bound=Object)


class NotLeading(Exception):
    """Leadership was lost between the decision and the write: nothing was written."""


class Writer:
    """The writing half of the shell."""

    def __init__(self, cluster: Cluster, world: World, may_write: Callable[[], bool]) -> None:
        self.cluster, self.world = cluster, world
        self._may_write = may_write

    async def patch(self, resource: Resource[T], item: T, wanted: Callable[[T], Ops]) -> T | None:
        """Make `item` what `wanted` says of it; None when it does not exist any more."""
        for last in (False, True):
            ops = wanted(item)
            if not ops:
                return item
            with self._fenced():
                try:
                    written = await self.cluster.patch_json(
                        resource, item.namespace, item.name, ops
                    )
                except NotFound:
                    return None
                except (Invalid, Conflict):
                    if last:
                        raise
                else:
                    self.world.remember(resource, written)
                    return written
            try:
                item = await self.cluster.get(resource, item.namespace, item.name)
            except NotFound:
                return None
        raise AssertionError("unreachable")

    async def apply(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> None:
        """Server-side apply of a body that names itself."""
        with self._fenced():
            name = str(body["metadata"]["name"])
            written = await self.cluster.apply(resource, namespace, name, body)
            self.world.remember(resource, written)

    async def create(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> None:
        """Create it; that it is there already is as good."""
        with self._fenced():
            try:
                written = await self.cluster.create(resource, namespace, body)
            except AlreadyExists:
                return
            self.world.remember(resource, written)

    async def merge(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        subresource: str = "",
    ) -> bool:
        """Merge patch; False when the object does not exist."""
        with self._fenced():
            try:
                written = await self.cluster.patch_merge(
                    resource, namespace, name, body, subresource=subresource
                )
            except NotFound:
                return False
            self.world.remember(resource, written)
            return True

    async def status(self, resource: Resource[T], item: Object, status: msgspec.Struct) -> None:
        """Write the whole status, if the object still has the version that was looked at."""
        version = {"resourceVersion": item.metadata.resource_version}
        body = {"metadata": version, "status": whole(status)}
        await self.merge(resource, item.namespace, item.name, body, "status")

    async def delete(
        self,
        resource: Resource[T],
        item: Object,
        propagation: Propagation = "Background",
    ) -> None:
        """Delete this very object; that it is gone already is as good."""
        with self._fenced():
            try:
                await self.cluster.delete(
                    resource, item.namespace, item.name,
                    uid=item.metadata.uid, propagation=propagation,
                )  # fmt: skip
            except (NotFound, Conflict):
                return

    @contextmanager
    def _fenced(self) -> Iterator[None]:
        if not self._may_write():
            raise NotLeading
        yield


async def each(writes: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Try every write; the first refusal or failure is raised when all were tried."""
    failed: ApiError | None = None
    for write in writes:
        try:
            await write()
        except ApiError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def whole(value: Any) -> Any:
    """A struct as plain data with every field present: an absent member means null in a merge
    patch, and would otherwise leave the old value standing."""
    if isinstance(value, msgspec.Struct):
        named = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return {wire: whole(getattr(value, field)) for field, wire in named}
    if isinstance(value, tuple | list):
        return [whole(v) for v in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
