"""Whole releases in the bad hours of an API server and of a clock: all end as they should."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Outcome
from controller.kube.config import Direct, Kubeconfig
from controller.local import deploying
from controller.local.fault_kinds import Refuse
from controller.local.faults import FaultProxy
from controller.runtime import clock
from tests.e2e.harness import RATE, WITHIN_S, share_of, shop_on
from tests.e2e.operating import operator_on
from tests.e2e.specs import ROUTE
from tests.e2e.watched import watching
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

CALM_REQUESTS = 20
HOUR = timedelta(hours=1)


@asynccontextmanager
async def _storm(proxy: FaultProxy) -> AsyncIterator[None]:
    """After every so many requests the next are refused, with 429 and then with 500, and the
    watches break off."""
    task = asyncio.create_task(_bursts(proxy))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _bursts(proxy: FaultProxy) -> None:
    async def passed() -> int:
        return len(proxy.passed)

    while True:
        calm_until = await passed() + CALM_REQUESTS
        await deploying.until(passed, lambda n: n >= calm_until, WITHIN_S, "requests")  # noqa: B023
        proxy.order(Refuse(429, "TooManyRequests", retry_after_s=1), times=3)
        proxy.order(Refuse(500, "InternalError"), times=6)  # the first three of them meet the 429
        proxy.cut_streams()


async def test_a_server_that_answers_429_and_500_in_bursts_delays_a_release_and_changes_no_verdict(
    plane: RealCluster, namespace: str
) -> None:
    connection = await Kubeconfig(str(plane.kubeconfig("operator"))).load()
    async with (
        shop_on(plane, namespace, operator=False) as shop,
        FaultProxy(connection) as proxy,
        operator_on(plane, source=Direct(proxy.url)),
    ):
        await shop.adopt()
        async with (
            shop.stack.load(RATE, seed=101),
            watching(shop.admin, HTTP_ROUTES, namespace, ROUTE) as routes,
            _storm(proxy),
        ):
            await shop.release("v2")
            change = await shop.ended("v2")
            await shop.until_phase("Stable")
        refused = [p.status for p in proxy.passed if p.status in (429, 500)]
        assert refused.count(429) >= 3
        assert refused.count(500) >= 3
        assert change.status.outcome == Outcome.PROMOTED
        assert [c.name for c in await shop.changes()] == [change.name]
        shares = [share_of(route) for route in routes.versions]
        assert shares[: shares.index(100)] == sorted(shares[: shares.index(100)])
        assert shop.stack.ledger.read().summary().failed == 0
        assert await shop.traces() == []


async def test_a_wall_clock_that_jumps_by_an_hour_and_back_changes_no_verdict(
    plane: RealCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta()
    monkeypatch.setattr(clock, "system_now", lambda: datetime.now(UTC) + ahead)
    async with shop_on(plane, namespace, operator=False) as shop, shop.stack.load(RATE, seed=102):
        async with operator_on(plane):
            await shop.adopt()
            await shop.release("v2")
            await shop.until_weight(5)
            ahead = HOUR  # while it runs
            await shop.until_weight(50)
        async with operator_on(plane):  # started on a machine that is an hour ahead
            first = await shop.ended("v2")
            await shop.until_phase("Stable")
            await shop.release("v3")
            await deploying.until(
                lambda: shop.change_of("v3"),
                lambda c: c is not None and c.status.window_end is not None,
                WITHIN_S,
                "evidence of v3",
            )
        ahead = timedelta()
        async with operator_on(plane):  # and on one that is right
            second = await shop.ended("v3")
        assert first.status.outcome == second.status.outcome == Outcome.PROMOTED
        assert shop.stack.ledger.read().summary().failed == 0
