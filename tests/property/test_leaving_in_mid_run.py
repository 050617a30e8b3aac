"""Rollout and Change deleted together in mid-run: traffic goes home before the canary does.

In virtual time, with pods that take half a minute to start from then on.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.api.k8s import Pod
from controller.api.resources import CHANGES, DEPLOYMENTS, HTTP_ROUTES, PODS, ROLLOUTS
from controller.core.phases import Phase
from controller.local.controllers.instant_pods import Fate
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

NS = KEY.namespace
DRAIN_S = 20
LONG_S = DRAIN_S + 400
SLOW = Fate(ready_after_s=30.0)


class SlowShop(ShopWorld):
    """New pods take long from some moment on."""

    slow = False

    def _fate(self, pod: Any) -> Fate:
        return SLOW if self.slow else super()._fate(pod)

    async def ready(self, role: str = "") -> list[str]:
        """Images of the ready pods of one arm."""
        page = await self.admin.list_page(PODS, NS)
        pods = [p for p in page.items if isinstance(p, Pod) and _ready(p)]
        of_arm = [p for p in pods if p.metadata.labels.get(names.ROLE_LABEL, "") == role]
        return [p.spec.containers[0].image for p in of_arm]

    async def leave(self) -> None:
        """`kubectl delete changes,rollouts --all`."""
        await self.admin.delete(CHANGES, NS, self.changes()[-1].name)
        await self.admin.delete(ROLLOUTS, NS, KEY.name)


def _ready(pod: Pod) -> bool:
    if pod.metadata.deletion_timestamp is not None:
        return False
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


async def _half_absorbed(world: SlowShop) -> None:
    for _ in range(600):
        await asyncio.sleep(0.05)
        body = world.deployment()
        if not body["spec"].get("paused") and body["status"].get("updatedReplicas"):
            return
    raise AssertionError("never half way")


async def _goes_in_order(world: SlowShop) -> None:
    """Until the Rollout is gone whoever the route sends to has pods, and the canary drains."""
    last_share = asyncio.get_running_loop().time()
    for _ in range(LONG_S * 4):
        await asyncio.sleep(0.25)
        canary, now = await world.ready(names.ROLE_CANARY), asyncio.get_running_loop().time()
        if world.weight() > 0:
            last_share = now
        if now < last_share + DRAIN_S - 1:
            assert canary
        if world.weight() < 100:
            assert len(await world.ready()) >= 3
        if body_of(world.cluster, ROLLOUTS, KEY.name) is None:
            return
    raise AssertionError(f"still there: {world.rollout().status.message}")


@pytest.mark.parametrize("phase", [Phase.WATCHING, Phase.ABSORBING])
@pytest.mark.parametrize("mode", ["ShiftThenAbsorb", "InPlace"])
async def test_nobody_loses_what_serves_him(phase: Phase, mode: str) -> None:
    if mode == "InPlace" and phase is Phase.WATCHING:
        phase = Phase.STEPPING
    async with SlowShop(drain=f"{DRAIN_S}s") as world:
        mode_only = {"spec": {"promotion": {"mode": mode}}}
        await world.admin.patch_merge(ROLLOUTS, NS, KEY.name, mode_only)
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, phase, weight=5)
        if phase is Phase.ABSORBING:
            await _half_absorbed(world)
        world.slow = True
        await world.leave()
        await _goes_in_order(world)
        await asyncio.sleep(30)
        assert set(await world.ready()) == {"blastdoor/shop:v1"}
        body = world.deployment()
        assert names.ROLLOUT_LABEL not in body["metadata"]["labels"]
        assert body["spec"]["paused"]
        assert names.LEFT_PAUSED_ANNOTATION in body["metadata"]["annotations"]
        assert body_of(world.cluster, DEPLOYMENTS, f"{KEY.name}-canary") is None
        route: Any = body_of(world.cluster, HTTP_ROUTES, "shop")
        (backend,) = route["spec"]["rules"][0]["backendRefs"]
        assert backend["name"] == KEY.name
