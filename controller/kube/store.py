"""What a reflector has seen: objects by key, by named indexes, and the malformed ones apart.

Only the reflector writes here, and only what the server listed or streamed: pushing the answer of
one's own write in would let an older event overwrite a newer one for good. Readers get frozen
objects, so no copy is made. Pure: no clock, no socket.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from controller.api.meta import Key, Object
from controller.kube.port import Malformed

T = TypeVar("T", bound=Object)
Seen: TypeAlias = T | Malformed
"""An object as the server holds it: decoded, or named with what is wrong with it."""
Index: TypeAlias = Callable[[T], Iterable[Hashable]]
"""Under which values an object is found again, as the UIDs of its owners."""


class Change(NamedTuple, Generic[T]):
    """One difference: `old` is None for a new object, `new` is None for one that is gone."""

    old: Seen[T] | None
    new: Seen[T] | None


class Store(Generic[T]):
    """The cache of one resource."""

    def __init__(self, indexes: Mapping[str, Index[T]] | None = None) -> None:
        self._indexes = dict(indexes or {})
        self._objects: dict[Key, T] = {}
        self._malformed: dict[Key, Malformed] = {}
        self._found: dict[str, dict[Hashable, dict[Key, T]]] = {name: {} for name in self._indexes}
        self._version = ""

    # -- reading -------------------------------------------------------------------------------

    def get(self, key: Key) -> T | None:
        """The object, or None when it is absent or malformed."""
        return self._objects.get(key)

    def by(self, index: str, value: Hashable) -> tuple[T, ...]:
        """The objects found under a value of a named index, in the order of their keys."""
        found = self._found[index].get(value, {})
        return tuple(found[key] for key in sorted(found))

    def seen(self, key: Key) -> Seen[T] | None:
        """The object, well or malformed."""
        return self._objects.get(key) or self._malformed.get(key)

    @property
    def malformed(self) -> Mapping[Key, Malformed]:
        """The objects that our struct refuses, by key."""
        return MappingProxyType(self._malformed)

    @property
    def newest_version(self) -> str:
        """How far this cache has come: every change up to this version is in it."""
        return self._version

    def __iter__(self) -> Iterator[T]:
        # A copy: a reader may await between two objects, and the reflector goes on meanwhile.
        return iter(tuple(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, key: Key) -> bool:
        return key in self._objects

    # -- writing, for the reflector ------------------------------------------------------------

    def put(self, new: Seen[T]) -> Change[T]:
        """Takes an object in, in place of what had its key."""
        key = key_of(new)
        old = self._drop(key)
        if isinstance(new, Malformed):
            self._malformed[key] = new
        else:
            self._objects[key] = new
            for bucket in self._buckets(new):
                bucket[key] = new
        return Change(old, new)

    def remove(self, key: Key) -> Change[T] | None:
        """Lets an object go; None when it was not there."""
        old = self._drop(key)
        return None if old is None else Change(old, None)

    def replace(self, items: Iterable[Seen[T]], version: str) -> list[Change[T]]:
        """Makes the content equal to a fresh list, and answers exactly what differed.

        An object that was deleted and made anew under its name is a deletion and an addition.
        """
        fresh = {key_of(item): item for item in items}
        known: dict[Key, Seen[T]] = {**self._objects, **self._malformed}
        changes: list[Change[T]] = []
        for key, old in known.items():
            if _gone(old, fresh.get(key)):
                self._drop(key)
                changes.append(Change(old, None))
        for key, new in fresh.items():
            had = self.seen(key)
            if had is None or had.metadata.resource_version != new.metadata.resource_version:
                changes.append(self.put(new))
        self._version = version
        return changes

    def advance(self, version: str) -> None:
        """The server has told all there is up to `version`."""
        if version:
            self._version = version

    def _drop(self, key: Key) -> Seen[T] | None:
        if (old := self._objects.pop(key, None)) is None:
            return self._malformed.pop(key, None)
        for name, index in self._indexes.items():
            for value in index(old):
                self._forget(name, value, key)
        return old

    def _forget(self, name: str, value: Hashable, key: Key) -> None:
        bucket = self._found[name].get(value)
        if bucket is not None:
            bucket.pop(key, None)
            if not bucket:
                del self._found[name][value]

    def _buckets(self, item: T) -> Iterator[dict[Key, T]]:
        for name, index in self._indexes.items():
            for value in index(item):
                yield self._found[name].setdefault(value, {})


def key_of(item: Object | Malformed) -> Key:
    """Namespace and name, also of a malformed object."""
    return Key(item.metadata.namespace, item.metadata.name)


def owner_uids(item: Object) -> tuple[str, ...]:
    """An index by owner: the ReplicaSets of a Deployment, and the like."""
    return tuple(owner.uid for owner in item.metadata.owner_references)


def _gone(old: Seen[T], new: Seen[T] | None) -> bool:
    return new is None or new.metadata.uid != old.metadata.uid
