"""One shop on the real control plane with the operator at work, as people would see it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.api.k8s import HTTPRoute
from controller.api.kinds import Change, Rollout
from controller.api.names import ABORTED_ANNOTATION
from controller.api.resources import ANALYSIS_TEMPLATES, CHANGES, HTTP_ROUTES, ROLLOUTS
from controller.core.phases import Phase
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local import deploying, shop_objects
from controller.local.addresses import process_address
from controller.local.pod_runner import RestartWaits
from controller.local.process import Process
from controller.local.stack import LocalStack
from controller.runtime.clock import steady_now
from controller.runtime.manager import Operator
from controller.runtime.settings import Settings
from controller.runtime.tools import lend_tools
from tests.plugins.real_cluster import RealCluster

NAME = shop_objects.NAME
CANARY = f"{NAME}-canary"
MANIFESTS = Path(__file__).parents[2] / "manifests"
RATE = 300.0
WITHIN_S = 90.0
METRICS = [
    {"name": "orders", "harm": "Decrease", "events": "orders_total",
     "exposures": "http_requests_total", "margin": {"5": "50%", "50": "30%"}, "weight": 0.5},
    {"name": "errors", "harm": "Increase", "events": 'http_requests_total{code=~"5.."}',
     "exposures": "http_requests_total", "weight": 0.5,
     "tolerated": {"ratio": 1.1, "difference": "0.05%"},
     "margin": {"5": {"ratio": 2, "difference": "20%"}, "50": {"ratio": 2, "difference": "10%"}}},
]  # fmt: skip
ANALYSIS: dict[str, Any] = {
    "provider": {"scrape": {"port": 8080}}, "tick": "1s", "bake": "0s", "coverHarmAfter": "2s",
    "warmUp": "0s", "maxMissing": "90%", "metrics": METRICS,
}  # fmt: skip


def rollout(*, routed: bool = True, **more: Any) -> dict[str, Any]:
    """The spec of the shop's Rollout with short waits."""
    traffic: dict[str, Any] = {"service": NAME}
    if routed:
        traffic["routes"] = [{"kind": "HTTPRoute", "name": "shop"}]
    spec: dict[str, Any] = {
        "workload": {"name": NAME},
        "traffic": traffic,
        "steps": [{"weight": 5}, {"weight": 50}],
        "analysis": [{"template": "shop"}],
        "promotion": {"holdback": 2, "watch": "2s"},
        "limits": {"drain": "1s", "progressDeadline": "40s", "hold": "5m"},
    }
    return spec | more


