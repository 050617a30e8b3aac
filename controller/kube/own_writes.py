"""Whether the cache has caught up with what we wrote ourselves: never decide on an older world.

After each write, `remember` the answer; while `stale(key)` holds, a look at the object would not
see that write, and what it decided could be done twice. The cache itself is never touched.

Versions are compared as numbers when both are numbers. That is what Kubernetes promises since 1.35
(KEP-5504, comparable resource versions), and what etcd has always given. With any other form of
version the cache counts as behind until it holds another version of the object than at the time
of the write. Either way a deadline ends the wait: a write that a selector hides, or that changed
nothing, may never show.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from controller.api.meta import Key, Object
from controller.kube import settings
from controller.kube.store import Store

T = TypeVar("T", bound=Object)


@dataclass(frozen=True)
class _Write:
    version: str
    cached_then: str
    """The version that the cache held when the write was answered."""
    believed_at: float


class OwnWrites(Generic[T]):
    """The writes to one resource that its cache has not shown yet."""

    def __init__(
        self, store: Store[T], *, deadline_s: float = settings.OWN_WRITE_DEADLINE_S
    ) -> None:
        self._store, self._deadline_s = store, deadline_s
        self._writes: dict[Key, _Write] = {}

    def remember(self, written: Object) -> None:
        """Takes note of the answer to a write of ours."""
        version = written.metadata.resource_version
        now = asyncio.get_running_loop().time()
        # Whoever is never asked about them would keep them for ever.
        self._writes = {k: w for k, w in self._writes.items() if now < w.believed_at}
        believed_at = now + self._deadline_s
        self._writes[written.key] = _Write(version, self._cached(written.key), believed_at)

    def stale(self, key: Key) -> bool:
        """Whether the cache is older than our last write to `key`."""
        write = self._writes.get(key)
        if write is None:
            return False
        late = asyncio.get_running_loop().time() >= write.believed_at
        if late or self._shows(key, write):
            del self._writes[key]
            return False
        return True

    def __len__(self) -> int:
        return len(self._writes)

    def _shows(self, key: Key, write: _Write) -> bool:
        cached = self._cached(key)
        if cached == write.version:
            return True
        # The stream is in order: once it is past our version, it has told of our write.
        for version in (cached, self._store.newest_version):
            if version.isdecimal() and write.version.isdecimal():
                if int(version) >= int(write.version):
                    return True
            elif version is cached and cached != write.cached_then:
                return True
        return False

    def _cached(self, key: Key) -> str:
        seen = self._store.seen(key)
        return "" if seen is None else seen.metadata.resource_version
