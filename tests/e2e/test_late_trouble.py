"""Trouble after the ladder: harm that shows only in the watch, an edit while stable is changing."""

import pytest

from controller.core.phases import Outcome, Phase
from controller.local import deploying
from tests.e2e.harness import RATE, WITHIN_S, shop_on
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_harm_that_begins_in_the_watch_is_taken_back_from_full_traffic(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(promotion={"holdback": 10, "watch": "60s"})
        bug = shop.stack.folder / "bug"
        late = {"SHOP_LOSE_ORDERS": "0.99", "SHOP_FAULTY_WHEN": str(bug)}
        async with shop.stack.load(RATE, seed=6):
            await shop.release("v2", env=late)
            await shop.until_changing("v2", Phase.WATCHING)
            assert await shop.weight() == 90
            bug.touch()
            change = await shop.ended("v2")
        assert (change.status.outcome, change.status.reason) == (Outcome.ROLLED_BACK, "HarmFound")
        assert change.status.peak_weight == 90
        assert "orders" in change.status.message
        await shop.until_phase("Rejected")
        assert await shop.versions() == {"v1"}
        assert await shop.traces() == []
        assert shop.stack.ledger.read().summary().failed == 0


async def test_an_edit_in_mid_absorb_goes_back_to_stable_and_then_up_the_ladder(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=7):
            await shop.release("v2")
            await deploying.until(
                shop.deployment,
                lambda d: not d.spec.paused and 1 <= d.status.updated_replicas < 3,
                WITHIN_S,
                "mid-absorb",
            )
            await shop.release("v3")
            first = await shop.ended("v2")
            second = await shop.ended("v3")
            await shop.until_phase("Stable")
        assert first.status.outcome == Outcome.SUPERSEDED
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest
        assert shop.stack.ledger.read().summary().failed == 0
        assert await shop.versions() == {"v3"}
        assert await shop.traces() == []
