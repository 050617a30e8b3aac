"""Harm is found and traffic goes back, whatever else is wrong at that moment. In virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    CHANGES,
    CONFIG_MAPS,
    HTTP_ROUTES,
    ROLLOUTS,
    SIGNOFFS,
    Resource,
)
from controller.core.phases import Outcome, Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

NS = KEY.namespace
FLAG = {"killSwitch": {"configMap": "flags", "key": "new-checkout"}}


async def _edit(world: ShopWorld, resource: Resource[Any], name: str, spec: Any) -> None:
    await world.admin.patch_merge(resource, NS, name, {"spec": spec})


async def _flagged(world: ShopWorld) -> None:
    """The release hides behind a feature flag that the Rollout names."""
    flags = {"metadata": {"name": "flags"}, "data": {"new-checkout": "true"}}
    await world.admin.create(CONFIG_MAPS, NS, flags)
    await _edit(world, ROLLOUTS, KEY.name, FLAG)
    await asyncio.sleep(1)


def _flag(world: ShopWorld) -> str:
    body = body_of(world.cluster, CONFIG_MAPS, "flags")
    assert body is not None
    return str(body["data"]["new-checkout"])


@pytest.mark.parametrize("spec", [
    {"metrics": [{"name": "orders", "events": "orders", "exposures": "x", "margin": {"5%": "1%"}}]},
    {"bake": "20000d"},
    {"provider": {"virtual": None, "graphite": {}}},
])  # fmt: skip
@pytest.mark.parametrize("harm", [True, False])
async def test_a_template_that_was_spoilt_in_mid_run_stops_neither_harm_nor_an_abort(
    spec: Any, harm: bool
) -> None:
    async with shop_in_mid_run() as world:
        await _edit(world, ANALYSIS_TEMPLATES, "shop", spec)
        await asyncio.sleep(0.5)
        if harm:
            world.orders.harmful = True
        else:
            await world.sign("Abort")
        await asyncio.sleep(8)
        assert world.weight() == 0


async def test_a_canary_that_waits_for_room_is_judged_at_the_weight_that_it_has() -> None:
    async with shop_in_mid_run(50, progressDeadline="10m") as world:
        world.full = True
        await reached(world, Phase.SHIFTING)
        world.orders.harmful = True
        await asyncio.sleep(10)
        assert world.weight() == 0
        assert world.changes()[-1].status.reason == "HarmFound"


@pytest.mark.parametrize("trouble", ["broken", "hangs", "dark"])
async def test_a_watch_in_which_nothing_can_be_seen_promotes_nothing(trouble: str) -> None:
    async with shop_at_rest(hold="3m") as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        world.orders.harmful = True
        world.orders.broken = trouble == "broken"
        world.orders.slow_s = 3600.0 if trouble == "hangs" else 0.0
        world.orders.dark = trouble == "dark"
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.INCONCLUSIVE


async def test_time_in_the_dark_is_no_time_of_the_watch() -> None:
    async with shop_at_rest(hold="30m") as world:
        await _edit(world, ROLLOUTS, KEY.name, {"promotion": {"watch": "30s"}})
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        world.orders.dark = True
        await asyncio.sleep(60)
        world.orders.dark = False
        await asyncio.sleep(20)
        assert world.changes()[-1].status.phase == Phase.WATCHING
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_a_status_that_cannot_be_written_keeps_no_traffic_on_a_lost_canary() -> None:
    async with shop_in_mid_run() as world:
        world.refuse(CHANGES)
        world.full = True
        await world.lose_canary_pods()
        await asyncio.sleep(5)
        assert world.weight() == 0


async def test_a_sign_off_that_cannot_be_answered_keeps_no_traffic_on_a_lost_canary() -> None:
    async with shop_in_mid_run() as world:
        await world.sign("Hold")
        await asyncio.sleep(1)
        world.refuse(SIGNOFFS)
        await world.sign("Promote")
        world.full = True
        await world.lose_canary_pods()
        await asyncio.sleep(5)
        assert world.weight() == 0


async def test_a_route_that_cannot_be_written_does_not_keep_the_flag_on() -> None:
    async with shop_at_rest() as world:
        await _flagged(world)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        world.refuse(HTTP_ROUTES)
        world.orders.harmful = True
        await asyncio.sleep(30)
        assert _flag(world) == "false"
        assert world.changes()[-1].status.phase == Phase.RETREATING
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK


async def test_a_flag_that_cannot_be_written_does_not_keep_the_canary() -> None:
    async with shop_at_rest() as world:
        await _flagged(world)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        world.refuse(CONFIG_MAPS)
        world.orders.harmful = True
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK


async def test_what_was_taken_back_stays_so_when_its_change_is_deleted() -> None:
    """Whoever cleans up Changes must not release a bad version by that."""
    async with shop_at_rest() as world:
        await world.release("v2-bad")
        await settled(world)
        change = world.changes()[-1]
        assert change.status.outcome == Outcome.ROLLED_BACK
        await world.admin.delete(CHANGES, KEY.namespace, change.name)
        await asyncio.sleep(30)
        assert world.changes() == []
        status = world.rollout().status
        assert (status.phase, world.weight()) == ("Rejected", 0)
        assert "the Change that says why is gone" in status.message
        await world.sign("Retry")
        await reached(world, Phase.STEPPING, weight=5)
