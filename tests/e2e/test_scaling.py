"""The owner and his autoscaler go on scaling while a release is under way."""

from datetime import timedelta

import pytest

from controller.api.names import FLOOR_ANNOTATION
from controller.api.resources import AUTOSCALERS, DEPLOYMENTS
from controller.core import floor as capacity
from controller.core.phases import Outcome
from controller.local import deploying
from controller.local.controlplane import ControlPlane
from controller.local.metrics_api import MetricsApi
from tests.e2e.harness import RATE, WITHIN_S, shop_on
from tests.e2e.specs import NAME
from tests.e2e.watched import watching
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

CPU = {"type": "AverageValue", "averageValue": "100m"}
SCALER = {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
    "minReplicas": 1,
    "maxReplicas": 4,
    "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": CPU}}],
}


async def test_an_autoscaler_may_grow_stable_in_a_run_and_shrink_it_only_afterwards(
    plane: RealCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "STAYS", timedelta(seconds=5))
    if not isinstance(plane, ControlPlane):
        pytest.skip("another cluster has metrics of its own")
    async with (
        shop_on(plane, namespace) as shop,
        MetricsApi(shop.admin, plane.ca, plane.ca_key) as cpu,
    ):
        cpu.set_cpu(namespace, {"app": NAME}, millicores=100)
        body = {"metadata": {"name": NAME}, "spec": SCALER}
        await shop.admin.create(AUTOSCALERS, namespace, body)
        await shop.adopt()

        async def floor() -> tuple[int, bool]:
            scaler = await shop.admin.get(AUTOSCALERS, namespace, NAME)
            return scaler.spec.min_replicas, FLOOR_ANNOTATION in scaler.metadata.annotations

        await shop.release("v2")
        await shop.until_weight(5)
        await deploying.until(floor, lambda f: f == (3, True), WITHIN_S, "the floor")
        cpu.set_cpu(namespace, {"app": NAME}, millicores=150)
        await deploying.until(floor, lambda f: f == (4, True), WITHIN_S, "the floor that grew")
        cpu.set_cpu(namespace, {"app": NAME}, millicores=10)
        async with (
            shop.stack.load(RATE, seed=71),
            watching(shop.admin, DEPLOYMENTS, namespace, NAME) as deployments,
        ):
            change = await shop.ended("v2")
            await deploying.until(floor, lambda f: f == (1, False), WITHIN_S, "the owner's floor")
            await deploying.until(
                shop.deployment, lambda d: d.spec.replicas == 1, WITHIN_S, "fewer pods"
            )
        sizes = {d.spec.replicas for d in deployments.versions if d.spec.paused}
        assert sizes == {4}  # in all of the run
        assert change.status.outcome == Outcome.PROMOTED
        assert shop.stack.ledger.read().summary().failed == 0


async def test_scaled_to_zero_and_up_in_a_run_stable_is_refilled_and_the_run_goes_on(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        await shop.release("v2")
        await shop.until_weight(5)
        await deploying.scale(shop.admin, 0, namespace=namespace)
        await shop.until_reason("ScaledToZero")
        await deploying.until(shop.weight, lambda w: w == 0, WITHIN_S, "no traffic to the canary")
        await deploying.until(shop.versions, lambda v: not v, WITHIN_S, "no pod")
        await deploying.scale(shop.admin, 3, namespace=namespace)
        await deploying.until(
            shop.deployment, lambda d: d.status.available_replicas == 3, WITHIN_S, "three pods"
        )
        assert await shop.versions() == {"v1"}
        async with shop.stack.load(RATE, seed=72):
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.PROMOTED
