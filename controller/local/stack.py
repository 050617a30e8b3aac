"""The local stack: node agent, gateway and sample shop beside any cluster.

    async with LocalStack(cluster) as stack:
        await deploying.put_shop(cluster, "v1")
        async with stack.load(rate=300):
            ...
        print(stack.ledger.read().summary())

It speaks to the cluster through the port only, so that the cluster in memory and the real one get
the same pods, the same Envoy and the same traffic. Whatever it started ends with it. Called by the
demo, benchmarks and end-to-end tests.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import structlog

from controller.kube.memory import MemoryCluster
from controller.kube.port import Cluster
from controller.local.controllers.machinery import run_controllers
from controller.local.envoy import Envoy
from controller.local.gateway import Gateway
from controller.local.ledger import LedgerFolder
from controller.local.load_process import LoadProcess
from controller.local.node import NodeAgent
from controller.local.pod_runner import USUAL_WAITS, RestartWaits
from controller.runtime.clock import system_now

log = structlog.get_logger(__name__)

_STARTED_WITHIN_S: Final = 30.0

Beside = Callable[[], Coroutine[Any, Any, None]]
"""Something else to run as long as the stack runs."""


def controllers_of(memory: MemoryCluster, now: Callable[[], datetime] = system_now) -> Beside:
    """The controllers that a cluster in memory lacks, for `LocalStack(memory, beside=...)`."""
    return lambda: run_controllers(memory.as_user, now)


class LocalStack:
    """Node agent, gateway and shop; an async context manager.

    `cluster` acts as someone who may do all that nodes and gateways do (admin on a real one). Given
    a `namespace`, it takes pods and routes of that one only: several stacks may share a cluster.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str = "",
        folder: Path | None = None,
        beside: Sequence[Beside] = (),
        waits: RestartWaits = USUAL_WAITS,
        gateway_port: int = 0,
    ) -> None:
        self.cluster = cluster
        self._given_folder, self._beside = folder, beside
        self._namespace, self._waits, self._gateway_port = namespace, waits, gateway_port
        self._started = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="local stack")
        self._task.add_done_callback(_tell)
        started = asyncio.create_task(self._started.wait())
        try:
            async with asyncio.timeout(_STARTED_WITHIN_S):
                await asyncio.wait((self._task, started), return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self._end()
            raise
        finally:
            started.cancel()
        if self._task.done():
            await self._task  # raises what went wrong
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.result()  # raises what had gone wrong

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            if self._given_folder is None:
                made = tempfile.TemporaryDirectory(prefix="blastdoor-local-")
                self.folder = Path(stack.enter_context(made))
            else:
                self.folder = self._given_folder
            agent = NodeAgent(
                self.cluster, self.folder, namespace=self._namespace, waits=self._waits
            )
            self.ledger = LedgerFolder(agent.ledger)
            self.envoy = Envoy(self.folder / "envoy", self._gateway_port)
            await stack.enter_async_context(self.envoy)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            for beside in self._beside:
                tasks.create_task(beside())
            tasks.create_task(agent.run())
            tasks.create_task(Gateway(self.cluster, self.envoy, namespace=self._namespace).run())
            self._started.set()

    # -- using it ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where shoppers go."""
        return self.envoy.url

    def load(
        self, rate: float, *, seed: int = 1, run_name: str = "", session_delay_s: float = 0.0
    ) -> LoadProcess:
        """Shoppers in a process of their own; their orders stand in `ledger`."""
        return LoadProcess(
            self.url,
            rate,
            folder=self.ledger.folder,
            seed=seed,
            run_name=run_name,
            session_delay_s=session_delay_s,
        )


def _tell(task: asyncio.Task[None]) -> None:
    """Says at once what the end of the stack will raise."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("local stack failed", why=repr(error))
