"""What an idle operator costs: requests, memory and processor time with one Rollout at rest.

The operator runs as a process of its own on a real API server, as its own account. What it sends is
counted by its own metric of requests, read at the start and the end of the window.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import record
from controller.api.resources import ANALYSIS_TEMPLATES, ROLLOUTS
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local import deploying
from controller.local.controlplane import ControlPlane
from controller.local.demo import story
from controller.local.demo.stage import KEY, MANIFESTS
from controller.local.process import Process, free_ports
from controller.local.stack import LocalStack

SETTLE_S = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write `idle.json`."""
    parser = argparse.ArgumentParser(prog="benchmarks.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    options = parser.parse_args(arguments)
    numbers = asyncio.run(_measure(options.seconds))
    sys.stdout.write(record.table(numbers) + "\n")
    sys.stdout.write(f"written: {record.write('idle', numbers)}\n")
    return 0


async def _measure(seconds: float) -> dict[str, object]:
    async with ControlPlane() as plane:
        await plane.install_manifests(MANIFESTS)
        async with (
            ApiServer(Kubeconfig(str(plane.kubeconfig()))) as admin,
            LocalStack(admin, namespace=KEY.namespace) as stack,
        ):
            (port,) = free_ports(1)
            command = [
                sys.executable, "-m", "controller.cli.main", "run", "--port", str(port),
                "--kubeconfig", str(plane.kubeconfig("operator")),
            ]  # fmt: skip
            operator = Process("operator", command, stack.folder / "operator.log")
            operator.start()
            try:
                await deploying.put_shop(admin, "v1")
                await deploying.until_rolled_out(admin)
                await _adopt(admin)
                await asyncio.sleep(SETTLE_S)
                return await _window(operator, port, seconds)
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


async def _window(operator: Process, port: int, seconds: float) -> dict[str, object]:
    assert operator.pid is not None
    before, cpu_before = await _sent(port), _cpu_s(operator.pid)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    after, cpu_after = await _sent(port), _cpu_s(operator.pid)
    passed = time.monotonic() - began
    sent = {k: n - before.get(k, 0) for k, n in after.items() if n > before.get(k, 0)}
    known = {k: n for k, n in sent.items() if _expected(k)}
    return {
        "seconds": round(passed, 1),
        "requests": sum(n for k, n in sent.items() if k not in known),
        "watches_lease_probe": {" ".join(k): n for k, n in sorted(known.items())},
        "other": {" ".join(k): n for k, n in sorted(sent.items()) if k not in known},
        "rss_mb": round(_rss_mb(operator.pid), 1),
        "cpu_cores": round((cpu_after - cpu_before) / passed, 4),
    }


def _expected(what: tuple[str, str]) -> bool:
    """Watches, the lease, and the probe: its dry-run patch of a Deployment, and its token."""
    verb, resource = what
    if verb == "watch" or resource.startswith("leases"):
        return True
    return "serviceaccounts" in resource or (verb == "patch" and resource.startswith("deployments"))


async def _sent(port: int) -> dict[tuple[str, str], int]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as a:
        text = await a.text()
    found: dict[tuple[str, str], int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "blastdoor_kube_requests_total":
                key = (sample.labels["verb"], sample.labels["resource"])
                found[key] = found.get(key, 0) + int(sample.value)
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
