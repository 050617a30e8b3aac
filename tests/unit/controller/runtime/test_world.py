"""A kind of object that cannot be listed, or no longer followed: harm is seen, the rest waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    AUTOSCALERS,
    CHANGES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    HTTP_ROUTES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    SIGNOFFS,
)
from controller.core.phases import Outcome, Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

DISPENSABLE = (ANALYSIS_TEMPLATES, AUTOSCALERS, NAMESPACES, NETWORK_POLICIES, PODS, SIGNOFFS)
VITAL = (ROLLOUTS, CHANGES, DEPLOYMENTS, REPLICASETS, CONTROLLER_REVISIONS, SERVICES)


async def _restart_without(world: ShopWorld, resource: Any) -> None:
    await world.kill_operators()
    world.heal()
    world.refuse(resource, reads_by=OPERATOR_ACCOUNT)
    world.start_operator()


@pytest.mark.parametrize("resource", DISPENSABLE, ids=str)
async def test_harm_is_taken_back_whatever_else_cannot_be_listed(resource: Any) -> None:
    async with shop_in_mid_run() as world:
        await _restart_without(world, resource)
        world.orders.harmful = True
        await asyncio.sleep(40)
        assert world.weight() == 0
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK


@pytest.mark.parametrize("resource", DISPENSABLE, ids=str)
async def test_a_release_holds_until_every_kind_is_listed_and_then_goes_on(resource: Any) -> None:
    async with shop_in_mid_run() as world:
        await _restart_without(world, resource)
        await asyncio.sleep(60)
        held = world.rollout().status
        assert (world.weight(), held.reason) == (5, "KindUnseen")
        assert f"{resource} cannot be listed: " in held.message
        assert "no right to do so" in held.message
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_a_proposal_waits_at_rest_and_starts_when_the_kind_is_listed() -> None:
    async with shop_at_rest() as world:
        await _restart_without(world, AUTOSCALERS)
        await asyncio.sleep(30)
        await world.release("v2")
        await asyncio.sleep(30)
        assert world.rollout().status.reason == "KindUnseen"
        assert world.changes() == []
        world.heal()
        await reached(world, Phase.STEPPING, weight=5)


async def test_a_proposal_waits_at_rest_and_starts_when_the_kind_is_followed_again() -> None:
    async with shop_at_rest() as world:
        await _lose(world, AUTOSCALERS)
        await world.release("v2")
        await asyncio.sleep(30)
        assert world.rollout().status.reason == "KindUnseen"
        assert world.changes() == []
        world.heal()
        await asyncio.sleep(31)  # at most so long until the kind is asked for anew
        assert world.rollout().status.reason != "KindUnseen"


async def test_no_canary_is_made_while_the_policies_to_copy_for_it_cannot_be_seen() -> None:
    async with shop_at_rest() as world:
        world.refuse(SERVICES)
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await _restart_without(world, NETWORK_POLICIES)
        await asyncio.sleep(120)
        assert body_of(world.cluster, DEPLOYMENTS, f"{KEY.name}-canary") is None
        assert world.rollout().status.reason == "KindUnseen"
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def _lose(world: ShopWorld, resource: Any) -> None:
    """The right to read a kind goes while it is followed, and its streams end."""
    world.refuse(resource, reads_by=OPERATOR_ACCOUNT)
    world.cluster.faults.drop_watches(resource, user=OPERATOR_ACCOUNT)
    world.orders.dark = True  # so that the release is still under way when the caches count as old
    await asyncio.sleep(75)
    world.orders.dark = False


@pytest.mark.parametrize("resource", [*VITAL, *DISPENSABLE, HTTP_ROUTES], ids=str)
async def test_a_release_holds_while_a_kind_cannot_be_followed_and_then_goes_on(
    resource: Any,
) -> None:
    async with shop_in_mid_run() as world:
        await _lose(world, resource)
        await asyncio.sleep(60)
        assert world.weight() == 5
        if resource not in (ROLLOUTS, CHANGES):  # a status is written on what was read of it
            held = world.rollout().status
            assert held.reason == "KindUnseen"
            assert f"{resource} cannot be followed: " in held.message
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


@pytest.mark.parametrize("resource", [*VITAL, *DISPENSABLE], ids=str)
async def test_harm_is_taken_back_while_a_kind_cannot_be_followed(resource: Any) -> None:
    async with shop_in_mid_run() as world:
        await _lose(world, resource)
        world.orders.harmful = True
        await asyncio.sleep(40)
        assert world.weight() == 0


async def test_nothing_is_absorbed_past_an_abort_that_cannot_be_read() -> None:
    async with shop_in_mid_run() as world:
        await reached(world, Phase.WATCHING)
        await _lose(world, SIGNOFFS)
        await world.sign("Abort")
        await asyncio.sleep(60)
        assert world.changes()[-1].status.phase == Phase.WATCHING
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ABORTED


async def test_streams_that_break_and_come_back_hold_nothing() -> None:
    """As at a restart of the server: a quiet kind says nothing when it is followed again."""
    async with shop_in_mid_run() as world:
        world.orders.dark = True
        for resource in (*VITAL, *DISPENSABLE):
            world.cluster.faults.fail_next("watch", resource, times=4, user=OPERATOR_ACCOUNT)
        world.cluster.faults.drop_watches(user=OPERATOR_ACCOUNT)
        reasons = set()
        for _ in range(120):
            await asyncio.sleep(1)
            reasons.add(world.rollout().status.reason)
        assert reasons <= {"GatheringEvidence", "NoData"}
