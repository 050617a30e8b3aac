"""Pods of the stable arm, watched only while a run reads them: an idle Rollout watches none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from controller.api import names
from controller.api.k8s import Pod
from controller.api.meta import Key
from controller.api.resources import PODS
from controller.kube.port import Cluster
from controller.kube.reflector import Reflector


class StablePods:
    """One narrow watch for each run in hand: the pods of one pod-template-hash."""

    def __init__(self, cluster: Cluster, changed: Callable[[Key], None]) -> None:
        self._cluster, self._changed = cluster, changed
        self._watches: dict[Key, tuple[str, Reflector[Pod], asyncio.Task[None]]] = {}

    def of(self, key: Key, stable_hash: str) -> tuple[Pod, ...]:
        """The pods as far as they are known; the first call starts the watch."""
        known = self._watches.get(key)
        if known is None or known[0] != stable_hash:
            self.forget(key)
            known = self._watches[key] = self._start(key, stable_hash)
        return tuple(known[1].store)

    def forget(self, key: Key) -> None:
        """The run is over."""
        known = self._watches.pop(key, None)
        if known is not None:
            known[2].cancel()

    async def close(self) -> None:
        """End every watch and wait for it."""
        tasks = [task for _, _, task in self._watches.values()]
        for key in list(self._watches):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: Key, stable_hash: str) -> tuple[str, Reflector[Pod], asyncio.Task[None]]:
        selector = f"{names.HASH_LABEL}={stable_hash}"
        reflector = Reflector(self._cluster, PODS, key.namespace, selector)
        reflector.on_change(lambda _old, _new: self._changed(key))
        return stable_hash, reflector, asyncio.create_task(reflector.run(), name=f"pods of {key}")
