"""What a Rollout names is deleted in mid-run, and comes back or does not."""

import pytest

from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES, ROLLOUTS, SERVICES
from controller.core.phases import Outcome
from controller.local import shop_objects
from controller.local.kubectl import KubectlError
from tests.e2e.harness import CANARY, RATE, shop_on
from tests.e2e.specs import LIMITS, NAME, ROUTE
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_a_route_and_a_service_deleted_in_mid_run_hold_it_and_their_return_lets_it_go_on(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.kubectl("delete", "httproute", ROUTE)
        await shop.until_reason("TrafficMissing", says=f"HTTPRoute {namespace}/{ROUTE}")
        route = shop_objects.http_route({NAME: 1}, name=ROUTE, namespace=namespace)
        await shop.admin.create(HTTP_ROUTES, namespace, route)
        await shop.until_weight(5)
        await shop.kubectl("delete", "service", NAME)
        await shop.until_reason("TrafficMissing", says=f"Service {namespace}/{NAME}")
        await shop.admin.create(SERVICES, namespace, shop_objects.service(namespace=namespace))
        async with shop.stack.load(RATE, seed=81):
            change = await shop.ended("v2")
            await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        assert await shop.traces() == []


async def test_a_route_that_stays_away_ends_the_run_at_its_deadline_and_loses_nothing(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(limits=LIMITS | {"progressDeadline": "15s"})
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.kubectl("delete", "httproute", ROUTE)
        await shop.until_reason("TrafficMissing", says=f"HTTPRoute {namespace}/{ROUTE}")
        shorter = {"spec": {"limits": {"hold": "1s"}}}  # a stricter limit counts at once
        await shop.admin.patch_merge(ROLLOUTS, namespace, NAME, shorter)
        change = await shop.ended("v2")
        assert change.status.outcome == Outcome.INCONCLUSIVE
        assert change.status.reason == "NoEvidence"
        assert f"HTTPRoute {namespace}/{ROUTE}" in change.status.message
        assert await shop.versions() == {"v1"}
        assert CANARY not in await shop.kubectl("get", "deployments,services", "-o", "name")


async def test_a_deployment_deleted_in_mid_run_keeps_the_canary_and_is_adopted_again_on_return(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        with pytest.raises(KubectlError, match=r"LockedWorkload.*delete the Rollout first"):
            await shop.kubectl("delete", "deployment", NAME)
        await shop.kubectl("delete", "deployment", NAME, user="operator")  # it may
        await shop.until_reason("WorkloadMissing", says=f"Deployment {namespace}/{NAME}")
        canary = await shop.admin.get(DEPLOYMENTS, namespace, CANARY)
        assert canary.status.available_replicas == 1  # it may be all that serves
        template = shop_objects.template("v1")
        again = shop_objects.deployment(template, namespace=namespace)
        await shop.admin.create(DEPLOYMENTS, namespace, again)
        change = await shop.ended("v2")
        rested = await shop.until_phase("Stable")
        assert (change.status.outcome, change.status.reason) == (Outcome.SUPERSEDED, "Recreated")
        assert rested.status.deployment_uid == (await shop.deployment()).metadata.uid
        assert await shop.versions() == {"v1"}
        assert await shop.traces() == []