@dataclass
class Shop:
    """What a test does and sees."""

    plane: RealCluster
    admin: ApiServer
    stack: LocalStack
    namespace: str
    operator: Operator | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    # -- people ---------------------------------------------------------------------------------

    async def adopt(self, *, analysis: Mapping[str, Any] = ANALYSIS, **more: Any) -> None:
        """Template and Rollout; waits until it is at rest."""
        template = {"metadata": {"name": "shop"}, "spec": dict(analysis)}
        await self.admin.create(ANALYSIS_TEMPLATES, self.namespace, template)
        await self.put_rollout(**more)
        await self.until_phase("Stable")

    async def put_rollout(self, name: str = NAME, **more: Any) -> None:
        """Only the Rollout."""
        body = {"metadata": {"name": name}, "spec": rollout(**more)}
        await self.admin.create(ROLLOUTS, self.namespace, body)

    async def release(self, version: str, **more: Any) -> None:
        """An author edits the Deployment."""
        template = shop_objects.template(version, **more)
        await deploying.edit_template(self.admin, template, namespace=self.namespace)

    async def sign(self, decision: str, user: str = "admin") -> None:
        """`kubectl create -f` of a Signoff."""
        manifest = {
            "apiVersion": "blastdoor.dev/v1alpha1",
            "kind": "Signoff",
            "metadata": {"generateName": f"{decision.lower()}-", "namespace": self.namespace},
            "spec": {"rollout": NAME, "decision": decision, "reason": "asked for by the test"},
        }
        await self.plane.kubectl("create", "-f", "-", input=json.dumps(manifest), user=user)

    # -- looking --------------------------------------------------------------------------------

    async def rollout(self) -> Rollout:
        return await self.admin.get(ROLLOUTS, self.namespace, NAME)

    async def route(self) -> HTTPRoute:
        return await self.admin.get(HTTP_ROUTES, self.namespace, "shop")

    async def changes(self) -> list[Change]:
        page = await self.admin.list_page(CHANGES, self.namespace)
        return [c for c in page.items if isinstance(c, Change)]

    async def change_of(self, version: str) -> Change | None:
        """The Change that proposes a version."""
        image = f":{version}"
        found = [c for c in await self.changes() if c.spec.target.images[0].endswith(image)]
        return found[-1] if found else None

    async def weight(self) -> float:
        """The canary's share as the route says it, in percent."""
        refs = (await self.route()).spec.rules[0].backend_refs
        total = sum(r.weight for r in refs)
        return 100 * sum(r.weight for r in refs if r.name == CANARY) / total if total else 0.0

    async def marked(self) -> bool:
        """The route carries the containment mark."""
        return bool((await self.route()).metadata.annotations.get(ABORTED_ANNOTATION))

    async def until_phase(self, *phases: str) -> Rollout:
        return await deploying.until(
            self.rollout, lambda r: r.status.phase in phases, WITHIN_S, f"phase {phases}"
        )

    async def until_reason(self, reason: str) -> Rollout:
        return await deploying.until(
            self.rollout, lambda r: r.status.reason == reason, WITHIN_S, f"reason {reason}"
        )

    async def until_weight(self, least: float) -> None:
        await deploying.until(self.weight, lambda w: w >= least, WITHIN_S, f"weight {least}%")

    async def ended(self, version: str) -> Change:
        """The Change of a version after its end."""
        change = await deploying.until(
            lambda: self.change_of(version),
            lambda c: c is not None and c.status.phase == Phase.FINISHED,
            WITHIN_S,
            f"the end of {version}",
        )
        assert change is not None
        return change

    # -- the operator ---------------------------------------------------------------------------

    async def start_process(self, die: str = "") -> Process:
        """The operator as a process that may kill itself at a named write."""
        command = [
            sys.executable, "-m", "controller.local.operator_process",
            "--kubeconfig", str(self.plane.kubeconfig("operator")),
            "--probe", str(self.plane.kubeconfig("probe")),
        ]  # fmt: skip
        log = self.stack.folder / f"operator-{len(self.processes)}.log"
        process = Process("operator", [*command, *(["--die", die] if die else [])], log)
        process.start()
        self.processes.append(process)
        return process


@asynccontextmanager
async def shop_on(
    plane: RealCluster, namespace: str, *, operator: bool = True, route: str = "shop"
) -> AsyncIterator[Shop]:
    """Three pods of v1 behind Envoy, and the operator in this process."""
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(ApiServer(Kubeconfig(str(plane.kubeconfig()))))
        waits = RestartWaits(first_s=0.2, cap_s=0.4, calm_s=30.0)
        local = await stack.enter_async_context(LocalStack(admin, namespace=namespace, waits=waits))
        shop = Shop(plane, admin, local, namespace)
        if operator:
            shop.operator = await stack.enter_async_context(operator_on(plane))
        await deploying.put_shop(admin, "v1", namespace=namespace, route=route)
        await deploying.until_rolled_out(admin, namespace=namespace)
        try:
            yield shop
        finally:
            for process in shop.processes:
                await process.stop()


@asynccontextmanager
async def operator_on(plane: RealCluster) -> AsyncIterator[Operator]:
    """The operator, with its own account's rights and no others."""
    settings = Settings(leader_election=False, status_interval_s=1.0, port=-1)
    async with (
        ApiServer(Kubeconfig(str(plane.kubeconfig("operator")))) as cluster,
        ApiServer(Kubeconfig(str(plane.kubeconfig("probe")))) as probe,
        lend_tools(address=process_address) as tools,
    ):
        operator = Operator(cluster, tools, settings, now=steady_now(), probe=probe)
        task = asyncio.create_task(operator.run(), name="operator")
        try:
            yield operator
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
