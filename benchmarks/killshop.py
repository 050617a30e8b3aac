"""One shop on the real control plane whose operator is a process that can be killed at any write.

It is the vocabulary of `kills`: release, start the operator, wait for its death or for rest, look
at the end. The route is *watched*, so no state of it is missed between two looks. The load goes on
all the time. Knows nothing of cases and tables.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import ends
from benchmarks.shopstate import all_of, objects_of
from controller.api.k8s import HTTPRoute
from controller.api.kinds import Change
from controller.api.meta import Object
from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    CHANGES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    HTTP_ROUTES,
    ROLLOUTS,
    Resource,
)
from controller.core.phases import Phase
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.kube.port import NotFound, Unreachable
from controller.local import deploying, shop_objects
from controller.local.controlplane import ControlPlane
from controller.local.process import Process
from controller.local.stack import LocalStack

T = TypeVar("T", bound=Object)
NAME = shop_objects.NAME
ROUTE = "shop"
RATE = 100.0
SEED = 13
WITHIN_S = 90.0
QUIET_S = 1.5
"""Rest is when nothing was written for so long, and the Rollout says so."""
KEPT = 2
"""Changes and revisions that each case finds: histories that fill up would change its writes."""
ANALYSIS: Mapping[str, Any] = {
    "provider": {"scrape": {"port": 8080}}, "tick": "1s", "bake": "0s", "coverHarmAfter": "1s",
    "warmUp": "0s", "maxMissing": "90%",
    "metrics": [
        {"name": "orders", "harm": "Decrease", "events": "orders_total",
         "exposures": "http_requests_total", "margin": {"40": "50%", "80": "50%"}},
    ],
}  # fmt: skip
ROLLOUT: Mapping[str, Any] = {
    "workload": {"name": NAME},
    "traffic": {"service": NAME, "routes": [{"kind": "HTTPRoute", "name": ROUTE}]},
    "steps": [{"weight": 40}, {"weight": 80}],
    "analysis": [{"template": "shop"}],
    "promotion": {"holdback": 5, "watch": "1s"},
    "limits": {"drain": "1s", "progressDeadline": "40s"},
}
BAD = {"SHOP_LOSE_ORDERS": "0.99"}


@dataclass
class KillShop:
    """What a case does and sees."""

    plane: ControlPlane
    admin: ApiServer
    stack: LocalStack
    namespace: str
    seen: list[ends.Seen] = field(default_factory=list)
    """Every state of the route so far."""
    _started: int = 0

    # -- doing ----------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """The first version is under a Rollout, at rest, and no operator runs."""
        body = {"metadata": {"name": "shop"}, "spec": dict(ANALYSIS)}
        await self.admin.create(ANALYSIS_TEMPLATES, self.namespace, body)
        body = {"metadata": {"name": NAME}, "spec": dict(ROLLOUT)}
        await self.admin.create(ROLLOUTS, self.namespace, body)
        with self.operator() as running:
            await deploying.until(
                lambda: self.admin.get(ROLLOUTS, self.namespace, NAME),
                lambda r: r.status.phase == "Stable", WITHIN_S, "adoption",
            )  # fmt: skip
            await running.quiet()

    async def release(self, version: str, *, bad: bool) -> None:
        """An author edits the Deployment."""
        template = shop_objects.template(version, env=BAD if bad else None)
        await deploying.edit_template(self.admin, template, namespace=self.namespace)

    async def tidy(self) -> None:
        """Old Changes and revisions go, while no operator runs."""
        kinds: tuple[Resource[Any], ...] = (CHANGES, CONTROLLER_REVISIONS)
        for resource in kinds:
            items = await all_of(self.admin, resource, self.namespace)
            items.sort(key=lambda item: item.metadata.resource_version.zfill(20))
            for item in items[:-KEPT]:
                with suppress(NotFound):
                    await self.admin.delete(resource, self.namespace, item.name)

    def operator(self, die: str = "") -> Running:
        """The operator as a process; leaving the context kills it."""
        self._started += 1
        writes = self.stack.folder / f"writes-{self._started}.txt"
        writes.touch()
        command = [
            sys.executable, "-m", "controller.local.operator_process",
            "--kubeconfig", str(self.plane.kubeconfig("operator")),
            "--probe", str(self.plane.kubeconfig("probe")),
            # The product's own interval: no write that only a clock asks for moves the numbers.
            "--status-interval", "30", "--writes", str(writes),
        ]  # fmt: skip
        log = self.stack.folder / f"operator-{self._started}.log"
        return Running(
            Process("operator", [*command, *(["--die", die] if die else [])], log), writes
        )

    # -- looking --------------------------------------------------------------------------------

    async def ended(self, version: str) -> bool:
        """The release is over and the Rollout rests on it."""
        rollout = await self.admin.get(ROLLOUTS, self.namespace, NAME)
        mine = [
            c for c in await all_of(self.admin, CHANGES, self.namespace) if _proposes(c, version)
        ]
        return rollout.status.phase in ("Stable", "Rejected") and any(
            c.status.phase == Phase.FINISHED and c.name == rollout.status.change for c in mine
        )

    async def look(self, new: str, before: str) -> ends.End:
        """The state as it is now."""
        return ends.read(await objects_of(self.admin, self.namespace, NAME, ROUTE), new, before)

    async def watch_route(self) -> None:
        """Takes down each state of the route; goes on where a connection ended."""
        since = (await self.admin.list_page(HTTP_ROUTES, self.namespace)).resource_version
        while True:
            with suppress(Unreachable):
                events = self.admin.watch(HTTP_ROUTES, self.namespace, since=since)
                async for event in events:
                    since = event.resource_version
                    if isinstance(event.object, HTTPRoute):
                        self.seen.append(ends.seen(event.object))


@dataclass
class Running:
    """One life of the operator."""

    process: Process
    _writes: Path

    def __enter__(self) -> Running:
        self.process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()

    @property
    def died(self) -> bool:
        """It has killed itself."""
        return self.process.returncode is not None

    @property
    def writes(self) -> list[str]:
        """What it has sent so far."""
        return self._writes.read_text().splitlines()

    async def quiet(self) -> None:
        """Returns once it has written nothing for a while; at once when it is dead."""
        loop = asyncio.get_running_loop()
        count, since = len(self.writes), loop.time()
        while not self.died and loop.time() - since < QUIET_S:
            await asyncio.sleep(deploying.LOOK_EVERY_S)
            if len(self.writes) != count:
                count, since = len(self.writes), loop.time()


def _proposes(change: Change, version: str) -> bool:
    return change.spec.target.images[0].endswith(f":{version}")


@asynccontextmanager
async def shop_on(plane: ControlPlane, namespace: str) -> AsyncIterator[KillShop]:
    """Two pods of v1 behind Envoy under load, adopted; no operator runs."""
    async with (
        ApiServer(Kubeconfig(str(plane.kubeconfig()))) as admin,
        LocalStack(admin, namespace=namespace) as stack,
    ):
        shop = KillShop(plane, admin, stack, namespace)
        await deploying.put_shop(admin, "v1", namespace=namespace, replicas=2, route=ROUTE)
        await deploying.until_rolled_out(admin, namespace=namespace)
        # The absorb is one wave of pods and not two.
        surge = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": "100%"}}}}
        await admin.patch_merge(DEPLOYMENTS, namespace, NAME, surge)
        watch = asyncio.create_task(shop.watch_route(), name="watch of the route")
        try:
            async with stack.load(RATE, seed=SEED):
                await shop.adopt()
                yield shop
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
