"""A release that goes by two routes, in virtual time: what counts is what both say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.api.resources import HTTP_ROUTES, ROLLOUTS
from controller.core.phases import Outcome, Phase
from controller.kube.port import Forbidden, Unreachable
from controller.local import shop_objects
from tests.property.shopworld import ShopWorld, accepted
from tests.property.stories import at_rest, reached, settled
from tests.property.virtual_orders import KEY, body_of, share_on

pytestmark = pytest.mark.looptime

SECOND = "second"


class TwoRoutes(ShopWorld):
    """The shop has another host, on a route of its own."""

    async def _shop(self) -> None:
        both = [{"name": shop_objects.NAMESPACE}, {"name": SECOND}]
        self._rollout = self._rollout | {"traffic": {"service": KEY.name, "routes": both}}
        await self.restore_from_git()
        gateway = asyncio.create_task(self._accept_second(), name="second gateway")
        self._stack.push_async_callback(self._end, gateway)
        await super()._shop()

    async def restore_from_git(self) -> None:
        """The second route as its owner wrote it, with nothing of ours."""
        body = shop_objects.http_route({KEY.name: 1}, name=SECOND)
        await self.admin.create(HTTP_ROUTES, KEY.namespace, body)

    async def _accept_second(self) -> None:
        gateway, seen = self.cluster.as_user("gateway"), None
        while True:
            route = body_of(self.cluster, HTTP_ROUTES, SECOND)
            version = route and (route["metadata"]["uid"], route["metadata"]["generation"])
            if route is not None and version != seen:
                seen = version
                await gateway.patch_merge(
                    HTTP_ROUTES, KEY.namespace, SECOND, accepted(route), subresource="status"
                )
            await asyncio.sleep(0.02)

    def shares(self) -> tuple[float, float]:
        """The canary's share by each of the routes."""
        return share_on(self.cluster, shop_objects.NAMESPACE), share_on(self.cluster, SECOND)

    def refuse_second(self, status: int = 403) -> None:
        """The operator may not write the second route any more."""

        def before(call: Any) -> None:
            reads = call.verb in ("get", "list", "watch")
            if not reads and str(call.resource) == str(HTTP_ROUTES) and SECOND in str(call.what):
                raise Forbidden(status, "Forbidden", "that route is not yours", what=call.what)

        self.cluster.faults.before_each(before, user=names.OPERATOR_ACCOUNT)

    def die_before_second(self) -> None:
        """The operator is killed when the first route is written and the second is not."""
        dead = False

        def before(call: Any) -> None:
            nonlocal dead
            writes = call.verb not in ("get", "list", "watch")
            second = str(call.resource) == str(HTTP_ROUTES) and SECOND in str(call.what)
            dead = dead or (writes and second)
            if dead and writes:
                raise Unreachable(0, "Killed", "the operator is dead", what=call.what)

        self.cluster.faults.before_each(before, user=names.OPERATOR_ACCOUNT)


async def test_a_good_release_climbs_and_ends_on_both() -> None:
    async with at_rest(TwoRoutes()) as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING, weight=97)
        assert world.shares() == (98, 98)
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.PROMOTED
        assert world.shares() == (0, 0)


async def test_a_kill_between_the_two_writes_of_a_weight_lets_no_step_pass_on_one_route() -> None:
    async with at_rest(TwoRoutes()) as world:
        world.die_before_second()
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        await world.kill_operators()
        assert world.shares() == (5, 0)
        world.heal()
        world.start_operator()
        while world.changes()[0].status.step == 0:
            first_step = world.shares()
            await asyncio.sleep(0.02)
        assert first_step == (5, 5)
        await reached(world, Phase.WATCHING, weight=97)
        assert world.shares() == (98, 98)


async def test_a_route_that_is_written_anew_from_git_in_mid_run_gets_its_canary_back() -> None:
    async with at_rest(TwoRoutes()) as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        held = {"spec": {"paused": True}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, held)
        await asyncio.sleep(2)
        await world.admin.delete(HTTP_ROUTES, KEY.namespace, SECOND)
        await world.restore_from_git()
        await asyncio.sleep(1)
        assert world.shares() == (5, 5)


async def test_a_route_that_may_not_be_written_holds_the_release_and_is_named() -> None:
    async with at_rest(TwoRoutes()) as world:
        world.refuse_second()
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        await asyncio.sleep(30)
        assert world.shares() == (5, 0)
        said = world.rollout().status
        assert said.reason == "RoutePending"
        assert "HTTPRoute second says 0%" in said.message
        assert "that route is not yours" in said.message
        await settled(world)
        assert world.changes()[0].status.outcome == Outcome.INCONCLUSIVE
        assert max(world.weights) == 5


async def test_containment_takes_the_traffic_from_both_and_the_canary_waits_for_the_slower() -> (
    None
):
    async with at_rest(TwoRoutes()) as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING, weight=97)
        world.refuse_second()
        await world.sign("Abort")
        await asyncio.sleep(120)
        assert world.shares() == (0, 98)
        assert world.changes()[0].status.phase == Phase.RETREATING
        world.heal()
        await settled(world)
        assert world.shares() == (0, 0)
        assert world.changes()[0].status.outcome == Outcome.ABORTED
