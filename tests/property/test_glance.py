"""A look from outside names the rule by which the operator decides."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.resources import AUTOSCALERS
from controller.core.phases import Phase
from controller.core.plan import judge
from controller.runtime.once import Glance, glance
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_in_mid_run
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime


async def seen(world: ShopWorld) -> Glance:
    return await glance(world.admin, world.rollout(), world.registry())


async def test_it_is_the_same_rule_in_each_phase_of_a_release() -> None:
    async with ShopWorld() as world:
        operator = world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        for phase in (Phase.STEPPING, Phase.WATCHING, Phase.ABSORBING):
            await reached(world, phase)
            await asyncio.sleep(0.5)
            theirs = operator.reconciler.looks[KEY].decision
            rule, ruling = judge((await seen(world)).observed, world.now())
            assert (rule, ruling.reason) == (theirs.rule, theirs.reason)
        await settled(world)
        rule, _ = judge((await seen(world)).observed, world.now())
        assert rule == "at_rest"


async def test_missing_data_is_seen_as_the_operator_recorded_it() -> None:
    async with shop_in_mid_run() as world:
        world.orders.dark = True
        await asyncio.sleep(60)
        found = (await seen(world)).observed
        assert judge(found, world.now())[0] == "weight_held"


async def test_what_may_not_be_read_is_named_and_taken_as_absent() -> None:
    async with ShopWorld() as world:
        await world.autoscale(2, 8)
        world.start_operator()
        await asyncio.sleep(5)
        world.refuse(AUTOSCALERS, reads_by="alice")
        found = await seen(world)
        assert found.observed.floor is None
        assert "horizontalpodautoscalers" in found.unread[0]
        assert judge(found.observed, world.now())[0] == "at_rest"
