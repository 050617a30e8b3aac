"""What an idle operator costs: requests, memory and processor time with one Rollout at rest.

The operator runs as a process of its own on a real API server, as its own account. What it asks is
counted by the server's audit log. Exit code 1 when it asks for anything but watches, its lease and
one probe a minute, or needs more memory than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import audit, record
from controller.api.resources import ANALYSIS_TEMPLATES, ROLLOUTS
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local import deploying
from controller.local.controlplane import ControlPlane
from controller.local.demo import story
from controller.local.demo.stage import KEY, MANIFESTS
from controller.local.process import Process
from controller.local.stack import LocalStack

SETTLE_S: Final = 15.0
SECONDS: Final = 300.0
RSS_LIMIT_MB: Final = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write `idle.json`; 1 over a limit."""
    parser = argparse.ArgumentParser(prog="benchmarks.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args(arguments)
    begun = record.begin()
    numbers = asyncio.run(_measure(options.seconds))
    return record.conclude("idle", numbers, begun, over(numbers), seed=None)


def over(numbers: Mapping[str, Any]) -> list[str]:
    """What is over its limit, in words."""
    seconds = numbers["seconds"]
    # The window may begin just before one probe and end just after another.
    probes, tokens = int(seconds // 60) + 1, int(seconds // 3600) + 1
    found = []
    if numbers["requests"]:
        found.append(f"{numbers['requests']} requests that nobody needs: {numbers['other']}")
    if numbers["probes"] > probes:
        found.append(f"{numbers['probes']} probes in {seconds:g} s, one a minute is the limit")
    if numbers["tokens"] > tokens:
        found.append(f"{numbers['tokens']} tokens in {seconds:g} s, one an hour is the limit")
    if numbers["rss_mb"] > RSS_LIMIT_MB:
        found.append(f"{numbers['rss_mb']} MB resident, {RSS_LIMIT_MB:g} MB is the limit")
    return found


async def _measure(seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="blastdoor-audit-") as made:
        folder = Path(made)
        async with ControlPlane(apiserver_flags=audit.flags(folder)) as plane:
            await plane.install_manifests(MANIFESTS)
            async with (
                ApiServer(Kubeconfig(str(plane.kubeconfig()))) as admin,
                LocalStack(admin, namespace=KEY.namespace) as stack,
            ):
                command = [
                    sys.executable, "-m", "controller.cli.main", "run", "--port", "0",
                    "--kubeconfig", str(plane.kubeconfig("operator")),
                ]  # fmt: skip
                operator = Process("operator", command, stack.folder / "operator.log")
                operator.start()
                try:
                    await deploying.put_shop(admin, "v1")
                    await deploying.until_rolled_out(admin)
                    await _adopt(admin)
                    await asyncio.sleep(SETTLE_S)
                    return await _window(operator, audit.log(folder), seconds)
                finally:
                    await operator.stop()


async def _adopt(admin: ApiServer) -> None:
    body = {"metadata": {"name": "shop"}, "spec": story.ANALYSIS}
    await admin.create(ANALYSIS_TEMPLATES, KEY.namespace, body)
    body = {"metadata": {"name": KEY.name}, "spec": story.ROLLOUT}
    await admin.create(ROLLOUTS, KEY.namespace, body)
    await deploying.until(
        lambda: admin.get(ROLLOUTS, KEY.namespace, KEY.name),
        lambda r: r.status.phase == "Stable",
        60.0,
        "a stable Rollout",
    )


async def _window(operator: Process, log: Path, seconds: float) -> dict[str, Any]:
    assert operator.pid is not None
    begin, cpu_before, began = datetime.now(UTC), _cpu_s(operator.pid), time.monotonic()
    await asyncio.sleep(seconds)
    end, cpu_after = datetime.now(UTC), _cpu_s(operator.pid)
    passed = time.monotonic() - began
    operator.raise_if_dead()
    lines = await asyncio.to_thread(log.read_text)
    counts = audit.count(lines.splitlines(), begin, end)
    return {
        "seconds": round(passed, 1),
        "requests": sum(counts.other.values()),
        **dataclasses.asdict(counts),
        "rss_mb": round(_rss_mb(operator.pid), 1),
        "cpu_cores": round((cpu_after - cpu_before) / passed, 4),
    }


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
