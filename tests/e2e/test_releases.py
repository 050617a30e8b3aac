"""Whole releases on real components: API server, controllers, Envoy, pods, orders."""

import pytest

from controller.core.phases import Outcome
from controller.local import deploying
from tests.e2e.harness import RATE, WITHIN_S, shop_on
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_good_release_is_promoted_and_no_request_fails(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=1):
            await shop.release("v2")
            change = await shop.ended("v2")
            await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        told = shop.stack.ledger.read().summary()
        assert told.failed == 0
        assert told.lost == 0
        assert (await shop.deployment()).spec.paused is False
        assert await shop.versions() == {"v2"}
        assert await shop.traces() == []


async def test_silent_loss_and_errors_and_crashes_are_taken_back(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=2):
            await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
            silent = await shop.ended("v2")
            await shop.release("v3", env={"SHOP_ERRORS": "0.5"})
            errors = await shop.ended("v3")
            await shop.release("v4", env={"SHOP_CRASH": "start"})
            crash = await shop.ended("v4")
        assert silent.status.outcome == errors.status.outcome == Outcome.ROLLED_BACK
        assert silent.status.reason == errors.status.reason == "HarmFound"
        assert silent.status.peak_weight == 5
        assert (crash.status.outcome, crash.status.peak_weight) == (Outcome.ROLLED_BACK, 0)
        split = shop.stack.ledger.read().by_version()
        assert "v4" not in split
        assert split["v2"].lost <= 60


async def test_a_newer_edit_supersedes_the_run_in_hand(plane: RealCluster, namespace: str) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=3):
            await shop.release("v2")
            await shop.until_weight(5)
            await shop.release("v3")
            first = await shop.ended("v2")
            second = await shop.ended("v3")
        assert first.status.outcome == Outcome.SUPERSEDED
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest


async def test_one_person_aborts_with_a_signoff_and_another_retries(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=4):
            await shop.release("v2")
            await shop.until_weight(5)
            await shop.sign("Abort")
            aborted = await shop.ended("v2")
            assert aborted.status.outcome == Outcome.ABORTED
            await shop.until_phase("Rejected")
            await shop.sign("Retry")
            retried = await deploying.until(
                shop.changes,
                lambda cs: any(c.status.outcome == Outcome.PROMOTED for c in cs),
                WITHIN_S,
                "the retried release",
            )
        assert len(retried) == 2
