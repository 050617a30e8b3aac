"""Two operators at once: one acts, and when it dies or loses its lease the other goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from controller.api.names import OPERATOR_NAMESPACE
from controller.api.resources import HTTP_ROUTES, LEASES
from controller.core.phases import Outcome
from controller.kube.config import Direct, Kubeconfig
from controller.kube.port import NotFound
from controller.local import deploying
from controller.local.fault_kinds import Passed, Refuse
from controller.local.faults import FaultProxy
from tests.e2e.harness import RATE, WITHIN_S, Shop, share_of, shop_on
from tests.e2e.operating import operator_on, operator_process
from tests.e2e.specs import ROUTE
from tests.e2e.watched import watching
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

WRITES = ("create", "patch", "replace", "delete")


async def _until_leading(shop: Shop, identity: str) -> None:
    async def holder() -> str:
        with suppress(NotFound):
            lease = await shop.admin.get(LEASES, OPERATOR_NAMESPACE, "blastdoor")
            return lease.spec.holder_identity
        return ""

    await deploying.until(holder, lambda h: h == identity, WITHIN_S, f"{identity} leads")


def _climbed(shares: Sequence[float]) -> None:
    """Up to full traffic nothing was taken back, at the change of hands neither."""
    way_up = shares[: shares.index(100)]
    assert list(way_up) == sorted(way_up)


async def test_a_second_operator_takes_over_in_mid_run_when_the_first_is_killed(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace, operator=False) as shop:
        folder = shop.stack.folder
        async with operator_process(plane, folder, identity="first") as first:
            await _until_leading(shop, "first")
            async with operator_process(plane, folder, identity="second"):
                await shop.adopt()
                async with (
                    shop.stack.load(RATE, seed=51),
                    watching(shop.admin, HTTP_ROUTES, namespace, ROUTE) as routes,
                ):
                    await shop.release("v2")
                    await shop.until_weight(5)
                    first.kill()
                    change = await shop.ended("v2")
                    await _until_leading(shop, "second")
        assert change.status.outcome == Outcome.PROMOTED
        assert [c.name for c in await shop.changes()] == [change.name]
        _climbed([share_of(route) for route in routes.versions])
        assert shop.stack.ledger.read().summary().failed == 0


@asynccontextmanager
async def _proxy(plane: RealCluster) -> AsyncIterator[FaultProxy]:
    connection = await Kubeconfig(str(plane.kubeconfig("operator"))).load()
    async with FaultProxy(connection) as proxy:
        yield proxy


async def test_an_operator_that_lost_its_lease_writes_nothing_while_the_other_finishes(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace, operator=False) as shop, _proxy(plane) as proxy:
        async with operator_on(plane, source=Direct(proxy.url), identity="cut-off"):
            await _until_leading(shop, "cut-off")
            async with operator_process(plane, shop.stack.folder, identity="other"):
                await shop.adopt()
                await shop.release("v2")
                await shop.until_weight(5)
                proxy.order(Refuse(500, "InternalError"), path="leases", times=-1)
                await _until_leading(shop, "other")
                taken_at = asyncio.get_running_loop().time()
                async with shop.stack.load(RATE, seed=52):
                    change = await shop.ended("v2")
                late = [p for p in proxy.passed if p.at > taken_at and _writes(p)]
        assert change.status.outcome == Outcome.PROMOTED
        assert late == []


def _writes(request: Passed) -> bool:
    """A write that reached the server; an Event only tells of what was done before."""
    told = "/events" in request.path or "/leases" in request.path
    return request.verb in WRITES and not told
