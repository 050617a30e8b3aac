"""Lists in pages and watches with bookmarks over the store of the cluster in memory.

A page is a cut of one moment, however long the reader takes; a watch tells every change after a
version, once and in order, and says by bookmarks how far it is. Nothing polls: a stream sleeps
until the store rings or a bookmark is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from controller.api.meta import Key, Object
from controller.api.resources import Resource
from controller.kube.decoding import decode_object
from controller.kube.memory_faults import Call, Faults, Snapshot, Stream
from controller.kube.memory_store import Change, Store, Stored
from controller.kube.port import Gone, Page, Unreachable, WatchEvent
from controller.kube.selectors import Selector, parse_selector, selects

T = TypeVar("T", bound=Object)
Kind = Literal["ADDED", "MODIFIED", "DELETED"]

BOOKMARK_S: Final = 60.0
"""Silence after which a stream says where it is: an API server does so about each minute."""
IDLE_S: Final = 90.0
"""Silence after which a client gives a stream up; only a silenced stream gets there."""
_CURSORS_MAX: Final = 100


@dataclass
class Lists:
    """The unread rest of lists in pages, by the token of their next page."""

    _rest: dict[str, tuple[list[Stored], int]] = field(default_factory=dict)
    _tokens: int = 0

    def first(
        self,
        resource: Resource[T],
        found: Snapshot,
        namespace: str,
        selector: str,
        limit: int,
    ) -> Page[T]:
        """The first page of what is there now."""
        wanted = parse_selector(selector)
        items = [
            stored
            for key, stored in sorted(found.objects.items())
            if _in_view(key, stored, namespace, wanted)
        ]
        return self._page(resource, items, found.version, limit)

    def following(self, resource: Resource[T], token: str, limit: int) -> Page[T]:
        """The page of a token; Gone when the server has forgotten the list."""
        if token not in self._rest:
            raise Gone(410, "Expired", "the continue token is too old", what=f"list {resource}")
        items, version = self._rest[token]
        return self._page(resource, items, version, limit)

    def forget(self) -> None:
        """Tokens die with compaction."""
        self._rest.clear()

    def _page(
        self, resource: Resource[T], items: list[Stored], version: int, limit: int
    ) -> Page[T]:
        token = ""
        if 0 < limit < len(items):
            self._tokens += 1
            token = f"page-{self._tokens}"
            self._rest[token] = (items[limit:], version)
            while len(self._rest) > _CURSORS_MAX:
                del self._rest[next(iter(self._rest))]
            items = items[:limit]
        return Page(
            tuple(decode_object(resource, stored.raw) for stored in items), str(version), token
        )


async def watch(
    store: Store,
    faults: Faults,
    call: Call,
    resource: Resource[T],
    namespace: str,
    since: str,
    selector: str,
) -> AsyncGenerator[WatchEvent[T], None]:
    """The changes after `since`; from nothing or `0`, first everything that is there."""
    wanted = parse_selector(selector)
    with store.listening(resource) as bell, faults.stream(call) as stream:
        position = int(since or 0)
        if position == 0:
            position = store.version
            for key, stored in sorted(store.collection(resource).objects.items()):
                if _in_view(key, stored, namespace, wanted):
                    yield _event(resource, "ADDED", stored)
        while True:
            await _opened(stream)
            for change in store.since(resource, position):
                position = change.version
                if kind := _seen_as(change, namespace, wanted):
                    yield _event(resource, kind, change.after)
                    await _opened(stream)
            if not await _rung(bell, BOOKMARK_S):
                position = store.version
                yield WatchEvent("BOOKMARK", None, str(position))


async def _opened(stream: Stream) -> None:
    """Let a silent stream sleep until it is given up, and a broken one break."""
    if stream.broken is None and stream.silent:
        await asyncio.sleep(IDLE_S)
        if stream.silent:
            raise Unreachable(0, "Unreachable", f"no byte for {IDLE_S:.0f} s")
    if stream.broken is not None:
        raise stream.broken


async def _rung(bell: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await bell.wait()
    except TimeoutError:
        return False
    bell.clear()
    return True


def _event(resource: Resource[T], kind: Kind, stored: Stored) -> WatchEvent[T]:
    version = str(stored.metadata["resourceVersion"])
    return WatchEvent(kind, decode_object(resource, stored.raw), version)


def _in_view(key: Key, stored: Stored, namespace: str, wanted: Selector) -> bool:
    return (not namespace or key.namespace == namespace) and selects(wanted, stored.labels)


def _seen_as(change: Change, namespace: str, wanted: Selector) -> Kind | None:
    """A change as a watch with a selector sees it: objects come into view and leave it."""
    if namespace and change.key.namespace != namespace:
        return None
    was = change.before is not None and selects(wanted, change.before.labels)
    fits = change.type != "DELETED" and selects(wanted, change.after.labels)
    match was, fits:
        case True, True:
            return "MODIFIED"
        case True, False:
            return "DELETED"
        case False, True:
            return "ADDED"
        case _:
            return None


def snapshot(store: Store, resource: Resource[Any]) -> Snapshot:
    """What is there now."""
    return Snapshot(store.collection(resource).objects, store.version)
