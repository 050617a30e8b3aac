"""The order of one look: containment, then the record of it, whatever the caches show by then."""

import asyncio
from typing import Any

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest

pytestmark = pytest.mark.looptime


def _slow_news_of_containment(world: ShopWorld) -> None:
    """From its first patch of a route that carries weight on, the operator's caches stand still."""
    faults = world.cluster.faults

    def before(call: Any) -> None:
        if call.verb == "patch" and call.resource is HTTP_ROUTES:
            faults.silence_watches(user=OPERATOR_ACCOUNT)

    faults.before_each(before, user=OPERATOR_ACCOUNT)


async def test_the_look_that_contains_a_release_also_records_why() -> None:
    async with shop_at_rest() as world:
        await world.release("v2-bad")
        await reached(world, Phase.STEPPING, weight=5)
        _slow_news_of_containment(world)
        for _ in range(600):
            await asyncio.sleep(0.05)
            if world.weight() == 0:
                break
        await asyncio.sleep(0.1)  # the next write of the same look
        status = world.changes()[-1].status
        assert (status.phase, status.reason) == (Phase.RETREATING, "HarmFound")
        assert "orders" in status.message
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.message == status.message
