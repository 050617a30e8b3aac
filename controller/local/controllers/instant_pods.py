"""A node agent without processes: pods come up after a while, or fail as they are told to.

For tests and simulation in virtual time. It binds a pod, reports it running and ready, restarts one
that crashes, and removes one that is deleted when its time to stop is over. What a pod does is a
function of the pod, so an image can be declared broken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from controller.api.k8s import Pod
from controller.api.meta import Key, Object
from controller.api.resources import NODES, PODS, Resource
from controller.kube.port import AlreadyExists, ApiError, Cluster, Malformed
from controller.kube.reflector import Reflector
from controller.kube.store import Seen
from controller.kube.timestamps import stamp

NODE: Final = "instant"
IDENTITY: Final = f"system:node:{NODE}"
_RESTART_S: Final = 10.0
_RESTART_MAX_S: Final = 300.0
"""The back-off of a kubelet: 10 s, doubled at each crash, at most 5 min."""


@dataclass(frozen=True)
class Fate:
    """What becomes of a pod: how long until it is ready and until it has stopped, and its fault."""

    ready_after_s: float = 1.0
    stops_after_s: float = 0.5
    fault: Literal["", "crash-loop", "never-ready"] = ""


WELL: Final = Fate()
CRASH_LOOP: Final = Fate(fault="crash-loop")
NEVER_READY: Final = Fate(fault="never-ready")


def by_image(fates: Mapping[str, Fate], otherwise: Fate = WELL) -> Callable[[Pod], Fate]:
    """The fate of a pod by the image of its first container."""
    return lambda pod: fates.get(pod.spec.containers[0].image, otherwise)


class InstantPods:
    """Runs all pods of a cluster, or of one namespace."""

    def __init__(
        self,
        cluster: Cluster,
        now: Callable[[], datetime],
        fate: Callable[[Pod], Fate] = lambda _: WELL,
        namespace: str = "",
    ) -> None:
        self._cluster, self._now, self._fate = cluster, now, fate
        self._pods = Reflector(cluster, PODS, namespace, jitter=lambda: 0.5)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping: set[str] = set()
        self._addresses = 0

    async def run(self) -> None:
        """Until cancelled."""
        await self._register()
        async with asyncio.TaskGroup() as tasks:

            def changed(_: Seen[Pod] | None, new: Seen[Pod] | None) -> None:
                if new is not None and not isinstance(new, Malformed):
                    self._take(tasks, new)

            self._pods.on_change(changed)
            tasks.create_task(self._pods.run())

    async def _register(self) -> None:
        """A real EndpointSlice controller passes over pods of a node that it does not know."""
        with contextlib.suppress(AlreadyExists):
            await self._cluster.create(NODES, "", {"metadata": {"name": NODE}})

    def _take(self, tasks: asyncio.TaskGroup, pod: Pod) -> None:
        uid = pod.metadata.uid
        if pod.metadata.deletion_timestamp is not None:
            if uid not in self._stopping:
                self._stopping.add(uid)
                tasks.create_task(self._stop(pod))
        elif uid not in self._running and (not pod.spec.node_name or pod.spec.node_name == NODE):
            self._running[uid] = tasks.create_task(self._start(pod))

    async def _start(self, pod: Pod) -> None:
        fate = self._fate(pod)
        try:
            if not pod.spec.node_name:
                await self._bind(pod.key)
            address = self._address()
            await self._report(pod, address, ready=False)
            if fate.fault == "crash-loop":
                await self._crash(pod, address)
            elif not fate.fault:
                await asyncio.sleep(fate.ready_after_s)
                await self._report(pod, address, ready=True)
        except ApiError:
            return  # Gone, or given to another node: there is nothing left to run.

    async def _crash(self, pod: Pod, address: str) -> None:
        restarts = 0
        while True:
            await asyncio.sleep(min(_RESTART_MAX_S, _RESTART_S * 2**restarts))
            restarts += 1
            await self._report(pod, address, ready=False, restarts=restarts)

    async def _stop(self, pod: Pod) -> None:
        uid = pod.metadata.uid
        if (running := self._running.pop(uid, None)) is not None:
            running.cancel()
        await asyncio.sleep(self._fate(pod).stops_after_s)
        try:
            await self._cluster.delete(PODS, pod.namespace, pod.name, uid=uid, grace_s=0)
        except ApiError:
            return  # Somebody was first.
        finally:
            self._stopping.discard(uid)

    async def _bind(self, key: Key) -> None:
        binding = Resource("", "v1", f"pods/{key.name}/binding", "Binding", Object)
        body = {"metadata": {"name": key.name}, "target": {"kind": "Node", "name": NODE}}
        await self._cluster.create(binding, key.namespace, body)

    async def _report(self, pod: Pod, address: str, *, ready: bool, restarts: int = 0) -> None:
        now = stamp(self._now())
        state: dict[str, Any] = {"running": {"startedAt": now}}
        last: dict[str, Any] = {}
        if restarts:
            state = {"waiting": {"reason": "CrashLoopBackOff"}}
            last = {"terminated": {"exitCode": 1, "reason": "Error"}}
        conditions = [
            {"type": kind, "status": "True" if well else "False", "lastTransitionTime": now}
            for kind, well in (("Ready", ready), ("ContainersReady", ready), ("PodScheduled", True))
        ]
        containers = [
            {
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": ready,
                "started": ready,
                "restartCount": restarts,
                "state": state,
                "lastState": last,
            }
            for container in pod.spec.containers
        ]
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "conditions": conditions,
            "containerStatuses": containers,
        }
        body = {"metadata": {"uid": pod.metadata.uid}, "status": status}
        await self._cluster.patch_merge(PODS, pod.namespace, pod.name, body, subresource="status")

    def _address(self) -> str:
        self._addresses += 1
        high, low = divmod(self._addresses, 250)
        return f"10.64.{high}.{low + 1}"
