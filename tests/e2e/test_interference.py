"""Who sends how much where: a stranger at the route's weights, shares by pods, and the pin."""

import pytest

from controller.api.names import HASH_LABEL
from controller.api.resources import HTTP_ROUTES, SERVICES
from controller.core.phases import Outcome
from controller.local import deploying
from tests.e2e.harness import CANARY, RATE, WITHIN_S, share_of, shop_on
from tests.e2e.specs import NAME, ROUTE
from tests.e2e.watched import watching
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_foreign_edit_of_the_weight_is_repaired_within_a_second_and_reported(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.until_reason("GatheringEvidence")  # nobody shops: it stays at 5%
        refs = (await shop.route()).spec.rules[0].backend_refs
        at = next(i for i, r in enumerate(refs) if r.name == CANARY)
        path = f"/spec/rules/0/backendRefs/{at}/weight"
        edit = [{"op": "replace", "path": path, "value": 9000}]
        async with watching(shop.admin, HTTP_ROUTES, namespace, ROUTE) as routes:
            await shop.admin.patch_json(HTTP_ROUTES, namespace, ROUTE, edit)
            broken = await routes.until(lambda r: share_of(r) > 40, "the foreign weight")
            mended = await routes.until(
                lambda r: round(share_of(r), 2) == 5, "the repair", after=broken.at
            )
        print(f"repaired within {mended.at - broken.at:.3f} s")
        assert mended.at - broken.at <= 1.0

        async def events() -> str:
            return await shop.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")

        await deploying.until(
            events, lambda said: "ForeignWeightRepaired" in said, WITHIN_S, "the report"
        )


async def test_without_a_route_harm_is_contained_by_pinning_the_service_to_stable(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(routed=False)
        stable = (await shop.rollout()).status.stable.hash
        async with (
            shop.stack.load(RATE, seed=61),
            watching(shop.admin, SERVICES, namespace, NAME) as services,
        ):
            await shop.release("v2", env={"SHOP_LOSE_ORDERS": "0.99"})
            bad = await shop.ended("v2")
            pins = [s.spec.selector.get(HASH_LABEL, "") for s in services.versions]
            await shop.release("v3")
            good = await shop.ended("v3")
            await shop.until_phase("Stable")
        assert (bad.status.outcome, bad.status.reason) == (Outcome.ROLLED_BACK, "HarmFound")
        assert [p for i, p in enumerate(pins) if p not in pins[:i]] == ["", stable]
        assert pins[-1] == ""
        assert good.status.outcome == Outcome.PROMOTED
        assert 25 <= good.status.peak_weight <= 75  # what whole pods can make of 5 and 50%
        assert shop.stack.ledger.read().summary().failed == 0
        assert await shop.versions() == {"v3"}
