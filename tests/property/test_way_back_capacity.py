"""Whatever goes back to stable, what serves is not taken away before stable's pods are there.

Pods take half a minute to get ready here, so that a gap would be seen. In virtual time.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.api.k8s import Pod
from controller.api.resources import DEPLOYMENTS, PODS, REPLICASETS, ROLLOUTS
from controller.core.phases import Phase
from controller.local import shop_objects
from controller.local.controllers.instant_pods import NEVER_READY, WELL, Fate
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest, reached
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime

NS = KEY.namespace
SLOW = Fate(ready_after_s=30.0)
RESTART = "kubectl.kubernetes.io/restartedAt"
WANTED = 4


class SlowShop(ShopWorld):
    """A shop whose new pods take long from some moment on, and whose restart gets stuck."""

    slow = False
    restarted = 0

    def _fate(self, pod: Any) -> Fate:
        if self.slow:
            return SLOW
        if RESTART in pod.metadata.annotations:
            self.restarted += 1
            return WELL if self.restarted < WANTED else NEVER_READY
        return super()._fate(pod)

    async def ready(self) -> list[str]:
        """Images of the ready pods of the Deployment itself."""
        page = await self.admin.list_page(PODS, NS, label_selector=f"app={KEY.name}")
        return [p.spec.containers[0].image for p in page.items if isinstance(p, Pod) and _ready(p)]

    async def least_ready(self, seconds: int) -> int:
        """Fewest ready pods of the Deployment in that time."""
        least = WANTED
        for _ in range(seconds * 4):
            await asyncio.sleep(0.25)
            least = min(least, len(await self.ready()))
        return least

    async def edit(self, template: dict[str, Any], who: str) -> None:
        body = [{"op": "add", "path": "/spec/template", "value": template}]
        await self.cluster.as_user(who).patch_json(DEPLOYMENTS, NS, KEY.name, body)


def _ready(pod: Pod) -> bool:
    if pod.metadata.deletion_timestamp is not None:
        return False
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


async def _back_on_stable(world: SlowShop) -> None:
    images = await world.ready()
    assert (len(images), {i.split(":")[-1] for i in images}) == (WANTED, {"v1"})


async def test_an_aborted_restart_keeps_the_pods_that_are_ready() -> None:
    async with at_rest(SlowShop()) as world:
        await world.edit(shop_objects.template("v1", annotations={RESTART: "now"}), "alice")
        await asyncio.sleep(30)
        world.slow = True
        await world.sign("Abort")
        assert await world.least_ready(200) >= WANTED - 1
        await _back_on_stable(world)


async def test_an_absorb_in_place_that_is_aborted_at_its_end_keeps_the_pods_that_are_ready() -> (
    None
):
    async with SlowShop() as world:
        spec = {"promotion": {"mode": "InPlace"}, "steps": [{"weight": 5}]}
        await world.admin.patch_merge(ROLLOUTS, NS, KEY.name, {"spec": spec})
        await asyncio.sleep(1)
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        for _ in range(600):
            await asyncio.sleep(0.1)
            if world.deployment()["status"].get("updatedReplicas", 0) >= WANTED:
                break
        world.slow = True
        await world.sign("Abort")
        await asyncio.sleep(1)
        assert world.weight() == 0
        assert await world.least_ready(200) >= WANTED - 1
        await _back_on_stable(world)


@pytest.mark.parametrize("lost", [False, True])
async def test_an_edit_that_rolled_out_with_nobody_there_serves_until_stable_is_ready(
    lost: bool,
) -> None:
    async with SlowShop() as world:
        held = {"spec": {"paused": True}}
        await world.admin.patch_merge(ROLLOUTS, NS, KEY.name, held)
        world.start_operator()
        await asyncio.sleep(5)
        await world.kill_operators()
        stable = f"{KEY.name}-{world.rollout().status.stable.hash}"
        await world.edit(shop_objects.template("v2"), names.OPERATOR_ACCOUNT)
        await asyncio.sleep(30)
        if lost:
            await world.cluster.as_user(names.OPERATOR_ACCOUNT).delete(REPLICASETS, NS, stable)
        world.slow = True
        world.start_operator()
        assert await world.least_ready(150) >= WANTED - 1
        await _back_on_stable(world)
