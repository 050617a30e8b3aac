"""Edits in mid-run, in virtual time: they replace the run, or wait behind it."""

from __future__ import annotations

import asyncio

import pytest

from controller.core.phases import Outcome, Phase
from tests.property.stories import reached, settled, shop_at_rest

pytestmark = pytest.mark.looptime


async def test_an_edit_in_mid_absorb_goes_back_to_stable_and_then_its_own_way() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await world.release("v3")
        await settled(world)
        first, second = world.changes()
        assert first.status.outcome == Outcome.SUPERSEDED
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest


async def test_queued_edits_wait_and_only_the_newest_is_released_after_the_run() -> None:
    async with shop_at_rest(supersede="Queue") as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.release("v3")
        await asyncio.sleep(3)
        assert world.rollout().status.queued == world.held_digest()
        await world.release("v4")
        await reached(world, Phase.ABSORBING)
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.target.digest
        assert second.spec.target.digest == world.held_digest()
        assert world.rollout().status.queued == ""


async def test_an_edit_in_mid_absorb_waits_where_edits_wait() -> None:
    async with shop_at_rest(supersede="Queue") as world:
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await world.release("v3")
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.target.digest


async def test_a_bad_release_with_an_edit_behind_it_is_taken_back_and_the_edit_tried() -> None:
    async with shop_at_rest(supersede="Queue") as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        await world.release("v3")
        world.orders.harmful = True
        await reached(world, Phase.RETREATING)
        world.orders.harmful = False
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == Outcome.ROLLED_BACK
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest
