"""How objects go: finalizers, grace of pods, owners by each propagation, end of a namespace.

On a real cluster the garbage collector and the namespace controller do this a moment later; here it
happens within the call. Admission is not asked: those two are exempt from every rule of ours.
Called by `memory_server` after each write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from controller.api.meta import Key
from controller.api.resources import NAMESPACES, Resource
from controller.kube import memory_schema as schema
from controller.kube.memory_patch import copy_json
from controller.kube.memory_store import Store, Stored
from controller.kube.port import Propagation
from controller.kube.timestamps import stamp

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_OVER: Final = ("Succeeded", "Failed")
"""Phases of a pod that needs no grace."""


class Collector:
    """Deletes, and finishes what a deletion waits for."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def delete(
        self,
        resource: Resource[Any],
        key: Key,
        propagation: Propagation,
        grace_s: int | None = None,
    ) -> None:
        """Mark an object, and remove it when nothing holds it."""
        stored = self._store.get(resource, key)
        if stored is None:
            return
        body: dict[str, Any] = copy_json(stored.body)
        metadata = body["metadata"]
        waits = [
            name for name in metadata.get("finalizers", ()) if name not in (ORPHAN, FOREGROUND)
        ]
        if propagation != "Background":
            waits.append(ORPHAN if propagation == "Orphan" else FOREGROUND)
        grace = _grace_s(resource, body, grace_s)
        metadata.pop("finalizers", None)
        if waits:
            metadata["finalizers"] = waits
        if "deletionTimestamp" not in metadata:
            ends = self._now() + timedelta(seconds=grace)
            metadata["deletionTimestamp"] = stamp(ends)
            metadata["deletionGracePeriodSeconds"] = grace
            if schema.has_generation(resource):
                metadata["generation"] = metadata.get("generation", 0) + 1
        elif grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionGracePeriodSeconds"] = grace
        if resource.plural == NAMESPACES.plural:
            body["status"] = {"phase": "Terminating"}
        if waits or grace > 0 or resource.plural == NAMESPACES.plural:
            if body == stored.body:
                return  # Deleting what is already going changes nothing.
            self._store.put(resource, key, body, stored.managers)
            self.settle(resource, key)
        else:
            self._remove(resource, key)

    def settle(self, resource: Resource[Any], key: Key) -> None:
        """Whatever a new version of an object sets off: its own end, or that of an orphan."""
        stored = self._store.get(resource, key)
        if stored is None:
            return
        if stored.metadata.get("deletionTimestamp"):
            self._finish(resource, key, stored)
        elif stored.owners and not self._owners_left(stored):
            self.delete(resource, key, "Background")

    def _finish(self, resource: Resource[Any], key: Key, stored: Stored) -> None:
        waits = stored.metadata.get("finalizers") or []
        if FOREGROUND in waits:
            self._delete_dependents(stored)
            if self._store.get(resource, key) is stored and not self._blocking(stored.uid):
                self._drop_finalizer(resource, key, FOREGROUND)
        elif ORPHAN in waits:
            self._release_dependents(stored)
            self._drop_finalizer(resource, key, ORPHAN)
        elif resource.plural == NAMESPACES.plural:
            self._empty(key.name)
        elif not waits and not stored.metadata.get("deletionGracePeriodSeconds"):
            self._remove(resource, key)

    def _delete_dependents(self, owner: Stored) -> None:
        for resource, key, dependent in self._store.dependents(owner.uid):
            if dependent.metadata.get("deletionTimestamp"):
                continue
            if self._owners_left(dependent, but=owner.uid):
                self._forget_owner(resource, key, owner.uid)
                continue
            deeper = bool(self._store.dependents(dependent.uid))
            self.delete(resource, key, "Foreground" if deeper else "Background")

    def _release_dependents(self, owner: Stored) -> None:
        for resource, key, _ in self._store.dependents(owner.uid):
            self._forget_owner(resource, key, owner.uid)

    def _blocking(self, uid: str) -> bool:
        return any(
            reference.get("blockOwnerDeletion")
            for _, _, dependent in self._store.dependents(uid)
            for reference in dependent.owners
            if reference["uid"] == uid
        )

    def _owners_left(self, stored: Stored, but: str = "") -> bool:
        return any(
            self._store.find(str(owner["uid"])) is not None
            for owner in stored.owners
            if owner["uid"] != but
        )

    def _forget_owner(self, resource: Resource[Any], key: Key, uid: str) -> None:
        stored = self._store.get(resource, key)
        if stored is None:
            return
        body: dict[str, Any] = copy_json(stored.body)
        kept = [owner for owner in stored.owners if owner["uid"] != uid]
        body["metadata"].pop("ownerReferences", None)
        if kept:
            body["metadata"]["ownerReferences"] = copy_json(kept)
        self._store.put(resource, key, body, stored.managers)

    def _drop_finalizer(self, resource: Resource[Any], key: Key, name: str) -> None:
        stored = self._store.get(resource, key)
        if stored is None or name not in (stored.metadata.get("finalizers") or ()):
            return
        body: dict[str, Any] = copy_json(stored.body)
        body["metadata"]["finalizers"].remove(name)
        if not body["metadata"]["finalizers"]:
            del body["metadata"]["finalizers"]
        self._store.put(resource, key, body, stored.managers)
        self.settle(resource, key)

    def _remove(self, resource: Resource[Any], key: Key) -> None:
        last = self._store.remove(resource, key)
        for dependent_resource, dependent_key, dependent in self._store.dependents(last.uid):
            if self._owners_left(dependent):
                self._forget_owner(dependent_resource, dependent_key, last.uid)
            elif not dependent.metadata.get("deletionTimestamp"):
                self.delete(dependent_resource, dependent_key, "Background")
        for owner in last.owners:
            place = self._store.find(str(owner["uid"]))
            if place is not None:
                self.settle(*place)
        if key.namespace:
            self.settle(NAMESPACES, Key("", key.namespace))

    def _empty(self, namespace: str) -> None:
        inside = [
            (collection.resource, key, stored)
            for collection in self._store.collections()
            for key, stored in collection.objects.items()
            if key.namespace == namespace
        ]
        for resource, key, stored in inside:
            if not stored.metadata.get("deletionTimestamp"):
                self.delete(resource, key, "Background")
        place = Key("", namespace)
        gone = self._store.get(NAMESPACES, place) is None
        if not gone and not any(
            key.namespace == namespace
            for collection in self._store.collections()
            for key in collection.objects
        ):
            self._store.remove(NAMESPACES, place)


def _grace_s(resource: Resource[Any], body: dict[str, Any], asked: int | None) -> int:
    """Seconds that a pod on a node is given to end; everything else ends at once."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if resource.plural != "pods" or not spec.get("nodeName") or status.get("phase") in _OVER:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30)) if asked is None else asked
