"""An operator that is killed at any write of a release: the end is the same."""

from __future__ import annotations

import asyncio

import pytest

from controller.api import names
from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 36, 3))
async def test_a_kill_at_any_write_of_a_run_with_an_edit_behind_it_gives_the_same_end(
    after: bool, write: int
) -> None:
    async with shop_at_rest(supersede="Queue") as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.release("v3")
        world.crash_at(write, after=after)
        await asyncio.sleep(60)
        await world.kill_operators()
        world.heal()
        world.start_operator()
        await settled(world, changes=2)
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED] * 2


@pytest.mark.parametrize("version", ["v2", "v2-bad"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 30))
async def test_a_kill_at_any_write_gives_the_same_end(
    version: str, after: bool, write: int
) -> None:
    async with shop_at_rest() as world:
        world.crash_at(write, after=after)
        await world.release(version)
        await asyncio.sleep(60)
        await world.kill_operators()
        world.heal()
        contained = _contained(world)
        before = len(world.weights)
        world.start_operator()
        await settled(world)
        outcome = world.changes()[-1].status.outcome
        assert outcome == (Outcome.ROLLED_BACK if version == "v2-bad" else Outcome.PROMOTED)
        assert len(world.changes()) == 1
        if contained:
            assert max(world.weights[before:], default=0) == 0


def _contained(world: ShopWorld) -> bool:
    route = world.cluster.body(HTTP_ROUTES, shop_objects.NAMESPACE, shop_objects.NAMESPACE)
    assert route is not None
    return bool(route["metadata"].get("annotations", {}).get(names.ABORTED_ANNOTATION))
