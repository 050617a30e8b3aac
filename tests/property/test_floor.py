"""The autoscaler's floor stays until it has seen the load that came back, and no longer.

In virtual time, with an autoscaler that never scales: only its `minReplicas` is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from controller.api.resources import AUTOSCALERS, ROLLOUTS
from controller.core.floor import STAYS
from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, shop_at_rest
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

NS = KEY.namespace
OWNERS, FULL = 2, 4
STAYS_S = STAYS.total_seconds()


def least(world: ShopWorld) -> int:
    body = body_of(world.cluster, AUTOSCALERS, KEY.name)
    assert body is not None
    return int(body["spec"]["minReplicas"])


@asynccontextmanager
async def scaled_shop(phase: Phase) -> AsyncIterator[ShopWorld]:
    """With an autoscaler, and a good release that has come to this phase."""
    async with shop_at_rest(drain="20s") as world:
        await world.autoscale(OWNERS, 8)
        await world.release("v2")
        await reached(world, phase)
        yield world


async def _kept_then_given_back(world: ShopWorld) -> None:
    for _ in range(int(STAYS_S) - 5):
        assert least(world) == FULL
        await asyncio.sleep(1)
    await asyncio.sleep(30)
    assert least(world) == OWNERS


@pytest.mark.parametrize("ends", ["Promoted", "Aborted"])
async def test_it_stays_while_the_traffic_comes_back_and_some_minutes_more(ends: str) -> None:
    async with scaled_shop(Phase.WATCHING) as world:
        if ends == "Aborted":
            await world.sign("Abort")
        for _ in range(2000):
            if world.changes()[-1].status.phase == Phase.FINISHED:
                break
            assert least(world) == FULL
            await asyncio.sleep(0.05)
        assert world.changes()[-1].status.outcome == ends
        await _kept_then_given_back(world)


async def test_it_comes_back_by_an_operator_that_was_not_there_when_the_run_ended() -> None:
    async with scaled_shop(Phase.FINISHED) as world:
        await world.kill_operators()
        await asyncio.sleep(STAYS_S + 60)
        assert least(world) == FULL
        world.start_operator()
        await asyncio.sleep(60)
        assert least(world) == OWNERS


async def test_a_deleted_rollout_goes_when_it_is_given_back() -> None:
    async with scaled_shop(Phase.WATCHING) as world:
        await world.admin.delete(ROLLOUTS, NS, KEY.name)
        await reached(world, Phase.FINISHED)
        await _kept_then_given_back(world)
        assert body_of(world.cluster, ROLLOUTS, KEY.name) is None
