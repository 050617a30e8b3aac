"""Keeps a Store equal to what the server holds, and tells who listens exactly what changed.

List in pages, then watch from the listed version; bookmarks move the version on; a broken stream
goes on from the last version; after 410 Gone a fresh list is compared with the store, so that a
deletion missed in the gap surfaces and an unchanged object does not. Trouble is waited out with
back-off and never raised: `problem` says what it is. Waits are on loop time. It decides nothing.
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
from controller.kube.backoff import Backoff, Jitter
from controller.kube.errors import IDLE_STREAM
from controller.kube.port import ApiError, Cluster, Gone, WatchEvent
from controller.kube.store import Change, Index, Seen, Store, key_of

T = TypeVar("T", bound=Object)
Handler: TypeAlias = Callable[[Seen[T] | None, Seen[T] | None], None]
"""Called with (old, new); quick and without awaits: it puts a key into a queue."""

log = structlog.get_logger(__name__)

_FIRST = Backoff(settings.RECONNECT_S, settings.RECONNECT_S)
_BACKOFF = Backoff(settings.RELIST_BASE_S, settings.RELIST_CAP_S)
_KEPT_FAILURES = 3


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
        self.problem = ""
        """What stands between us and the server right now; empty while all is well."""
        self._lost_at: float | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._cluster, self._namespace, self._selector = cluster, namespace, label_selector
        self._page_size, self._jitter = page_size, jitter
        self._handlers: list[Handler[T]] = []
        self._version = ""
        self._failures, self._gone_before, self._idle_before = 0, False, False
        self._log = log.bind(resource=str(resource))

    def on_change(self, handler: Handler[T]) -> None:
        """Calls `handler` for every change from now on; add handlers before `run`."""
        self._handlers.append(handler)

    @property
    def lost_s(self) -> float:
        """For how many seconds the store may have fallen behind the server; 0 while it follows."""
        if self._lost_at is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._lost_at

    async def run(self) -> NoReturn:
        """Lists and watches for ever; ends by cancellation only."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._follow()
            except Gone:
                self._version = ""
                self._failures += 1
                # The first list after a compaction must not wait; one Gone after another must.
                if not self._gone_before:
                    self._gone_before = True
                    continue
                wait_s = self._failed("the version asked for is gone")
            except ApiError as error:
                if error.reason == IDLE_STREAM and not self._idle_before:
                    self._idle_before = True
                    self._log.debug("quiet stream asked for anew", version=self._version)
                    continue
                self._failures += 1
                wait_s = max(self._failed(str(error)), error.retry_after_s or 0.0)
            else:
                wait_s = 0.0 if self._failures == 0 else self._failed("streams end at once")
            await asyncio.sleep(wait_s)

    async def list_once(self) -> None:
        """Only the list, for a reader who does not stay; raises what the server answers."""
        try:
            await self._list()
        except ApiError as error:
            self.problem = str(error)
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
        self.problem, self._lost_at = "", None
        self.synced.set()
        self._log.debug("listed", objects=len(items), changes=len(changes), version=version)
        for change in changes:
            self._tell(change)

    async def _follow(self) -> None:
        """One stream to its end; what arrives proves that the way to the server is open."""
        loop = asyncio.get_running_loop()
        began, spoke = loop.time(), False
        try:
            async with self._stream() as events:
                async for event in events:
                    spoke, self._idle_before = True, False
                    self._healthy()
                    self._take(event)
        finally:
            if self._quiet is not None:
                self._quiet.cancel()
        if spoke or loop.time() - began >= settings.WATCH_HEALTHY_S:
            self._healthy()
        else:
            self._failures += 1

    @asynccontextmanager
    async def _stream(self) -> AsyncIterator[AsyncIterator[WatchEvent[T]]]:
        events = self._cluster.watch(
            self.resource,
            self._namespace,
            since=self._version,
            label_selector=self._selector,
            opened=self._opened,
        )
        try:
            yield events
        finally:
            # A generator that is left in the middle must not keep its connection until collected.
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def _opened(self) -> None:
        """Nothing is missed from now on. A server that opens streams is there, so that one that
        breaks soon is asked for again within seconds; one that stands proves that all is well."""
        self._lost_at = None
        self._failures = min(self._failures, _KEPT_FAILURES)
        loop = asyncio.get_running_loop()
        self._quiet = loop.call_later(settings.WATCH_HEALTHY_S, self._healthy)

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

    def _healthy(self) -> None:
        if self.problem:
            self._log.info("server answers again", version=self._version)
        self._failures, self._gone_before = 0, False
        self.problem, self._lost_at = "", None

    def _failed(self, why: str) -> float:
        """Notes the trouble; the seconds to wait before the next try."""
        if self._failures == 1:
            # One broken stream is no outage: back at once, yet not all clients together.
            wait_s = _FIRST.delay_s(1, self._jitter)
        else:
            wait_s = _BACKOFF.delay_s(self._failures - 1, self._jitter)
        if why != self.problem:
            self._log.warning("cannot follow", why=why, failures=self._failures, wait_s=wait_s)
        self.problem = why
        if self._lost_at is None:
            self._lost_at = asyncio.get_running_loop().time()
        return wait_s
