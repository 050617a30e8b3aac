"""Whole releases on real components: API server, controllers, Envoy, pods, orders."""

import pytest

from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, ROLLOUTS
from controller.core.phases import Outcome
from controller.kube.port import NotFound
from controller.local import deploying
from tests.e2e.harness import CANARY, NAME, RATE, WITHIN_S, shop_on
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
        deployment = await shop.admin.get(DEPLOYMENTS, namespace, NAME)
        assert deployment.spec.paused is False
        with pytest.raises(NotFound):
            await shop.admin.get(DEPLOYMENTS, namespace, CANARY)


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


async def test_a_foreign_edit_of_the_weight_is_repaired(plane: RealCluster, namespace: str) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.until_reason("GatheringEvidence")
        refs = (await shop.route()).spec.rules[0].backend_refs
        at = next(i for i, r in enumerate(refs) if r.name == CANARY)
        path = f"/spec/rules/0/backendRefs/{at}/weight"
        edit = [{"op": "replace", "path": path, "value": 9000}]
        await shop.admin.patch_json(HTTP_ROUTES, namespace, "shop", edit)
        await deploying.until(shop.weight, lambda w: round(w, 2) == 5, WITHIN_S, "the repair")


async def test_deleting_the_rollout_in_mid_run_restores_everything(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=5):
            await shop.release("v2")
            await shop.until_weight(5)
            await plane.kubectl(
                "delete", "rollout", NAME, "-n", namespace, "--cascade=foreground", "--timeout=60s"
            )
        with pytest.raises(NotFound):
            await shop.admin.get(ROLLOUTS, namespace, NAME)
        with pytest.raises(NotFound):
            await shop.admin.get(DEPLOYMENTS, namespace, CANARY)
        route = await shop.route()
        assert [r.name for r in route.spec.rules[0].backend_refs] == [NAME]
        assert not [a for a in route.metadata.annotations if a.startswith("blastdoor.dev")]
        deployment = await shop.admin.get(DEPLOYMENTS, namespace, NAME)
        assert "blastdoor.dev/rollout" not in deployment.metadata.labels
        assert deployment.spec.paused is True  # v2 was never released
        assert "blastdoor.dev/left-paused" in deployment.metadata.annotations
        assert shop.stack.ledger.read().summary().failed == 0


async def test_a_rollout_waits_for_what_it_names(plane: RealCluster, namespace: str) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.put_rollout()
        missing = await shop.until_reason("AnalysisMissing")
        assert "AnalysisTemplate" in missing.status.message
        assert "does not exist" in missing.status.message


async def test_share_by_pods_is_promoted_and_contained_by_the_pin(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(routed=False)
        async with shop.stack.load(RATE, seed=6):
            await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
            bad = await shop.ended("v2")
            await shop.release("v3")
            good = await shop.ended("v3")
        assert bad.status.outcome == Outcome.ROLLED_BACK
        assert good.status.outcome == Outcome.PROMOTED
