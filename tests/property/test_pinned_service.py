"""Where pods make the share, containment never leaves a Service without a ready pod.

In virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controller.api import names
from controller.api.k8s import Pod
from controller.api.resources import DEPLOYMENTS, PODS, SERVICES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest, reached
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

NS = KEY.namespace
HASH = "/spec/selector/pod-template-hash"


class ByPods(ShopWorld):
    """A shop without a route."""

    def __init__(self, **limits: str) -> None:
        super().__init__(**limits)
        by_pods = {"traffic": {"service": KEY.name}, "steps": [{"weight": 50}]}
        self._rollout = self._rollout | by_pods

    def selector(self) -> dict[str, str]:
        body = body_of(self.cluster, SERVICES, KEY.name)
        assert body is not None
        return dict(body["spec"]["selector"])

    async def served_by(self) -> list[str]:
        """Images of the ready pods that the Service selects."""
        labels = ",".join(f"{k}={v}" for k, v in self.selector().items())
        page = await self.admin.list_page(PODS, NS, label_selector=labels)
        return [p.spec.containers[0].image for p in page.items if isinstance(p, Pod) and _ready(p)]


def _ready(pod: Pod) -> bool:
    if pod.metadata.deletion_timestamp is not None:
        return False
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


@asynccontextmanager
async def in_mid_run() -> AsyncIterator[ByPods]:
    async with at_rest(ByPods(drain="30s")) as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await asyncio.sleep(1.5)
        yield world


async def _replaced(world: ByPods, version: str) -> None:
    """`kubectl replace --force`, or a deletion and an apply."""
    mighty: Any = world.cluster.as_user(names.OPERATOR_ACCOUNT)
    await mighty.delete(DEPLOYMENTS, NS, KEY.name)
    await asyncio.sleep(0.2)
    body = shop_objects.deployment(shop_objects.template(version), replicas=4)
    await world.admin.create(DEPLOYMENTS, NS, body)


@pytest.mark.parametrize("aborted", [False, True])
async def test_a_deployment_that_is_made_anew_in_mid_run_keeps_its_service(aborted: bool) -> None:
    async with in_mid_run() as world:
        if aborted:  # and so pinned to the old one's pods
            await world.sign("Abort")
            await asyncio.sleep(2)
        await _replaced(world, "v3")
        await asyncio.sleep(3)
        for _ in range(200):
            await asyncio.sleep(0.25)
            assert any(image.endswith("v3") for image in await world.served_by())
        assert world.changes()[0].status.phase == Phase.FINISHED
        assert "pod-template-hash" not in world.selector()


async def test_a_pin_that_somebody_takes_off_is_set_again() -> None:
    async with in_mid_run() as world:
        await world.sign("Abort")
        await asyncio.sleep(1)
        off = [{"op": "remove", "path": HASH}]
        await world.admin.patch_json(SERVICES, NS, KEY.name, off)
        await asyncio.sleep(1)
        assert {image[-2:] for image in await world.served_by()} == {"v1"}
        await reached(world, Phase.FINISHED)
        assert world.changes()[0].status.outcome == Outcome.ABORTED
