"""Keeps a Store equal to what the server holds, and tells who listens exactly what changed.

List in pages, then watch from the listed version; bookmarks move the version on; a broken stream
goes on from the last version; after 410 Gone a fresh list is compared with the store, so that a
deletion missed in the gap surfaces and an unchanged object does not. A list also keeps the store
while no stream can (`following`). Trouble is waited out with back-off and never raised: `problem`
says what it is. Waits are on loop time. It decides nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, NoReturn, TypeAlias, TypeVar

import structlog

from controller.api.meta import Object
from controller.api.resources import Resource
from controller.kube import settings
from controller.kube.backoff import Jitter
from controller.kube.errors import IDLE_STREAM
from controller.kube.following import Following
from controller.kube.port import ApiError, Cluster, Gone, WatchEvent
from controller.kube.store import Change, Index, Seen, Store, key_of

T = TypeVar("T", bound=Object)
Handler: TypeAlias = Callable[[Seen[T] | None, Seen[T] | None], None]
"""Called with (old, new); quick and without awaits: it puts a key into a queue."""

log = structlog.get_logger(__name__)


class Reflector(Generic[T]):
    """One resource, in one namespace or in all, as a live cache."""

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource[T],
        namespace: str = "",
        label_selector: str = "",
        *,
        indexes: Mapping[str, Index[T]] | None = None,
        page_size: int = settings.PAGE_SIZE,
        jitter: Jitter = random.random,
    ) -> None:
        self.resource = resource
        self.store: Store[T] = Store(indexes)
        self.synced = asyncio.Event()
        """Set once the first list is in the store; stays set."""
        self._cluster, self._namespace, self._selector = cluster, namespace, label_selector
        self._page_size = page_size
        self._handlers: list[Handler[T]] = []
        self._version = ""
        self._log = log.bind(resource=str(resource))
        self._following = Following(jitter, self._log)

    def on_change(self, handler: Handler[T]) -> None:
        """Calls `handler` for every change from now on; add handlers before `run`."""
        self._handlers.append(handler)

    def on_recovery(self, tell: Callable[[float], None]) -> None:
        """Calls `tell` when the store follows again, with the seconds for which it did not."""
        self._following.on_recovery(tell)

    @property
    def problem(self) -> str:
        """What stands between us and the server right now; empty while all is well."""
        return self._following.problem

    @property
    def lost_s(self) -> float:
        """For how many seconds the store may have fallen behind the server; 0 while it follows."""
        return self._following.lost_s

    async def run(self) -> NoReturn:
        """Lists and watches for ever; ends by cancellation only."""
        while True:
            try:
                if not self._version or self._following.needs_list:
                    await self._list()
                await self._follow()
                wait_s = self._following.ended()
            except Gone:
                self._version = ""
                wait_s = self._following.gone("the version asked for is gone")
            except ApiError as error:
                if error.reason == IDLE_STREAM:
                    wait_s = self._following.silent(str(error))
                else:
                    wait_s = self._following.failed(str(error))
                wait_s = max(wait_s, error.retry_after_s or 0.0)
            except Exception as error:  # a fault in one kind must not end the others
                log.exception("following failed", resource=str(self.resource))
                wait_s = self._following.failed(f"a fault of ours: {error!r}")
            await asyncio.sleep(wait_s)

    async def list_once(self) -> None:
        """Only the list, for a reader who does not stay; raises what the server answers."""
        try:
            await self._list()
        except ApiError as error:
            self._following.failed(str(error))
            raise

    async def _list(self) -> None:
        items: list[Seen[T]] = []
        page, version = "", ""
        while True:
            got = await self._cluster.list_page(
                self.resource,
                self._namespace,
                label_selector=self._selector,
                limit=self._page_size,
                page=page,
            )
            items.extend(got.items)
            page, version = got.next_page, got.resource_version
            if not page:
                break
        changes = self.store.replace(items, version)
        self._version = version
        self._following.listed()
        self.synced.set()
        self._log.debug("listed", objects=len(items), changes=len(changes), version=version)
        for change in changes:
            self._tell(change)

    async def _follow(self) -> None:
        """One stream to its end."""
        try:
            async with self._stream() as events:
                async for event in events:
                    self._following.spoke()
                    self._take(event)
        finally:
            self._following.closed()

    @asynccontextmanager
    async def _stream(self) -> AsyncIterator[AsyncIterator[WatchEvent[T]]]:
        events = self._cluster.watch(
            self.resource,
            self._namespace,
            since=self._version,
            label_selector=self._selector,
            opened=self._following.opened,
        )
        try:
            yield events
        finally:
            # A generator that is left in the middle must not keep its connection until collected.
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def _take(self, event: WatchEvent[T]) -> None:
        if event.object is not None:
            change: Change[T] | None
            if event.type == "DELETED":
                change = self.store.remove(key_of(event.object))
            else:
                change = self.store.put(event.object)
            # The store must say how far it is before a handler may ask it.
            self._advance(event.resource_version)
            if change is not None:
                self._tell(change)
        else:
            self._advance(event.resource_version)

    def _advance(self, version: str) -> None:
        self._version = version or self._version
        self.store.advance(version)

    def _tell(self, change: Change[T]) -> None:
        for handler in self._handlers:
            handler(change.old, change.new)
