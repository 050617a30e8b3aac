"""What people and machines do around a run: outages, autoscalers, the end of a namespace."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from controller.api.resources import AUTOSCALERS, DEPLOYMENTS
from controller.core import floor as capacity
from controller.core.phases import Outcome
from controller.kube.config import Direct
from controller.local import deploying
from controller.local.fault_kinds import Delay, Fault, Page
from controller.local.faults import FaultProxy
from controller.local.prometheus import Prometheus, pods
from tests.e2e.harness import RATE, WITHIN_S, Shop, shop_on
from tests.e2e.specs import ANALYSIS, NAME, metrics
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

OF_ARM = 'namespace="{{namespace}}", pod=~"{{arm.pods}}"'
HTML = Page(b"<html><body>Sign in to continue</body></html>")
UNAVAILABLE = Page(b"service unavailable", status=503)
LATE = Delay(60)
SAID_OF: dict[Fault, str] = {HTML: "not JSON", UNAVAILABLE: "503", LATE: "no answer within 2 s"}


def _judged_by(url: str) -> dict[str, Any]:
    provider = {"prometheus": {"address": url, "timeout": "2s"}}
    return {**ANALYSIS, "provider": provider, "tick": "2s", "metrics": metrics(OF_ARM)}


async def test_prometheus_dies_in_mid_canary_and_the_release_holds_says_so_and_goes_on(
    plane: RealCluster, namespace: str
) -> None:
    scrapes = [pods(plane.kubeconfig("admin"), [namespace])]
    async with shop_on(plane, namespace) as shop, Prometheus(scrapes) as prometheus:
        await shop.adopt(analysis=_judged_by(prometheus.url))
        async with shop.stack.load(RATE, seed=21):
            await shop.release("v2")
            await shop.until_weight(5)
            await shop.until_reason("GatheringEvidence")
            prometheus.kill()
            held = await shop.until_reason("NoData", says="orders")
            weight = held.status.weight
            assert weight in (5, 50)
            assert (await shop.condition("DataAvailable"))[:2] == ("False", "NoData")
            assert await shop.weight() == weight
            await prometheus.start()
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.PROMOTED
        assert shop.stack.ledger.read().summary().failed == 0


async def test_a_prometheus_that_answers_html_or_503_or_too_late_holds_the_weight_and_is_quoted(
    plane: RealCluster, namespace: str
) -> None:
    scrapes = [pods(plane.kubeconfig("admin"), [namespace])]
    async with (
        shop_on(plane, namespace) as shop,
        Prometheus(scrapes) as prometheus,
        FaultProxy(await Direct(prometheus.url).load()) as proxy,
    ):
        ladder = [{"weight": weight} for weight in (5, 10, 20, 50)]  # one at least for each fault
        await shop.adopt(analysis=_judged_by(proxy.url), steps=ladder)
        async with shop.stack.load(RATE, seed=22):
            await shop.release("v2")
            await shop.until_weight(5)
            for fault, said in SAID_OF.items():
                proxy.order(fault, path="query", times=-1)
                held = await shop.until_reason("NoData")
                message = (await shop.condition("DataAvailable"))[2]
                assert said in message, message
                assert await shop.weight() == held.status.weight
                proxy.clear()
                await deploying.until(_data(shop), lambda s: s == "True", WITHIN_S, "data again")
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.PROMOTED
        assert shop.stack.ledger.read().summary().failed == 0


def _data(shop: Shop) -> Callable[[], Awaitable[str]]:
    async def look() -> str:
        return (await shop.condition("DataAvailable"))[0]

    return look


async def test_the_floor_of_an_autoscaler_is_held_in_a_run_and_given_back(
    plane: RealCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "STAYS", timedelta(seconds=5))
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
