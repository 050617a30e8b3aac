"""Taking a Deployment in: what is missing, what moves, what its owner paused, who was first."""

import pytest

from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, SERVICES
from controller.core.phases import Outcome
from controller.local import deploying, shop_objects
from tests.e2e.harness import RATE, WITHIN_S, shop_on
from tests.e2e.specs import NAME, ROUTE
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_rollout_waits_for_each_thing_that_it_names_and_says_which(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace, deployed=False) as shop:
        await shop.put_rollout()
        await shop.until_reason("WorkloadMissing", says=f"Deployment {namespace}/{NAME}")
        deployment = shop_objects.deployment(shop_objects.template("v1"), namespace=namespace)
        await shop.admin.create(DEPLOYMENTS, namespace, deployment)
        await shop.until_reason("TrafficMissing", says=f"Service {namespace}/{NAME}")
        await shop.admin.create(SERVICES, namespace, shop_objects.service(namespace=namespace))
        await shop.until_reason("TrafficMissing", says=f"HTTPRoute {namespace}/{ROUTE}")
        route = shop_objects.http_route({NAME: 1}, name=ROUTE, namespace=namespace)
        await shop.admin.create(HTTP_ROUTES, namespace, route)
        await shop.until_reason("AnalysisMissing", says="AnalysisTemplate")
        assert (await shop.condition("Ready"))[0] == "False"
        await shop.put_analysis()
        await shop.until_phase("Stable")
        assert (await shop.condition("Ready"))[0] == "True"


async def test_of_two_rollouts_on_one_deployment_the_first_keeps_it(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.put_rollout("second")
        await shop.until_reason("WorkloadTaken", name="second", says=f"Rollout {NAME}")
        assert (await shop.condition("Adopted", "second"))[:2] == ("False", "WorkloadTaken")
        await shop.release("v2")
        await shop.until_weight(5)
        assert {c.spec.rollout for c in await shop.changes()} == {NAME}
        await shop.release("v1")
        await shop.until_phase("Stable")
        await shop.kubectl("delete", "rollout", NAME, "--timeout=60s")
        await shop.until_phase("Stable", name="second")


async def test_an_edit_that_its_owner_had_paused_becomes_the_first_proposal(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.kubectl("rollout", "pause", f"deployment/{NAME}")
        await shop.kubectl("set", "image", f"deployment/{NAME}", "shop=blastdoor/shop:v2")
        await shop.put_analysis()
        await shop.put_rollout()
        await shop.until_weight(5)
        assert await shop.versions() == {"v1"}
        async with shop.stack.load(RATE, seed=82):
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.PROMOTED
        assert change.spec.source.images == ("blastdoor/shop:v1",)
        await shop.until_phase("Stable")
        assert await shop.versions() == {"v2"}


async def test_a_deployment_that_its_owner_paused_unchanged_is_adopted_and_proposes_nothing(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.kubectl("rollout", "pause", f"deployment/{NAME}")
        await shop.adopt()
        rested = await shop.rollout()
        assert await shop.changes() == []
        assert await shop.versions() == {"v1"}
        await shop.release("v2")
        await shop.until_weight(5)
        change = await shop.change_of("v2")
        assert change is not None
        assert change.spec.source.digest == rested.status.stable.digest


async def test_adoption_waits_for_the_end_of_a_rolling_update_in_flight(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.release("v2", image="registry.example/shop:v2")  # will never be ready

        async def sets() -> int:
            return len((await shop.kubectl("get", "replicasets", "-o", "name")).split())

        await deploying.until(sets, lambda n: n == 2, WITHIN_S, "the rolling update")
        await shop.put_analysis()
        await shop.put_rollout()
        await shop.until_reason("AdoptionBlocked", says="2 ReplicaSets are active")
        assert (await shop.condition("Adopted"))[:2] == ("False", "AdoptionBlocked")
        await shop.release("v3")
        rested = await shop.until_phase("Stable")
        assert await shop.versions() == {"v3"}
        assert rested.status.stable.digest
        assert await shop.changes() == []
