"""The operator is killed with -9 at a write that matters, and started again."""

import pytest

from controller.api.resources import HTTP_ROUTES
from controller.core.phases import Outcome
from tests.e2e.harness import RATE, marked, share_of, shop_on
from tests.e2e.operating import death_of, operator_process
from tests.e2e.watched import watching
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_around_containment_changes_nothing_in_the_end(
    plane: RealCluster, namespace: str, moment: str
) -> None:
    async with shop_on(plane, namespace, operator=False) as shop:
        async with operator_process(plane, shop.stack.folder, die=f"{moment}:contain") as first:
            await shop.adopt()
            async with shop.stack.load(RATE, seed=11):
                await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
                assert await death_of(first) == -9
                assert marked(await shop.route()) is (moment == "after")
                async with (
                    watching(shop.admin, HTTP_ROUTES, namespace, "shop") as routes,
                    operator_process(plane, shop.stack.folder),
                ):
                    change = await shop.ended("v2")
                    rest = await shop.until_phase("Rejected")
                    shares = [share_of(route) for route in routes.versions]
        assert change.status.outcome == Outcome.ROLLED_BACK
        assert change.status.peak_weight == 5
        assert shares == sorted(shares, reverse=True)  # it never rose again
        assert shares[0] == (5 if moment == "before" else 0)
        assert await shop.traces() == []
        assert await shop.versions() == {"v1"}
        assert rest.status.stable.digest == change.spec.source.digest


async def test_a_kill_in_mid_absorb_still_promotes_and_no_request_fails(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace, operator=False) as shop:
        async with operator_process(plane, shop.stack.folder, die="after:unpause") as first:
            await shop.adopt()
            async with shop.stack.load(RATE, seed=12):
                await shop.release("v2")
                assert await death_of(first) == -9
                async with operator_process(plane, shop.stack.folder):
                    change = await shop.ended("v2")
                    rest = await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        assert rest.status.stable.digest == change.spec.target.digest
        assert shop.stack.ledger.read().summary().failed == 0
        assert await shop.traces() == []
        assert await shop.versions() == {"v2"}
