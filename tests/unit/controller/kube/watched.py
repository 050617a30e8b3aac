"""A running reflector on a scripted cluster, for the tests of `reflector` and of `following`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS
from controller.kube.port import Gone, Malformed, Page, ServerError, Unreachable
from controller.kube.reflector import Reflector

from .conftest import ScriptedCluster

GONE = Gone(410, "Expired", "too old resource version")
STORM = ServerError(500, "InternalError", "etcd is gone")
BROKEN = Unreachable(0, "BrokenStream", "the stream ended in the middle of a line")


class Watched:
    """A running reflector and what it told."""

    def __init__(self, cluster: ScriptedCluster) -> None:
        self.cluster = cluster
        self.told: list[tuple[str, str]] = []
        self.reflector = Reflector(cluster, CONFIG_MAPS, jitter=lambda: 0.0)  # type: ignore[arg-type]
        self.reflector.on_change(self._hear)

    @property
    def names(self) -> list[str]:
        return sorted(item.name for item in self.reflector.store)

    def _hear(self, old: ConfigMap | Malformed | None, new: ConfigMap | Malformed | None) -> None:
        if old is None:
            assert new is not None
            self.told.append(("new", new.metadata.name))
        elif new is None:
            self.told.append(("gone", old.metadata.name))
        else:
            self.told.append(("changed", new.metadata.name))


@asynccontextmanager
async def running(cluster: ScriptedCluster) -> AsyncIterator[Watched]:
    watched = Watched(cluster)
    task = asyncio.create_task(watched.reflector.run())
    try:
        yield watched
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def page(*items: ConfigMap | Malformed, version: int, next_page: str = "") -> Page[ConfigMap]:
    return Page(items, str(version), next_page)
