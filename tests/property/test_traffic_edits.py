"""The author edits `spec.traffic` in mid-run, in virtual time: the run ends where it began."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, ROLLOUTS, SERVICES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

EDITS: dict[str, dict[str, Any]] = {
    "another route": {"routes": [{"name": "other"}]},
    "no route": {"routes": []},
    "another Service": {"service": "other"},
}


async def edit_in_mid_run(world: ShopWorld, edit: dict[str, Any], version: str) -> None:
    space = KEY.namespace
    other = shop_objects.http_route({KEY.name: 1}, name="other")
    await world.admin.create(HTTP_ROUTES, space, other)
    await world.admin.create(SERVICES, space, shop_objects.service(name="other"))
    await world.release(version)
    await reached(world, Phase.STEPPING, weight=5)
    await world.admin.patch_merge(ROLLOUTS, space, KEY.name, {"spec": {"traffic": edit}})
    await asyncio.sleep(2)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_harm_is_taken_off_the_route_that_carries_it_whatever_the_rollout_names_by_now(
    edit: dict[str, Any],
) -> None:
    async with shop_at_rest() as world:
        before = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
        await edit_in_mid_run(world, edit, "v2")
        world.orders.harmful = True
        await asyncio.sleep(60)
        after = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
        assert before is not None
        assert after is not None
        assert after["spec"] == before["spec"]
        assert not after["metadata"].get("annotations")
        assert world.changes()[0].status.outcome == Outcome.ROLLED_BACK
        for made in (DEPLOYMENTS, SERVICES):
            assert body_of(world.cluster, made, f"{KEY.name}-canary") is None


async def test_a_good_release_goes_on_by_the_route_that_it_began_with() -> None:
    async with shop_at_rest() as world:
        await edit_in_mid_run(world, EDITS["another route"], "v2")
        await settled(world)
        (change,) = world.changes()
        assert change.status.outcome == Outcome.PROMOTED
        assert change.spec.plan.traffic is not None
        assert [r.name for r in change.spec.plan.traffic.routes] == [shop_objects.NAMESPACE]
        assert max(world.weights) == 100


async def test_the_next_release_goes_by_what_the_rollout_names_by_then() -> None:
    async with shop_at_rest() as world:
        await edit_in_mid_run(world, EDITS["another route"], "v2")
        await settled(world)
        world.weights.clear()
        await world.release("v3")
        await asyncio.sleep(10)
        other = body_of(world.cluster, HTTP_ROUTES, "other")
        assert other is not None
        sent = {b["name"]: b["weight"] for b in other["spec"]["rules"][0]["backendRefs"]}
        assert sent[f"{KEY.name}-canary"] > 0
        assert max(world.weights, default=0) == 0
