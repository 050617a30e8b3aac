"""An operator that is killed at any write of a release: the end is the same."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import ends
from benchmarks.shopstate import objects_of
from controller.api import names
from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime

WRITES = {"v2": 92, "v2-bad": 30}
"""Writes of a good and of a bad release without a kill: a case fails when its write never comes,
and a test below when there is one more."""
ENDED_S = 60.0
"""After this the pods of a canary are gone."""


@pytest.mark.parametrize("write", range(1, 62, 3))
async def test_a_kill_at_any_write_of_a_run_with_an_edit_behind_it_gives_the_same_end(
    write: int,
) -> None:
    async with shop_at_rest(supersede="Queue") as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.release("v3")
        world.crash_at(write)
        await _killed_and_started_again(world)
        await settled(world, changes=2)
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED] * 2


@pytest.mark.parametrize(
    ("version", "write"), [(v, n) for v, last in WRITES.items() for n in range(1, last + 1)]
)
async def test_a_kill_at_any_write_gives_the_same_end(version: str, write: int) -> None:
    async with shop_at_rest() as world:
        world.crash_at(write)
        await world.release(version)
        contained = await _killed_and_started_again(world)
        before = len(world.weights)
        await settled(world)
        if contained:
            assert max(world.weights[before:], default=0) == 0
        assert ends.differences(await _uninterrupted(version), await _end(world, version)) == ()


@pytest.mark.parametrize("version", WRITES)
async def test_no_write_of_a_release_is_left_out(version: str) -> None:
    async with shop_at_rest() as world:
        world.crash_at(WRITES[version] + 1)
        await world.release(version)
        await settled(world)
        await asyncio.sleep(ENDED_S)
        assert not world.killed


_REFERENCES: dict[str, ends.End] = {}


async def _uninterrupted(version: str) -> ends.End:
    """The end of that release without a kill; the same for every case."""
    if version not in _REFERENCES:
        async with shop_at_rest() as world:
            await world.release(version)
            await settled(world)
            _REFERENCES[version] = await _end(world, version)
    return _REFERENCES[version]


async def _end(world: ShopWorld, version: str) -> ends.End:
    await asyncio.sleep(ENDED_S)
    found = await objects_of(world.admin, KEY.namespace, KEY.name, shop_objects.NAMESPACE)
    return ends.read(found, version, "v1")


async def _killed_and_started_again(world: ShopWorld) -> bool:
    """Whether the release was contained by then."""
    await asyncio.sleep(60)
    assert world.killed, "the write to be killed at never came"
    await world.kill_operators()
    world.heal()
    contained = _contained(world)
    world.start_operator()
    return contained


def _contained(world: ShopWorld) -> bool:
    route = world.cluster.body(HTTP_ROUTES, shop_objects.NAMESPACE, shop_objects.NAMESPACE)
    assert route is not None
    return bool(route["metadata"].get("annotations", {}).get(names.ABORTED_ANNOTATION))
