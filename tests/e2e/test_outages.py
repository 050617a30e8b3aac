"""What people and machines do around a run: outages, autoscalers, the end of a namespace."""

import pytest

from controller.api.resources import AUTOSCALERS, DEPLOYMENTS
from controller.core.phases import Outcome
from controller.local import deploying
from controller.local.prometheus import Prometheus, pods
from tests.e2e.harness import NAME, RATE, WITHIN_S, shop_on
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

OF_ARM = 'namespace="{{namespace}}", pod=~"{{arm.pods}}"'


async def test_prometheus_dies_in_mid_canary_and_the_release_holds_says_so_and_goes_on(
    plane: RealCluster, namespace: str
) -> None:
    orders = {
        "name": "orders",
        "harm": "Decrease",
        "events": f"orders_total{{{OF_ARM}}}",
        "exposures": f"http_requests_total{{{OF_ARM}}}",
        "margin": {"5": "50%", "50": "30%"},
    }
    scrapes = [pods(plane.kubeconfig("admin"), [namespace])]
    async with shop_on(plane, namespace) as shop, Prometheus(scrapes) as prometheus:
        analysis = {
            "provider": {"prometheus": {"address": prometheus.url, "timeout": "2s"}},
            "tick": "2s", "bake": "0s", "coverHarmAfter": "2s", "warmUp": "0s",
            "maxMissing": "95%", "metrics": [orders],
        }  # fmt: skip
        await shop.adopt(analysis=analysis)
        async with shop.stack.load(RATE, seed=21):
            await shop.release("v2")
            await shop.until_weight(5)
            await shop.until_reason("GatheringEvidence")
            prometheus.kill()
            held = await shop.until_reason("NoData")
            assert "orders" in held.status.message
            silent = next(c for c in held.status.conditions if c.type == "DataAvailable")
            assert silent.status == "False"
            weight = await shop.weight()
            assert weight > 0
            await prometheus.start()
            change = await deploying.until(
                lambda: shop.change_of("v2"),
                lambda c: c is not None and bool(c.status.outcome),
                150,
                "the end of v2",
            )
        assert change is not None
        assert change.status.outcome == Outcome.PROMOTED


async def test_the_floor_of_an_autoscaler_is_held_in_a_run_and_given_back(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        target = {"type": "AverageValue", "averageValue": "100m"}
        spec = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }
        body = {"metadata": {"name": NAME}, "spec": spec}
        await shop.admin.create(AUTOSCALERS, namespace, body)
        await shop.adopt()

        async def least() -> int:
            return (await shop.admin.get(AUTOSCALERS, namespace, NAME)).spec.min_replicas

        await shop.release("v2")
        await shop.until_weight(5)
        await deploying.until(least, lambda n: n == 3, WITHIN_S, "the raised floor")
        await shop.sign("Abort")
        await shop.ended("v2")
        await deploying.until(least, lambda n: n == 1, WITHIN_S, "the owner's floor")


async def test_a_namespace_in_mid_run_can_be_deleted(plane: RealCluster, namespace: str) -> None:
    ending = f"{namespace}-ends"
    async with shop_on(plane, ending) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await plane.kubectl("delete", "namespace", ending, "--timeout=90s")


async def test_scaling_to_zero_and_up_with_a_proposal_pending_refills_stable(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await shop.sign("Abort")
        await shop.until_phase("Rejected")
        stable = (await shop.rollout()).status.stable.hash
        await deploying.scale(shop.admin, 0, namespace=namespace)

        async def ready() -> int:
            return (await shop.admin.get(DEPLOYMENTS, namespace, NAME)).status.available_replicas

        await deploying.until(ready, lambda n: n == 0, WITHIN_S, "no pod")
        await deploying.scale(shop.admin, 3, namespace=namespace)
        await deploying.until(ready, lambda n: n == 3, WITHIN_S, "stable again")
        found = await deploying.pods(shop.admin, namespace, f"app={NAME}")
        assert {p.metadata.labels["pod-template-hash"] for p in found} == {stable}
