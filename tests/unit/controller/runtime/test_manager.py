"""What keeps the operator at work when the server refuses, is silent or is away for a while."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import CHANGES, EVENTS, LEASES, ROLLOUTS
from controller.core.phases import Outcome, Phase
from controller.kube.port import Unreachable
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime


def _count_writes(world: ShopWorld) -> list[str]:
    """The operator's writes from now on, done or refused; Events and leases are none."""
    written: list[str] = []

    def before(call: Any) -> None:
        if call.verb not in ("get", "list", "watch") and call.resource not in (EVENTS, LEASES):
            written.append(call.what)

    world.cluster.faults.before_each(before, user=OPERATOR_ACCOUNT)
    return written


def _go_dark(world: ShopWorld) -> None:
    """The API server answers the operator nothing any more."""

    def before(call: Any) -> None:
        raise Unreachable(0, "Unreachable", "the API server is down", what=call.what)

    world.cluster.faults.before_each(before, user=OPERATOR_ACCOUNT)
    world.cluster.faults.drop_watches(user=OPERATOR_ACCOUNT)


async def test_a_version_that_is_refused_again_and_again_is_tried_about_once_a_second() -> None:
    async with shop_in_mid_run() as world:
        await world.sign("Hold")
        await asyncio.sleep(2)
        world.cluster.faults.silence_watches(ROLLOUTS, user=OPERATOR_ACCOUNT)
        touched = {"metadata": {"annotations": {"a": "b"}}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, touched)
        written = _count_writes(world)
        world.orders.dark = True
        await asyncio.sleep(60)
        assert 20 < len(written) < 120


async def test_an_api_server_that_was_away_for_longer_than_a_deadline_ends_no_release() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        _go_dark(world)
        await asyncio.sleep(120)
        world.heal()
        await settled(world, within_s=900)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_who_gives_way_to_another_leader_forgets_the_runs_in_hand() -> None:
    """Its evidence would be older than what the other has written; and one reader is enough."""
    async with shop_in_mid_run() as world:
        operator = world.start_operator()
        await world.kill_first_operator()
        await world.sign("Hold")
        await asyncio.sleep(10)
        uid = world.changes()[-1].metadata.uid
        assert operator.sampler.evidence(uid) is not None
        await world.lead("another", for_s=60)
        await asyncio.sleep(10)
        assert operator.sampler.evidence(uid) is None
        assert operator.reconciler.looks == {}
        await world.sign("Release")
        await asyncio.sleep(30)
        assert operator.sampler.evidence(uid) is None
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


@pytest.mark.parametrize("resource", [CHANGES, ROLLOUTS], ids=str)
async def test_a_run_whose_objects_vanish_is_not_read_for_ever(resource: Any) -> None:
    async with shop_in_mid_run() as world:
        operator = world.start_operator()
        await world.kill_first_operator()
        await world.sign("Hold")
        await asyncio.sleep(10)
        change = world.changes()[-1]
        assert operator.sampler.evidence(change.metadata.uid) is not None
        name = change.name if resource is CHANGES else KEY.name
        await world.take_away(resource, name)
        await asyncio.sleep(10)
        assert operator.sampler.evidence(change.metadata.uid) is None
