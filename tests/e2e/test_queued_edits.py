"""Where edits wait, a run is absorbed underneath a Deployment that already holds the next text."""

import pytest

from controller.api.names import ROLE_LABEL, ROLE_TARGET
from controller.api.resources import CONTROLLER_REVISIONS
from controller.core.phases import Outcome
from tests.e2e.harness import RATE, shop_on
from tests.e2e.specs import LIMITS
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_run_is_promoted_behind_a_newer_edit_and_the_newest_edit_follows_it(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(limits=LIMITS | {"supersede": "Queue"})
        async with shop.stack.load(RATE, seed=91):
            await shop.release("v2")
            await shop.until_weight(5)
            await shop.release("v3")
            await shop.release("v4")
            first = await shop.ended("v2")
            assert first.status.outcome == Outcome.PROMOTED
            assert await shop.change_of("v3") is None
            second = await shop.ended("v4")
            await shop.until_phase("Stable")
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.target.digest
        assert shop.stack.ledger.read().summary().failed == 0
        assert await shop.versions() == {"v4"}
        assert await shop.traces() == []
        kept = await shop.admin.list_page(
            CONTROLLER_REVISIONS, namespace, label_selector=f"{ROLE_LABEL}={ROLE_TARGET}"
        )
        assert kept.items == ()
        said = await shop.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")
        assert "Queued" in said
