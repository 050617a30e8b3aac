"""What the rest of the operator may ask of a cluster: one Protocol, two implementations.

`client.py` speaks to an API server, `memory.py` is the same in memory; `tests/contract/` holds both
to the same sentences. There is no PUT: narrow structs drop what they do not know, so every write is
a create, a server-side apply or a patch of what we own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from controller.api.meta import Object, ObjectMeta
from controller.api.resources import Resource
from controller.kube import settings

T = TypeVar("T", bound=Object)
Propagation = Literal["Background", "Foreground", "Orphan"]
PatchOp = Mapping[str, Any]
"""One operation of RFC 6902: `{"op": "test", "path": ..., "value": ...}`."""


class ApiError(Exception):
    """An answer that is not a success. `what` names the call: verb, resource, object."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        what: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{what}: {status} {reason}: {message}" if what else message)
        self.status, self.reason, self.message = status, reason, message
        self.what, self.retry_after_s = what, retry_after_s


class NotFound(ApiError):
    """404."""


class AlreadyExists(ApiError):
    """409 with reason AlreadyExists: somebody was first."""


class Conflict(ApiError):
    """409: the version or a field manager is not what we thought."""


class Gone(ApiError):
    """410: the version asked for is no longer kept; list again."""


class Invalid(ApiError):
    """422, or 400: the server understood and refused the content; also a failed JSON patch test."""


class Forbidden(ApiError):
    """403: RBAC or an admission policy."""


class Overloaded(ApiError):
    """429: wait `retry_after_s`."""


class ServerError(ApiError):
    """5xx."""


class Unreachable(ApiError):
    """No answer: connection refused, reset, or no byte within the deadline. Status is 0."""


@dataclass(frozen=True)
class Malformed:
    """An object that the server holds and our struct refuses: named, kept out of the way."""

    metadata: ObjectMeta
    problem: str


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `next_page` is empty on the last."""

    items: tuple[T | Malformed, ...]
    resource_version: str
    next_page: str = ""


@dataclass(frozen=True)
class WatchEvent(Generic[T]):
    """One line of a watch. A BOOKMARK carries only `resource_version`."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: T | Malformed | None
    resource_version: str


class Cluster(Protocol):
    """The port. Every method raises an `ApiError` subclass; every call has a deadline."""

    async def get(self, resource: Resource[T], namespace: str, name: str) -> T:
        """Read one object from the server (never from a cache)."""
        ...

    async def list_page(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        limit: int = settings.PAGE_SIZE,
        page: str = "",
    ) -> Page[T]:
        """One page of a collection, over all namespaces when `namespace` is empty."""
        ...

    def watch(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        since: str,
        label_selector: str = "",
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[WatchEvent[T]]:
        """Changes after version `since`, with bookmarks, until the server ends the stream.

        `opened` is called when the server has begun to answer, which may be long before it has
        anything to say.

        Raises Gone when `since` is compacted, Unreachable on a broken or idle stream.
        """
        ...

    async def create(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> T:
        """Create an object (a full manifest without apiVersion and kind is completed)."""
        ...

    async def apply(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        force: bool = True,
    ) -> T:
        """Server-side apply with field manager `blastdoor`: creates, or sets the fields we own."""
        ...

    async def patch_json(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        operations: Sequence[PatchOp],
        *,
        dry_run: bool = False,
    ) -> T:
        """RFC 6902 patch. A failed `test` raises Invalid."""
        ...

    async def patch_merge(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> T:
        """RFC 7396 patch; a `metadata.resourceVersion` in the body is a precondition (Conflict).

        With `subresource="status"` it is the status write, with `"scale"` the scale write.
        """
        ...

    async def delete(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: Propagation = "Background",
        grace_s: int | None = None,
    ) -> None:
        """Delete; with `uid` only that very object (Conflict otherwise). NotFound when absent.

        A bound Pod is only marked (`deletionTimestamp`) until its node deletes it with `grace_s=0`.
        """
        ...
