"""The operator as a process of its own that can die at a chosen write: for tests only.

    python -m controller.local.operator_process --kubeconfig F --probe F [--die before:contain]

The kill point is here, around the port, and not in the product: `contain` is the first patch of a
route that carries the containment mark, `unpause` the first patch that resumes a Deployment, and a
number n the n-th write of this process. Events are not counted: nothing is decided from them, and a
task of its own writes them at times of its own. `--writes` names a file that gets a line for each
counted write before it is sent. With an `--identity` it stands for election against others.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.api import names
from controller.api.resources import Resource
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.kube.port import PatchOp
from controller.kube.requests import Request
from controller.local.addresses import process_address
from controller.runtime import logs
from controller.runtime.clock import steady_now
from controller.runtime.manager import Operator
from controller.runtime.settings import Settings
from controller.runtime.tools import lend_tools


class MortalServer(ApiServer):
    """Kills the process before or after one kind of write, or the n-th of all."""

    die = ""
    writes: Path | None = None
    count = 0

    async def patch_json(
        self,
        resource: Resource[Any],
        namespace: str,
        name: str,
        operations: Sequence[PatchOp],
        *,
        dry_run: bool = False,
    ) -> Any:
        when, _, what = self.die.partition(":")
        meant = what and what == _name_of(resource, operations)
        if meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        written = await super().patch_json(resource, namespace, name, operations, dry_run=dry_run)
        if meant and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    async def _call(self, request: Request) -> bytes:
        if request.reads or request.resource.startswith(("events", "leases", "serviceaccounts")):
            return await super()._call(request)
        self.count += 1
        if self.writes is not None:
            with self.writes.open("a") as lines:
                lines.write(f"{request.what}\n")
        if self.die == f"before:{self.count}":
            os.kill(os.getpid(), signal.SIGKILL)
        number = self.count
        try:
            return await super()._call(request)
        finally:
            if self.die == f"after:{number}":
                os.kill(os.getpid(), signal.SIGKILL)


def _name_of(resource: Resource[Any], operations: Sequence[PatchOp]) -> str:
    text = str(operations)
    if resource.plural == "httproutes" and names.ABORTED_ANNOTATION.replace("/", "~1") in text:
        marks = [o for o in operations if "aborted" in str(o) and o["op"] == "add" and o["value"]]
        return "contain" if any(_is_mark(o) for o in marks) else ""
    resumed = any(o["path"] == "/spec/paused" and o.get("value") is False for o in operations)
    return "unpause" if resource.plural == "deployments" and resumed else ""


def _is_mark(operation: PatchOp) -> bool:
    value = operation["value"]
    return bool(value.get(names.ABORTED_ANNOTATION)) if isinstance(value, dict) else bool(value)


async def main(arguments: Sequence[str] | None = None) -> None:
    """Run until killed, by itself or by others; SIGTERM ends it in order, its lease let go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--probe", required=True, help="kubeconfig of the probe's account")
    parser.add_argument("--die", default="", help="before:contain, after:7, ...")
    parser.add_argument("--writes", type=Path, help="file for a line about each write")
    parser.add_argument("--identity", default="", help="its name in the Lease; empty: no election")
    parser.add_argument("--status-interval", type=float, default=1.0)
    options = parser.parse_args(arguments)
    logs.configure("text", "info")
    settings = Settings(
        leader_election=bool(options.identity),
        identity=options.identity,
        status_interval_s=options.status_interval,
        port=-1,
    )
    async with (
        MortalServer(Kubeconfig(options.kubeconfig), resend_writes=False) as cluster,
        ApiServer(Kubeconfig(options.probe)) as probe,
        lend_tools(address=process_address) as tools,
    ):
        cluster.die, cluster.writes = options.die, options.writes
        operator = Operator(cluster, tools, settings, now=steady_now(), probe=probe)
        task = asyncio.create_task(operator.run(), name="operator")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with suppress(asyncio.CancelledError):
            await task


if __name__ == "__main__":
    asyncio.run(main())
