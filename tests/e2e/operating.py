"""The operator of the end-to-end tests: in this process, or as one that can be killed.

Either way it has its own account's rights and no others, and the probe has the probe's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig, Source
from controller.local import deploying
from controller.local.addresses import process_address
from controller.local.process import Process
from controller.runtime.clock import Now, steady_now
from controller.runtime.manager import Operator
from controller.runtime.settings import Settings
from controller.runtime.tools import lend_tools
from tests.plugins.real_cluster import RealCluster

DIES_WITHIN_S = 90.0


@asynccontextmanager
async def operator_on(
    plane: RealCluster,
    *,
    source: Source | None = None,
    now: Now | None = None,
    identity: str = "",
) -> AsyncIterator[Operator]:
    """The operator in this process, while the block lasts.

    `source` is another way to the API server than its kubeconfig (a proxy with faults). With an
    `identity` it stands for election.
    """
    settings = Settings(
        leader_election=bool(identity), identity=identity, status_interval_s=1.0, port=-1
    )
    source = source or Kubeconfig(str(plane.kubeconfig("operator")))
    async with (
        ApiServer(source, resend_writes=False) as cluster,
        ApiServer(Kubeconfig(str(plane.kubeconfig("probe")))) as probe,
        lend_tools(address=process_address) as tools,
    ):
        operator = Operator(cluster, tools, settings, now=now or steady_now(), probe=probe)
        task = asyncio.create_task(operator.run(), name="operator")
        try:
            yield operator
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def operator_process(
    plane: RealCluster, folder: Path, *, die: str = "", identity: str = ""
) -> AsyncIterator[Process]:
    """The operator as a process, stopped at the end of the block if it still lives.

    `die` names the write at which it kills itself; with an `identity` it stands for election.
    """
    command = [
        sys.executable, "-m", "controller.local.operator_process",
        "--kubeconfig", str(plane.kubeconfig("operator")),
        "--probe", str(plane.kubeconfig("probe")),
        *(["--die", die] if die else []),
        *(["--identity", identity] if identity else []),
    ]  # fmt: skip
    log = folder / f"operator-{identity or die.replace(':', '-') or 'again'}.log"
    process = Process("operator", command, log)
    process.start()
    try:
        yield process
    finally:
        await process.stop()


async def death_of(process: Process) -> int:
    """Waits until the process has ended; its return code."""

    async def look() -> int | None:
        return process.returncode

    code = await deploying.until(look, lambda c: c is not None, DIES_WITHIN_S, "its death")
    assert code is not None
    return code
