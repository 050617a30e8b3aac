"""Traffic for a canary that the gateway does not find, or behind whose Service nothing is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.resources import ROLLOUTS, SERVICES
from controller.core.phases import Outcome, Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

CANARY = f"{KEY.name}-canary"
WORDS = "Service shop/checkout-canary: protocol is not supported"


async def hold(world: ShopWorld) -> None:
    body = {"spec": {"paused": True}}
    await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, body)


async def edit_service(world: ShopWorld, name: str, spec: dict[str, Any]) -> None:
    await world.admin.patch_merge(SERVICES, KEY.namespace, name, {"spec": spec})


def canary_service(world: ShopWorld) -> dict[str, Any]:
    body = body_of(world.cluster, SERVICES, CANARY)
    assert body is not None
    return dict(body["spec"])


async def test_a_canary_that_the_gateway_does_not_find_gets_no_traffic_and_is_not_promoted() -> (
    None
):
    async with shop_at_rest() as world:
        world.not_found = WORDS
        await world.release("v2")
        await asyncio.sleep(20)
        assert world.weight() == 0
        said = world.rollout().status
        assert (said.reason, WORDS in said.message) == ("RoutePending", True)
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.INCONCLUSIVE
        assert max(world.weights) == 5


async def test_it_climbs_as_soon_as_the_gateway_finds_it() -> None:
    async with shop_at_rest() as world:
        world.not_found = WORDS
        await world.release("v2")
        await asyncio.sleep(20)
        world.not_found = ""
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.PROMOTED


@pytest.mark.parametrize("phase", [Phase.STEPPING, Phase.WATCHING], ids=str)
async def test_a_canary_that_is_lost_to_the_gateway_under_traffic_gives_it_back(
    phase: Phase,
) -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, phase, weight=5)
        await asyncio.sleep(0.5)
        world.not_found = WORDS
        await asyncio.sleep(1)
        assert world.weight() == 0
        world.not_found = ""
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.PROMOTED
        assert world.changes()[0].status.losses == 1


async def test_the_canarys_service_is_set_right_when_somebody_edits_it() -> None:
    async with shop_in_mid_run() as world:
        await hold(world)
        before = canary_service(world)
        await edit_service(world, CANARY, {"selector": {"app": "typo"}})
        await asyncio.sleep(1)
        assert canary_service(world)["selector"] == before["selector"]


async def test_the_canarys_service_follows_the_ports_of_the_owners() -> None:
    async with shop_in_mid_run() as world:
        await hold(world)
        (port,) = canary_service(world)["ports"]
        await edit_service(world, KEY.name, {"ports": [{**port, "targetPort": 9090}]})
        await asyncio.sleep(1)
        assert [p["targetPort"] for p in canary_service(world)["ports"]] == [9090]
