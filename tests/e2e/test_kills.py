"""The operator is killed with -9 at a write that matters, and started again."""

import asyncio

import pytest

from controller.core.phases import Outcome
from controller.local import deploying
from tests.e2e.harness import RATE, WITHIN_S, shop_on
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def _dead(returncode: object) -> object:
    return returncode


@pytest.mark.parametrize("point", ["before:contain", "after:contain"])
async def test_a_kill_around_containment_changes_nothing_in_the_end(
    plane: RealCluster, namespace: str, point: str
) -> None:
    async with shop_on(plane, namespace, operator=False) as shop:
        first = await shop.start_process(point)
        await shop.adopt()
        async with shop.stack.load(RATE, seed=11):
            await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
            await deploying.until(
                lambda: _dead(first.returncode), lambda c: c is not None, WITHIN_S, "its death"
            )
            contained = await shop.marked()
            assert contained is (point == "after:contain")
            await shop.start_process()
            if contained:
                await asyncio.gather(_never_raised(shop), shop.ended("v2"))
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.ROLLED_BACK


async def _never_raised(shop: object) -> None:
    """From containment to the end no look sees a weight above 0."""
    while (await shop.rollout()).status.phase != "Rejected":  # type: ignore[attr-defined]
        assert await shop.weight() == 0  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)


async def test_a_kill_in_mid_absorb_still_promotes(plane: RealCluster, namespace: str) -> None:
    async with shop_on(plane, namespace, operator=False) as shop:
        first = await shop.start_process("after:unpause")
        await shop.adopt()
        async with shop.stack.load(RATE, seed=12):
            await shop.release("v2")
            await deploying.until(
                lambda: _dead(first.returncode), lambda c: c is not None, WITHIN_S, "its death"
            )
            await shop.start_process()
            change = await shop.ended("v2")
            await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        assert shop.stack.ledger.read().summary().failed == 0
