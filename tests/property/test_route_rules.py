"""The owner edits a rule of the route in mid-run, in virtual time: no rule keeps the canary."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, SERVICES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, shop_at_rest
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

CANARY = f"{KEY.name}-canary"
SECOND: dict[str, Any] = {
    "matches": [{"path": {"type": "PathPrefix", "value": "/b"}}],
    "backendRefs": [{"name": KEY.name, "port": 80, "weight": 1}],
}


def sent(world: ShopWorld, rule: int = 0) -> dict[str, int]:
    route = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
    assert route is not None
    return {b["name"]: b["weight"] for b in route["spec"]["rules"][rule]["backendRefs"]}


async def edit_route(world: ShopWorld, op: str, path: str, value: Any) -> None:
    edit = [{"op": op, "path": path, "value": value}]
    await world.admin.patch_json(HTTP_ROUTES, KEY.namespace, shop_objects.NAMESPACE, edit)


@pytest.mark.parametrize("rules", [1, 2])
async def test_a_rule_that_was_pointed_elsewhere_gives_the_canary_nothing_more(rules: int) -> None:
    async with shop_at_rest() as world:
        if rules == 2:
            await edit_route(world, "add", "/spec/rules/-", SECOND)
        await world.release("v2")
        await reached(world, Phase.WATCHING, weight=97)
        await edit_route(world, "replace", "/spec/rules/0/backendRefs/0/name", "maintenance")
        await asyncio.sleep(1)
        assert sent(world)[CANARY] == 0
        assert sent(world)["maintenance"] > 0
        await world.sign("Abort")
        await reached(world, Phase.FINISHED)
        assert sent(world).keys() == {"maintenance"}
        assert all(sent(world, n).keys() == {KEY.name} for n in range(1, rules))
        assert world.changes()[0].status.outcome == Outcome.ABORTED


async def test_the_canary_stays_while_a_rule_that_may_not_be_written_sends_to_it() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING, weight=97)
        world.refuse(HTTP_ROUTES)
        await edit_route(world, "replace", "/spec/rules/0/backendRefs/0/name", "maintenance")
        await world.sign("Abort")
        await asyncio.sleep(300)
        assert sent(world)[CANARY] > 0
        assert body_of(world.cluster, DEPLOYMENTS, CANARY) is not None
        world.heal()
        await reached(world, Phase.FINISHED)
        assert sent(world).keys() == {"maintenance"}
        for made in (DEPLOYMENTS, SERVICES):
            assert body_of(world.cluster, made, CANARY) is None
