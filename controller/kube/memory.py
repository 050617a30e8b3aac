"""A cluster in memory: the port of `port.py` with the manners of an API server.

For the demo on a bare machine and tests in virtual time. It has versions,
409 and 410, pages, bookmarks, subresources, owners of fields, finalizers, garbage collection and
admission; `tests/contract/` holds it to what a real server does. It needs no socket and no thread,
and it runs no controllers: those of `controller/local/controllers/` are clients like any other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, TypeVar

from controller.api.meta import Key, Object
from controller.api.names import FIELD_MANAGER, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE
from controller.api.resources import NAMESPACES, Resource
from controller.kube import settings
from controller.kube.decoding import decode_object
from controller.kube.memory_admission import Admission
from controller.kube.memory_births import Actor, Write
from controller.kube.memory_faults import Call, Faults
from controller.kube.memory_ownership import Managers
from controller.kube.memory_patch import copy_json, json_patch, merge_patch
from controller.kube.memory_rules import scale_of
from controller.kube.memory_server import Server
from controller.kube.memory_store import Stored
from controller.kube.memory_watch import Lists, snapshot, watch
from controller.kube.port import Invalid, Malformed, Page, PatchOp, Propagation, WatchEvent

T = TypeVar("T", bound=Object)
_NAMESPACES: Final = ("default", "kube-system", OPERATOR_NAMESPACE)
_BINDING: Final = "/binding"


class MemoryCluster:
    """One user's view of a cluster; `as_user` gives the view of another."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        admission: Sequence[Admission] = (),
        namespaces: Iterable[str] = _NAMESPACES,
        user: str = OPERATOR_ACCOUNT,
    ) -> None:
        """A new cluster. `now` gives aware UTC facts; mutating admission comes first."""
        self._server = Server(now, admission)
        self._lists = Lists()
        self.now = now
        self.faults = Faults(self._server.store, user)
        self._actor = Actor(user, _manager_of(user))
        for name in namespaces:
            body = {"metadata": {"name": name}}
            self._server.create(Actor("system:apiserver", "apiserver"), NAMESPACES, "", body)
        self.journal.clear()

    def as_user(self, user: str, manager: str = "") -> MemoryCluster:
        """The same cluster with another identity, and another field manager."""
        view = object.__new__(MemoryCluster)
        view.__dict__ = self.__dict__ | {"_actor": Actor(user, manager or _manager_of(user))}
        return view

    @property
    def user(self) -> str:
        """Who acts through this view."""
        return self._actor.user

    @property
    def journal(self) -> list[Write]:
        """Every write that was carried out, by anyone, in order."""
        return self._server.journal

    @property
    def version(self) -> int:
        """The newest resourceVersion."""
        return self._server.store.version

    @property
    def admission(self) -> list[Admission]:
        """What is asked before a write; a test may add to it or clear it."""
        return self._server.admission

    def compact(self) -> None:
        """Forget history: older watches and page tokens are answered with Gone."""
        self._server.store.compact()
        self._lists.forget()

    def body(self, resource: Resource[Any], namespace: str, name: str) -> dict[str, Any]:
        """The whole object as JSON, for tests and for showing."""
        found: dict[str, Any] = copy_json(self._existing(resource, Key(namespace, name)).body)
        return found

    def managers(self, resource: Resource[Any], namespace: str, name: str) -> Managers:
        """Who owns which fields of an object."""
        return self._existing(resource, Key(namespace, name)).managers

    async def get(self, resource: Resource[T], namespace: str, name: str) -> T:
        """`Cluster.get`."""
        key = _key(resource, namespace, name)
        return await self._call(resource, "get", name, lambda: self._existing(resource, key))

    async def list_page(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        limit: int = settings.PAGE_SIZE,
        page: str = "",
    ) -> Page[T]:
        """`Cluster.list_page`."""
        call = Call(self.user, "list", resource)
        await self.faults.on_the_way(call)
        if page:
            return self._lists.following(resource, page, limit)
        found = self.faults.stale(call) or snapshot(self._server.store, resource)
        return self._lists.first(resource, found, namespace, label_selector, limit)

    async def watch(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        since: str,
        label_selector: str = "",
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[WatchEvent[T]]:
        """`Cluster.watch`: never ends by itself."""
        call = Call(self.user, "watch", resource)
        await self.faults.on_the_way(call)
        if opened is not None:
            opened()
        store = self._server.store
        stream = watch(store, self.faults, call, resource, namespace, since, label_selector)
        async with aclosing(stream) as events:
            async for event in events:
                yield event

    async def create(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> T:
        """`Cluster.create`; also of the `binding` of a pod."""
        if resource.plural.endswith(_BINDING):
            pod, node = resource.plural.split("/")[1], body["target"]["name"]
            key = Key(namespace, pod)
            return await self._call(
                resource, "bind", pod, lambda: self._server.bind(self._actor, key, node)
            )
        name = str((body.get("metadata") or {}).get("name", ""))
        return await self._call(
            resource,
            "create",
            name,
            lambda: self._server.create(self._actor, resource, namespace, body),
        )

    async def apply(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        force: bool = True,
    ) -> T:
        """`Cluster.apply`, with this view's field manager."""
        key = _key(resource, namespace, name)
        return await self._call(
            resource,
            "apply",
            name,
            lambda: self._server.apply(self._actor, resource, key, body, force=force),
        )

    async def patch_json(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        operations: Sequence[PatchOp],
        *,
        dry_run: bool = False,
    ) -> T:
        """`Cluster.patch_json`."""
        return await self._patch(
            resource, namespace, name, lambda old: json_patch(old, operations), dry_run=dry_run
        )

    async def patch_merge(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> T:
        """`Cluster.patch_merge`."""
        return await self._patch(
            resource, namespace, name, lambda old: merge_patch(old, body), subresource=subresource
        )

    async def replace(
        self, resource: Resource[T], namespace: str, name: str, body: Mapping[str, Any]
    ) -> T:
        """PUT, as `kubectl replace` does. Not in the port: our own code never replaces."""
        return await self._patch(
            resource, namespace, name, lambda _: copy_json(dict(body)), verb="replace"
        )

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
        """`Cluster.delete`."""
        key, call = _key(resource, namespace, name), Call(self.user, "delete", resource, name)
        await self.faults.on_the_way(call)
        self._server.delete(
            self._actor, resource, key, uid=uid, propagation=propagation, grace_s=grace_s
        )
        await self.faults.on_the_way_back(call)

    async def _patch(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        subresource: str = "",
        dry_run: bool = False,
        verb: str = "patch",
    ) -> T:
        key = _key(resource, namespace, name)

        def carry_out() -> Stored:
            made = self._server.update(
                self._actor,
                resource,
                key,
                change,
                subresource=subresource,
                dry_run=dry_run,
                verb=verb,
            )
            return Stored(scale_of(made.body)) if subresource == "scale" else made

        return await self._call(resource, verb, name, carry_out)

    async def _call(
        self, resource: Resource[T], verb: str, name: str, carry_out: Callable[[], Stored]
    ) -> T:
        """There, at once and whole, and back."""
        call = Call(self.user, verb, resource, name)
        await self.faults.on_the_way(call)
        stored = carry_out()
        await self.faults.on_the_way_back(call)
        found = decode_object(resource, stored.raw)
        if isinstance(found, Malformed):
            raise Invalid(200, "Malformed", found.problem, what=call.what)
        return found

    def _existing(self, resource: Resource[Any], key: Key) -> Stored:
        return self._server.existing(resource, key)


def _key(resource: Resource[Any], namespace: str, name: str) -> Key:
    return Key(namespace if resource.namespaced else "", name)


def _manager_of(user: str) -> str:
    return FIELD_MANAGER if user == OPERATOR_ACCOUNT else user.rsplit(":", 1)[-1]
