"""Objects of the owner's that have names which the canary needs, in virtual time: they stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.resources import (
    DEPLOYMENTS,
    HTTP_ROUTES,
    NETWORK_POLICIES,
    ROLLOUTS,
    SERVICES,
)
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest, reached, settled
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

CANARY = f"{KEY.name}-canary"
SELECTS = {"matchLabels": {"app": KEY.name}}
OWN: dict[str, tuple[Any, dict[str, Any]]] = {
    "Service": (SERVICES, shop_objects.service(name=CANARY, app="something-else")),
    "Deployment": (
        DEPLOYMENTS,
        shop_objects.deployment(shop_objects.template("v1", name=CANARY), name=CANARY, replicas=1),
    ),
    "NetworkPolicy": (
        NETWORK_POLICIES,
        {"metadata": {"name": CANARY}, "spec": {"podSelector": {"matchLabels": {"app": "db"}}}},
    ),
}


async def waits_for_its_owner(world: ShopWorld, text: str) -> None:
    """The Rollout says what is in the way, and a proposal waits."""
    world.start_operator()
    await asyncio.sleep(5)
    await world.release("v2")
    await asyncio.sleep(60)
    status = world.rollout().status
    assert (status.phase, status.reason) == ("Invalid", "CanaryNameTaken")
    assert text in status.message
    assert world.changes() == []


@pytest.mark.parametrize("kind", OWN)
async def test_what_has_the_canarys_name_and_is_not_ours_is_neither_written_nor_deleted(
    kind: str,
) -> None:
    resource, body = OWN[kind]
    async with ShopWorld() as world:
        policy = {"metadata": {"name": KEY.name}, "spec": {"podSelector": SELECTS}}
        await world.admin.create(NETWORK_POLICIES, KEY.namespace, policy)
        await world.admin.create(resource, KEY.namespace, body)
        before = body_of(world.cluster, resource, CANARY)
        assert before is not None
        await waits_for_its_owner(world, f"{kind} {CANARY}")
        await world.admin.delete(ROLLOUTS, KEY.namespace, KEY.name)
        await asyncio.sleep(30)
        assert body_of(world.cluster, ROLLOUTS, KEY.name) is None
        after = body_of(world.cluster, resource, CANARY)
        assert after is not None
        for part in ("uid", "labels"):
            assert after["metadata"].get(part) == before["metadata"].get(part)
        assert after["spec"] == before["spec"]


async def test_the_release_begins_when_the_owner_has_made_room() -> None:
    resource, body = OWN["Service"]
    async with ShopWorld() as world:
        await world.admin.create(resource, KEY.namespace, body)
        await waits_for_its_owner(world, "rename or delete it")
        await world.admin.delete(resource, KEY.namespace, CANARY)
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.PROMOTED


async def test_a_backend_of_the_canarys_name_that_the_owner_wrote_keeps_its_traffic() -> None:
    async with ShopWorld() as world:
        resource, body = OWN["Service"]
        await world.admin.create(resource, KEY.namespace, body)
        await world.admin.delete(HTTP_ROUTES, KEY.namespace, shop_objects.NAMESPACE)
        route = shop_objects.http_route({KEY.name: 90, CANARY: 10})
        await world.admin.create(HTTP_ROUTES, KEY.namespace, route)
        before = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
        await waits_for_its_owner(world, f"HTTPRoute {shop_objects.NAMESPACE} sends to {CANARY}")
        await world.admin.delete(ROLLOUTS, KEY.namespace, KEY.name)
        await asyncio.sleep(30)
        after = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
        assert before is not None
        assert after is not None
        assert after["spec"] == before["spec"]
        assert world.weight() == 10


async def test_a_run_that_lost_its_note_on_the_route_still_takes_its_canary_off() -> None:
    async with at_rest(ShopWorld()) as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        await world.kill_operators()
        gone = {"metadata": {"annotations": None}}
        await world.admin.patch_merge(HTTP_ROUTES, KEY.namespace, shop_objects.NAMESPACE, gone)
        await world.admin.delete(SERVICES, KEY.namespace, CANARY)
        world.orders.harmful = True
        world.start_operator()
        await settled(world)
        route = body_of(world.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
        assert route is not None
        assert [b["name"] for b in route["spec"]["rules"][0]["backendRefs"]] == [KEY.name]
