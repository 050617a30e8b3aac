"""The frame of a small controller: reflectors fill a queue, one worker looks at one key at a time.

A look reads what it needs afresh from the cluster, so a stale cache can never make it create twice;
the reflectors only say *when* to look. All waits are on loop time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NoReturn, TypeVar

import structlog

from controller.api.meta import Key, Object
from controller.api.resources import Resource
from controller.kube.port import ApiError, Cluster, Malformed
from controller.kube.queue import WorkQueue
from controller.kube.reflector import Reflector
from controller.kube.store import Seen, Store

T = TypeVar("T", bound=Object)
Look = Callable[[Key], Awaitable[float | None]]
"""Brings one object a step nearer to its desire; the seconds until the next look, if any."""

log = structlog.get_logger(__name__)


def _steady() -> float:
    """Jitter is for many clients of one server; these are few and should be repeatable."""
    return 0.5


class Loop:
    """Looks at a key whenever something that concerns it has changed."""

    def __init__(self, name: str, cluster: Cluster, look: Look) -> None:
        self._name, self._cluster, self._look = name, cluster, look
        self._queue: WorkQueue[Key] = WorkQueue(jitter=_steady)
        self._reflectors: list[Reflector[Any]] = []

    def follow(self, resource: Resource[T], concerns: Callable[[T], Iterable[Key]]) -> Store[T]:
        """Queue what a changed object concerns, as it was and as it is."""
        reflector = Reflector(self._cluster, resource, jitter=_steady)

        def changed(old: Seen[T] | None, new: Seen[T] | None) -> None:
            for seen in (old, new):
                if seen is not None and not isinstance(seen, Malformed):
                    for key in concerns(seen):
                        self._queue.add(key)

        reflector.on_change(changed)
        self._reflectors.append(reflector)
        return reflector.store

    async def run(self) -> None:
        """Follow and look, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for reflector in self._reflectors:
                tasks.create_task(reflector.run())
            for reflector in self._reflectors:
                await reflector.synced.wait()
            await self._work()

    async def _work(self) -> NoReturn:
        while True:
            key = await self._queue.get()
            try:
                again_s = await self._look(key)
            except ApiError as error:
                wait_s = self._queue.retry(key)
                log.debug(
                    "look again", controller=self._name, key=str(key), why=str(error), wait_s=wait_s
                )
            else:
                self._queue.forget(key)
                if again_s is not None:
                    self._queue.add(key, delay_s=again_s)
            finally:
                self._queue.done(key)


def own_key(item: Object) -> Iterable[Key]:
    """An object concerns itself."""
    return (item.key,)


def controller_of(item: Object, kind: str) -> Iterable[Key]:
    """The key of the object of a kind that manages this one."""
    owner = next((one for one in item.metadata.owner_references if one.controller), None)
    return (Key(item.namespace, owner.name),) if owner and owner.kind == kind else ()


async def everything(cluster: Cluster, resource: Resource[T], namespace: str) -> list[T]:
    """All well-formed objects of a namespace, read now."""
    found: list[T] = []
    token = ""
    while True:
        page = await cluster.list_page(resource, namespace, page=token)
        found += [item for item in page.items if not isinstance(item, Malformed)]
        token = page.next_page
        if not token:
            return found
