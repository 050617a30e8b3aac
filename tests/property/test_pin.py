"""Containment without a route, in virtual time: the Service stays pinned to the stable pods."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.api.resources import SERVICES
from controller.core.phases import Outcome, Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest, reached
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime


class PodsWorld(ShopWorld):
    """The share follows the pods."""

    def __init__(self, **limits: str) -> None:
        super().__init__(**limits)
        steps = [{"weight": 50}]
        self._rollout = self._rollout | {"traffic": {"service": KEY.name}, "steps": steps}


def selector(world: ShopWorld) -> dict[str, Any]:
    body = body_of(world.cluster, SERVICES, KEY.name)
    assert body is not None
    return dict(body["spec"]["selector"])


async def test_a_pin_that_somebody_takes_off_is_set_again_until_the_canary_is_gone() -> None:
    async with at_rest(PodsWorld(drain="30s")) as world:
        unpinned = selector(world)
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await asyncio.sleep(1.5)
        await world.sign("Abort")
        await asyncio.sleep(1)
        pinned = selector(world)
        assert pinned == {**unpinned, names.HASH_LABEL: world.rollout().status.stable.hash}
        pin = f"/spec/selector/{names.HASH_LABEL}"
        off = [{"op": "remove", "path": pin}]
        await world.admin.patch_json(SERVICES, KEY.namespace, KEY.name, off)
        await asyncio.sleep(1)
        assert selector(world) == pinned
        await reached(world, Phase.FINISHED)
        assert selector(world) == unpinned
        assert world.changes()[0].status.outcome == Outcome.ABORTED
