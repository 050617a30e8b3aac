"""The order of one look: containment, then the record of it, whatever the caches show by then."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY

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


async def test_a_run_that_nothing_happens_to_is_looked_at_all_the_same() -> None:
    """However far its next deadline is: a lost event must not make it hang until then."""
    async with shop_in_mid_run() as world:
        world.orders.slow_s = 10_000.0  # no tick comes to ask for a look
        await world.kill_operators()
        operator = world.start_operator()
        await asyncio.sleep(60)
        looked = operator.reconciler.looks[KEY]
        assert looked.decision.wake_at is not None
        assert looked.decision.wake_at > looked.at + timedelta(minutes=1)
        assert world.now() - looked.at <= timedelta(seconds=5)
