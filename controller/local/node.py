"""The local node: takes the pods that nobody has taken yet, and runs each as a process.

A node agent that knows one program, the sample shop. It makes its Node object, binds pending pods,
and starts a `PodRunner` for each; all of it through the port of a cluster, so that it serves the
one in memory and the real one alike. When it ends, however it ends, no process is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from controller.api.k8s import Pod
from controller.api.meta import Object
from controller.api.resources import NODES, PODS, Resource
from controller.kube.port import AlreadyExists, ApiError, Cluster, Conflict, Invalid, NotFound
from controller.kube.reflector import Reflector
from controller.kube.store import Seen
from controller.kube.timestamps import stamp
from controller.local.addresses import Addresses
from controller.local.pod_runner import USUAL_WAITS, Node, PodRunner, RestartWaits
from controller.runtime.clock import system_now

log = structlog.get_logger(__name__)

_BIND_AGAIN_S: Final = 0.3
_DISOWN_WITHIN_S: Final = 2.0


class NodeAgent:
    """One node; `run` it as a task of its own and cancel it to end everything."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *,
        name: str = "local",
        namespace: str = "",
        waits: RestartWaits = USUAL_WAITS,
        now: Callable[[], datetime] = system_now,
    ) -> None:
        self.name, self._cluster = name, cluster
        self.ledger, self._logs = folder / "ledger", folder / "pods"
        for made in (self.ledger, self._logs):
            made.mkdir(parents=True, exist_ok=True)
        self._waits, self._now = waits, now
        self._pods = Reflector(cluster, PODS, namespace)
        self._pods.on_change(self._look)
        self._runners: dict[str, PodRunner] = {}
        """By UID of the pod."""
        self._binding: set[str] = set()

    async def run(self) -> None:
        """Runs pods until cancelled; then kills every process."""
        self._addresses = Addresses()
        # As a real node does it: a fresh connection for each probe.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        try:
            async with aiohttp.ClientSession(connector=connector) as session:
                self._node = Node(
                    self.name,
                    self._addresses.node_ip,
                    self._logs,
                    self.ledger,
                    session,
                    self._waits,
                    self._now,
                )
                await self._register()
                try:
                    async with asyncio.TaskGroup() as self._tasks:
                        self._tasks.create_task(self._pods.run())
                finally:
                    await self._disown()
        finally:
            self._addresses.close()

    async def _register(self) -> None:
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"}
        with suppress(AlreadyExists):
            await self._cluster.create(
                NODES, "", {"metadata": {"name": self.name, "labels": labels}}
            )
        now = stamp(self._now())
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "LocalNode",
            "message": "runs pods of the sample shop as processes of one machine",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        address = {"type": "InternalIP", "address": self._addresses.node_ip}
        status = {"conditions": [ready], "addresses": [address]}
        await self._cluster.patch_merge(
            NODES, "", self.name, {"status": status}, subresource="status"
        )

    async def _disown(self) -> None:
        """Our processes are dead: their pods must not look alive, nor hold up their namespace."""
        ours = [pod for pod in self._pods.store if pod.spec.node_name == self.name]
        with suppress(TimeoutError):
            async with asyncio.timeout(_DISOWN_WITHIN_S):
                await asyncio.gather(*(self._remove(pod) for pod in ours))

    async def _remove(self, pod: Pod) -> None:
        # The server may well be gone before us; then so are its pods.
        with suppress(ApiError):
            await self._cluster.delete(
                PODS, pod.namespace, pod.name, uid=pod.metadata.uid, grace_s=0
            )

    # -- what the API server shows -------------------------------------------------------------

    def _look(self, old: Seen[Pod] | None, new: Seen[Pod] | None) -> None:
        """One change of one pod."""
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._forget(old.metadata.uid)
        if not isinstance(new, Pod) or not new.spec.containers:
            return
        if not new.spec.node_name:
            self._take(new)
        elif new.spec.node_name == self.name:
            self._serve(new)

    def _forget(self, uid: str) -> None:
        if runner := self._runners.get(uid):
            runner.removed()

    def _take(self, pod: Pod) -> None:
        """A pod of nobody becomes ours, once."""
        uid = pod.metadata.uid
        if uid in self._binding or pod.metadata.deletion_timestamp is not None:
            return
        self._binding.add(uid)
        task = self._tasks.create_task(self._bind(pod))
        task.add_done_callback(lambda _: self._binding.discard(uid))

    def _serve(self, pod: Pod) -> None:
        uid, deadline = pod.metadata.uid, pod.metadata.deletion_timestamp
        if uid not in self._runners:
            runner = PodRunner(self._cluster, pod, self._addresses.allocate(), self._node)
            self._runners[uid] = runner
            self._tasks.create_task(self._run(runner))
        if deadline is not None:
            self._runners[uid].stop(deadline)

    # -- what the node does --------------------------------------------------------------------

    async def _run(self, runner: PodRunner) -> None:
        try:
            await runner.run()
        finally:
            self._runners.pop(runner.pod.metadata.uid, None)
            self._addresses.release(runner.pod_ip)

    async def _bind(self, pod: Pod) -> None:
        while True:
            try:
                return await self._bind_once(pod)
            except (NotFound, Conflict, Invalid):
                return None  # gone, taken by another, or on its way out
            except ApiError as error:
                log.warning("pod not bound", pod=str(pod.key), why=str(error))
                await asyncio.sleep(_BIND_AGAIN_S)

    async def _bind_once(self, pod: Pod) -> None:
        binding = Resource("", "v1", f"pods/{pod.name}/binding", "Binding", Object)
        body = {
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.metadata.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self.name},
        }
        await self._cluster.create(binding, pod.namespace, body)
