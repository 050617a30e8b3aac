"""A Rollout that cannot be read any more: its release is judged, and comes to its end."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import DEPLOYMENTS, ROLLOUTS
from controller.core.phases import Outcome, Phase
from controller.runtime.ledger import UNREAD
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime


async def _spoil(world: ShopWorld) -> None:
    """A newer client writes what this operator does not understand."""
    await world.admin.patch_merge(UNREAD, KEY.namespace, KEY.name, {"spec": {"steps": "many"}})


def _assert_taken_back(world: ShopWorld) -> None:
    status = world.changes()[-1].status
    canary = body_of(world.cluster, DEPLOYMENTS, f"{KEY.name}-canary")
    assert (world.weight(), status.phase, canary) == (0, Phase.FINISHED, None)
    assert status.outcome == Outcome.ROLLED_BACK


async def test_a_rollout_spoilt_in_mid_run_lets_its_release_be_taken_back_to_the_end() -> None:
    async with shop_in_mid_run() as world:
        await _spoil(world)
        await asyncio.sleep(1)
        world.orders.harmful = True
        await asyncio.sleep(30)
        _assert_taken_back(world)


async def test_a_restarted_operator_judges_a_release_by_its_change_if_the_rollout_is_spoilt() -> (
    None
):
    async with shop_in_mid_run() as world:
        await _spoil(world)
        await world.kill_operators()
        world.start_operator()
        await asyncio.sleep(20)
        assert world.weight() == 5
        world.orders.harmful = True
        await asyncio.sleep(30)
        _assert_taken_back(world)


async def test_a_spoilt_rollout_is_not_written_to_for_ever() -> None:
    async with shop_at_rest() as world:
        await world.release("v2-bad")
        await reached(world, Phase.STEPPING, weight=5)
        await _spoil(world)
        await asyncio.sleep(60)
        before = len(world.cluster.journal)
        await asyncio.sleep(60)
        late = [w for w in world.cluster.journal[before:] if w.resource == str(ROLLOUTS)]
        assert [w for w in late if w.user == OPERATOR_ACCOUNT] == []
        told = world.cluster.body(UNREAD, KEY.namespace, KEY.name)["status"]
        assert (told["phase"], told["reason"]) == ("Invalid", "InvalidSpec")
