"""Two Rollouts that name one Service or one route, in virtual time: it carries the runs of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from controller.api.kinds import Rollout
from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, ROLLOUTS, SERVICES, SIGNOFFS
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import LIMITS, ROLLOUT, ShopWorld
from tests.property.stories import reached, settled
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

PAY, NS, ROUTE = "pay", KEY.namespace, shop_objects.NAMESPACE
OF_ITS_OWN = {"service": PAY, "routes": [{"name": "of-its-own"}]}
ONE_ROUTE = {"service": PAY, "routes": [{"name": ROUTE}]}
ONE_SERVICE = {"service": KEY.name, "routes": [{"name": "of-its-own"}]}
NO_ROUTE = {"service": KEY.name, "routes": []}


@asynccontextmanager
async def two_rollouts(traffic: dict[str, Any]) -> AsyncIterator[ShopWorld]:
    """The shop and, a few seconds younger, a Rollout of another Deployment; both at rest."""
    async with ShopWorld() as world:
        route = body_of(world.cluster, HTTP_ROUTES, ROUTE)
        assert route is not None
        backend = {"name": PAY, "port": 80, "weight": 1}
        rules = [*route["spec"]["rules"], {"backendRefs": [backend]}]
        await world.admin.patch_merge(HTTP_ROUTES, NS, ROUTE, {"spec": {"rules": rules}})
        own = shop_objects.http_route({PAY: 1, KEY.name: 1}, name="of-its-own")
        await world.admin.create(HTTP_ROUTES, NS, own)
        await world.admin.create(SERVICES, NS, shop_objects.service(name=PAY))
        template = shop_objects.template("v1", name=PAY)
        pay = shop_objects.deployment(template, name=PAY, replicas=4)
        await world.admin.create(DEPLOYMENTS, NS, pay)
        await asyncio.sleep(5)
        spec = {**ROLLOUT, "limits": LIMITS, "workload": {"name": PAY}, "traffic": traffic}
        await world.admin.create(ROLLOUTS, NS, {"metadata": {"name": PAY}, "spec": spec})
        world.start_operator()
        await asyncio.sleep(5)
        yield world


def pay_of(world: ShopWorld) -> Rollout:
    return msgspec.convert(body_of(world.cluster, ROLLOUTS, PAY), Rollout)


async def release_pay(world: ShopWorld, version: str = "v2") -> None:
    template = shop_objects.template(version, name=PAY)
    edit = [{"op": "add", "path": "/spec/template", "value": template}]
    await world.admin.patch_json(DEPLOYMENTS, NS, PAY, edit)


def changes_of_pay(world: ShopWorld) -> list[str]:
    return [c.status.outcome for c in world.changes() if c.spec.rollout == PAY]


def pay_is_in(world: ShopWorld, route: str = ROUTE) -> bool:
    body = body_of(world.cluster, HTTP_ROUTES, route)
    assert body is not None
    refs = [ref["name"] for rule in body["spec"]["rules"] for ref in rule["backendRefs"]]
    return f"{PAY}-canary" in refs


def writes(world: ShopWorld) -> int:
    """Writes to routes that changed what they send."""
    return sum(1 for w in world.cluster.journal if w.resource == str(HTTP_ROUTES))


@pytest.mark.parametrize(
    ("traffic", "shared"),
    [
        (ONE_ROUTE, f"HTTPRoute {NS}/{ROUTE}"),
        (ONE_SERVICE, f"Service {NS}/{KEY.name}"),
        (NO_ROUTE, f"Service {NS}/{KEY.name}"),
    ],
    ids=["one route", "one Service", "one Service without a route"],
)
async def test_the_older_one_releases_and_the_later_one_waits_and_says_for_whom(
    traffic: dict[str, Any], shared: str
) -> None:
    async with two_rollouts(traffic) as world:
        await release_pay(world)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        before = writes(world)
        await asyncio.sleep(1)
        assert writes(world) - before <= 4
        await settled(world)
        status = pay_of(world).status
        assert (status.phase, status.reason) == ("Invalid", "TrafficTaken")
        assert f"{shared} belongs to Rollout {KEY.name}, which is older" in status.message
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED]
        assert not pay_is_in(world)


async def test_the_later_one_begins_when_the_older_one_has_gone() -> None:
    async with two_rollouts(ONE_ROUTE) as world:
        await release_pay(world)
        await asyncio.sleep(20)
        assert changes_of_pay(world) == []
        await world.admin.delete(ROLLOUTS, NS, KEY.name)
        await asyncio.sleep(10)
        assert changes_of_pay(world) == [""]
        assert pay_is_in(world)


async def test_the_later_one_begins_when_it_names_a_route_of_its_own() -> None:
    async with two_rollouts(ONE_ROUTE) as world:
        await release_pay(world)
        await asyncio.sleep(20)
        edit = {"spec": {"traffic": OF_ITS_OWN}}
        await world.admin.patch_merge(ROLLOUTS, NS, PAY, edit)
        await asyncio.sleep(10)
        assert pay_is_in(world, "of-its-own")
        assert not pay_is_in(world)


async def test_a_later_one_that_is_deleted_leaves_the_run_of_the_older_one_alone() -> None:
    async with two_rollouts(ONE_SERVICE) as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        world.weights.clear()
        await world.admin.delete(ROLLOUTS, NS, PAY)
        await settled(world)
        assert body_of(world.cluster, ROLLOUTS, PAY) is None
        assert world.changes()[0].status.outcome == Outcome.PROMOTED
        assert world.weights[0] >= 5


async def test_a_run_keeps_its_route_to_its_end_though_an_older_one_names_it_by_now() -> None:
    async with two_rollouts(OF_ITS_OWN) as world:
        await release_pay(world)
        await asyncio.sleep(10)
        assert pay_is_in(world, "of-its-own")
        edit = {"spec": {"traffic": {"routes": [{"name": "of-its-own"}]}}}
        await world.admin.patch_merge(ROLLOUTS, NS, KEY.name, edit)
        await world.release("v2")
        await asyncio.sleep(3)
        waiting = world.rollout().status
        assert waiting.reason == "TrafficTaken"
        assert f"belongs to Rollout {PAY} until its run has ended" in waiting.message
        assert [c.spec.rollout for c in world.changes()] == [PAY]
        abort = {"spec": {"rollout": PAY, "decision": "Abort", "by": "alice"}}
        await world.admin.create(SIGNOFFS, NS, {"metadata": {"name": "abort"}, **abort})
        await asyncio.sleep(90)  # nobody accepts that route: `progressDeadline` ends the wait
        assert changes_of_pay(world) == [Outcome.ABORTED]
        assert not pay_is_in(world, "of-its-own")
        assert pay_of(world).status.reason == "TrafficTaken"
        assert {c.spec.rollout for c in world.changes()} == {PAY, KEY.name}
