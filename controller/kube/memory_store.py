"""Objects, versions and history of the cluster in memory: what etcd is to an API server.

It knows keys, one global version and who owns whom; it knows nothing of users, kinds or rules. A
body that was put is never modified again. Written by `memory_server` and `memory_collect`, read by
`memory_watch` and `memory`.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from controller.api.meta import Key
from controller.api.resources import Resource
from controller.kube.memory_ownership import Managers
from controller.kube.port import Gone

_HISTORY_MAX: Final = 10_000
"""Changes of one kind that a watch can still begin behind; half of them go when it is full."""


@dataclass(frozen=True)
class Stored:
    """One version of one object."""

    body: Mapping[str, Any]
    managers: Managers = field(default_factory=dict)

    @cached_property
    def raw(self) -> bytes:
        """The object as it would travel: equal parts are equal bytes, as from a typed server."""
        return msgspec.json.encode(self.body, order="sorted")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        found: Mapping[str, Any] = self.body["metadata"]
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.metadata.get("labels") or {}

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.metadata["uid"])

    @property
    def owners(self) -> tuple[Mapping[str, Any], ...]:
        """Its owner references."""
        return tuple(self.metadata.get("ownerReferences") or ())


@dataclass(frozen=True)
class Change:
    """One line of the history; `before` is what the object was."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    after: Stored
    before: Stored | None


@dataclass
class Collection:
    """All objects of one resource, and their changes in order."""

    resource: Resource[Any]
    objects: dict[Key, Stored] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    compacted: int = 0
    bells: set[asyncio.Event] = field(default_factory=set)


class Store:
    """Versioned objects of all kinds."""

    def __init__(self) -> None:
        self.version = 1
        self._collections: dict[str, Collection] = {}
        self._owned: dict[str, dict[tuple[str, Key], None]] = {}
        self._uids: dict[str, tuple[str, Key]] = {}

    def collection(self, resource: Resource[Any]) -> Collection:
        """The objects of a resource."""
        name = str(resource)
        if name not in self._collections:
            self._collections[name] = Collection(resource)
        return self._collections[name]

    def collections(self) -> list[Collection]:
        """All collections that were ever touched."""
        return list(self._collections.values())

    def get(self, resource: Resource[Any], key: Key) -> Stored | None:
        """One object."""
        return self.collection(resource).objects.get(key)

    def put(self, resource: Resource[Any], key: Key, body: dict[str, Any], by: Managers) -> Stored:
        """Keep a new version of an object; the body is the store's from now on."""
        collection = self.collection(resource)
        before = collection.objects.get(key)
        stored = Stored(self._stamped(body), by)
        collection.objects[key] = stored
        self._forget_owners(resource, key, before)
        for owner in stored.owners:
            self._owned.setdefault(str(owner["uid"]), {})[str(resource), key] = None
        self._uids[stored.uid] = (str(resource), key)
        self._record(collection, "MODIFIED" if before else "ADDED", key, stored, before)
        return stored

    def remove(self, resource: Resource[Any], key: Key) -> Stored:
        """Take an object away; its last version carries the version of the removal."""
        collection = self.collection(resource)
        before = collection.objects.pop(key)
        self._forget_owners(resource, key, before)
        self._uids.pop(before.uid, None)
        body = {**before.body, "metadata": dict(before.metadata)}
        last = Stored(self._stamped(body), before.managers)
        self._record(collection, "DELETED", key, last, before)
        return last

    def dependents(self, uid: str) -> list[tuple[Resource[Any], Key, Stored]]:
        """The objects that name `uid` as an owner, in the order in which they came."""
        found = []
        for name, key in self._owned.get(uid, {}):
            collection = self._collections[name]
            found.append((collection.resource, key, collection.objects[key]))
        return found

    def find(self, uid: str) -> tuple[Resource[Any], Key] | None:
        """Where the object with this uid is."""
        place = self._uids.get(uid)
        return (self._collections[place[0]].resource, place[1]) if place else None

    def since(self, resource: Resource[Any], version: int) -> list[Change]:
        """The changes after a version; raises Gone when they are no longer known."""
        collection = self.collection(resource)
        if version < collection.compacted:
            raise Gone(410, "Expired", f"too old resource version: {version}", what=f"{resource}")
        first = bisect_right(collection.changes, version, key=lambda change: change.version)
        return collection.changes[first:]

    def compact(self) -> None:
        """Forget all history: a watch must begin at the present version."""
        for collection in self._collections.values():
            collection.changes.clear()
            collection.compacted = self.version

    @contextmanager
    def listening(self, resource: Resource[Any]) -> Iterator[asyncio.Event]:
        """A bell that rings at each change of a resource."""
        bell = asyncio.Event()
        bells = self.collection(resource).bells
        bells.add(bell)
        try:
            yield bell
        finally:
            bells.discard(bell)

    def ring(self, resource: Resource[Any] | None = None) -> None:
        """Wake the streams of a resource, or all."""
        for collection in self._collections.values():
            if resource is None or collection.resource is resource:
                for bell in collection.bells:
                    bell.set()

    def _stamped(self, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        return body

    def _forget_owners(self, resource: Resource[Any], key: Key, before: Stored | None) -> None:
        for owner in before.owners if before else ():
            self._owned.get(str(owner["uid"]), {}).pop((str(resource), key), None)

    def _record(
        self,
        collection: Collection,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        key: Key,
        after: Stored,
        before: Stored | None,
    ) -> None:
        collection.changes.append(Change(self.version, kind, key, after, before))
        if len(collection.changes) > _HISTORY_MAX:
            cut = _HISTORY_MAX // 2
            collection.compacted = collection.changes[cut - 1].version
            del collection.changes[:cut]
        for bell in collection.bells:
            bell.set()
