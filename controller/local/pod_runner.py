"""One pod on the local node, from its start to its end: process, readiness, restarts, status.

It runs the first container and nothing else, and only images of the sample shop; of any other it
reports that the image cannot be pulled. The status is written by a task of its own that always
writes the newest facts, so a slow API server delays no process and hides no end. Called by `node`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from controller.api.k8s import Pod
from controller.api.resources import PODS
from controller.kube.port import ApiError, Cluster, Conflict, NotFound
from controller.local import images, pod_status, probes
from controller.local.addresses import process_address
from controller.local.pod_process import PodProcess
from controller.local.pod_status import PodFacts
from controller.runtime.clock import system_now

log = structlog.get_logger(__name__)

_WRITE_AGAIN_S: Final = 0.3


@dataclass(frozen=True)
class RestartWaits:
    """Waits before a restart: `first_s`, then twice as long each time up to `cap_s`.

    A run of `calm_s` makes the next crash a first one. Kubernetes waits 10 s to 5 min.
    """

    first_s: float = 1.0
    cap_s: float = 8.0
    calm_s: float = 30.0

    def wait_s(self, crashes: int) -> float:
        """The wait after so many crashes in a row."""
        return float(min(self.cap_s, self.first_s * 2.0 ** min(crashes - 1, 30)))


USUAL_WAITS: Final = RestartWaits()


@dataclass(frozen=True)
class Node:
    """What all pods of the node share."""

    name: str
    ip: str
    logs: Path
    ledger: Path
    """Where the shops write down the orders that they place."""
    session: aiohttp.ClientSession
    """For probes."""
    waits: RestartWaits = USUAL_WAITS
    now: Callable[[], datetime] = system_now


class PodRunner:
    """Runs one pod until it is asked to stop, and then removes it from the API."""

    def __init__(self, cluster: Cluster, pod: Pod, pod_ip: str, node: Node) -> None:
        self.pod, self.pod_ip = pod, pod_ip
        self._cluster, self._node = cluster, node
        self._facts = PodFacts(pod_ip, node.ip, node.now())
        self._address = process_address(pod_ip)
        self._asked_to_stop, self._unsaid = asyncio.Event(), asyncio.Event()
        self._grace_s = float(pod.spec.termination_grace_period_seconds)
        self._removed = False
        self._log = log.bind(pod=str(pod.key), node=node.name)

    def stop(self, deadline: datetime) -> None:
        """The pod was marked for deletion: its process has until `deadline`."""
        # The mark is cut to whole seconds: one more than it says is what was asked for.
        left_s = (deadline - self._node.now()).total_seconds() + 1.0
        self._grace_s = max(0.0, min(self._grace_s, left_s))
        self._asked_to_stop.set()

    def removed(self) -> None:
        """The pod is no longer in the API: its process ends now."""
        self._grace_s, self._removed = 0.0, True
        self._asked_to_stop.set()

    async def run(self) -> None:
        """From the first status to the removal of the object; cancelled, it kills the process."""
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._write_statuses())
            life = tasks.create_task(self._live())
            await life
            writer.cancel()
        if not self._removed:
            await self._remove()

    # -- the process ---------------------------------------------------------------------------

    async def _live(self) -> None:
        if problem := images.problem(self.pod.spec.containers[0].image):
            return await self._without_image(problem)
        crashes = 0
        while not self._asked_to_stop.is_set():
            started = self._node.now()
            code, tail = await self._run_once()
            if self._asked_to_stop.is_set():
                return None
            ran_s = (self._node.now() - started).total_seconds()
            crashes = 1 if ran_s >= self._node.waits.calm_s else crashes + 1
            await self._wait_for_restart(crashes, code, started, tail)
        return None

    async def _run_once(self) -> tuple[int, str]:
        """One run to its end, its own or the one that was asked for: exit code, end of log."""
        container = self.pod.spec.containers[0]
        name = f"{self.pod.namespace}_{self.pod.name}"
        process = PodProcess(
            name, images.command(container), self._environment(), self._node.logs / f"{name}.log"
        )
        try:
            process.start()
            self._say(state=pod_status.running(self._node.now()))
            async with asyncio.TaskGroup() as tasks:
                probing = tasks.create_task(self._probe())
                ended = tasks.create_task(process.exited())
                asked = tasks.create_task(self._asked_to_stop.wait())
                await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
                for task in (probing, ended, asked):
                    task.cancel()
            code = await process.exited() if not self._asked_to_stop.is_set() else 0
            await process.end(self._grace_s)
        finally:
            process.kill()
        return code, process.tail()

    async def _wait_for_restart(
        self, crashes: int, code: int, started: datetime, tail: str
    ) -> None:
        wait_s = self._node.waits.wait_s(crashes)
        self._log.info("container ended", code=code, crashes=crashes, restart_in_s=wait_s)
        message = f"back-off {wait_s:g}s restarting failed container"
        self._say(
            state=pod_status.waiting(pod_status.CRASH_LOOP, message),
            last_state=pod_status.terminated(code, started, self._node.now(), tail),
            ready=False,
        )
        try:
            async with asyncio.timeout(wait_s):
                await self._asked_to_stop.wait()
        except TimeoutError:
            self._facts = replace(self._facts, restarts=self._facts.restarts + 1)

    async def _without_image(self, problem: str) -> None:
        self._say(state=pod_status.waiting(pod_status.NO_IMAGE, problem))
        try:
            async with asyncio.timeout(self._node.waits.first_s):
                await self._asked_to_stop.wait()
        except TimeoutError:
            self._say(state=pod_status.waiting(pod_status.NO_IMAGE_AGAIN, problem))
            await self._asked_to_stop.wait()

    async def _probe(self) -> None:
        probe = probes.probe_of(self.pod.spec.containers[0])
        if probe is None:
            return self._say(ready=True)
        async with aclosing(probes.readiness(probe, self._address, self._node.session)) as changes:
            async for ready in changes:
                self._say(ready=ready)
        return None

    def _environment(self) -> Mapping[str, str]:
        container = self.pod.spec.containers[0]
        return {
            "SHOP_VERSION": images.version(container.image),
            "SHOP_LEDGER": str(self._node.ledger),
            **{one.name: one.value for one in container.env},
            "POD_NAME": self.pod.name,
            "POD_NAMESPACE": self.pod.namespace,
            "POD_IP": self.pod_ip,
            "BLASTDOOR_BIND": self._address,
            "PORT": str(probes.port_of(container)),
        }

    # -- the API -------------------------------------------------------------------------------

    def _say(
        self,
        *,
        state: pod_status.State | None = None,
        last_state: pod_status.State | None = None,
        ready: bool | None = None,
    ) -> None:
        """Notes new facts; the writer will tell the API server."""
        facts = self._facts
        if ready is not None and ready != facts.ready:
            facts = replace(facts, ready=ready, ready_since=self._node.now())
        self._facts = replace(
            facts,
            state=facts.state if state is None else state,
            last_state=facts.last_state if last_state is None else last_state,
        )
        self._unsaid.set()

    async def _write_statuses(self) -> None:
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            body = pod_status.patch(self.pod, self._facts)
            try:
                await self._cluster.patch_merge(
                    PODS, self.pod.namespace, self.pod.name, body, subresource="status"
                )
            except NotFound:
                self.removed()
            except ApiError as error:
                self._log.warning("pod status not written", why=str(error))
                self._unsaid.set()
                await asyncio.sleep(_WRITE_AGAIN_S)

    async def _remove(self) -> None:
        """Takes the object away, as a node does once the process has ended."""
        metadata = self.pod.metadata
        while True:
            try:
                return await self._cluster.delete(
                    PODS, metadata.namespace, metadata.name, uid=metadata.uid, grace_s=0
                )
            except (NotFound, Conflict):
                return None
            except ApiError as error:
                self._log.warning("pod not removed", why=str(error))
                await asyncio.sleep(_WRITE_AGAIN_S)
