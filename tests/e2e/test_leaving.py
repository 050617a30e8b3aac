"""A Rollout is deleted, in mid-run and at rest: shoppers notice nothing."""

import pytest

from controller.api.names import LEFT_PAUSED_ANNOTATION, ROLLOUT_LABEL
from controller.api.resources import ROLLOUTS
from controller.core.phases import Outcome
from controller.kube.port import NotFound
from controller.local import deploying
from tests.e2e.harness import RATE, WITHIN_S, Shop, shop_on
from tests.e2e.specs import NAME
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("propagation", ["background", "foreground", "orphan"])
async def test_deleting_the_rollout_in_mid_run_restores_everything(
    plane: RealCluster, namespace: str, propagation: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        async with shop.stack.load(RATE, seed=41):
            await shop.release("v2")
            await shop.until_weight(5)
            await _delete(shop, propagation)
            with pytest.raises(NotFound):
                await shop.rollout()
            await deploying.until(shop.traces, lambda t: not t, WITHIN_S, "nothing of the run")
        deployment = await shop.deployment()
        assert ROLLOUT_LABEL not in deployment.metadata.labels
        assert deployment.spec.paused is True  # v2 was never released
        assert "rollout resume" in deployment.metadata.annotations[LEFT_PAUSED_ANNOTATION]
        assert await shop.versions() == {"v1"}
        assert shop.stack.ledger.read().summary().failed == 0
        if propagation == "orphan":  # else the Change went with its Rollout
            change = await shop.change_of("v2")
            assert change is not None
            assert change.status.outcome == Outcome.WITHDRAWN


async def _delete(shop: Shop, propagation: str) -> None:
    await shop.kubectl("delete", "rollout", NAME, f"--cascade={propagation}", "--timeout=60s")


async def test_a_deployment_that_was_left_at_rest_rolls_as_before_and_can_be_adopted_again(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await _delete(shop, "background")
        left = await shop.deployment()
        assert left.spec.paused is False
        assert ROLLOUT_LABEL not in left.metadata.labels
        await shop.release("v2")
        await deploying.until_rolled_out(shop.admin, namespace=namespace)
        assert await shop.versions() == {"v2"}
        await shop.put_rollout()
        await shop.until_phase("Stable")
        page = await shop.admin.list_page(ROLLOUTS, namespace)
        assert [r.metadata.name for r in page.items] == [NAME]
        assert await shop.changes() == []
