"""The local stack beside both clusters: pods as processes, Envoy's weights, the true ledger."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from controller.api.k8s import HTTPRoute, Pod
from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.kube.memory import MemoryCluster
from controller.kube.port import Cluster
from controller.local import deploying, shop_objects
from controller.local.addresses import process_address
from controller.local.pod_runner import RestartWaits
from controller.local.shop import VERSION_HEADER
from controller.local.stack import LocalStack, controllers_of
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

QUICK = RestartWaits(first_s=0.2, cap_s=0.4, calm_s=30.0)
CANARY = "checkout-canary"


@dataclass
class Scene:
    """A stack and a namespace of its own on one of the two clusters."""

    cluster: Cluster
    stack: LocalStack
    namespace: str

    async def shop(self, version: str, **more: Any) -> None:
        """A shop that is rolled out."""
        await deploying.put_shop(self.cluster, version, namespace=self.namespace, **more)
        name = more.get("name", shop_objects.NAME)
        await deploying.until_rolled_out(self.cluster, name=name, namespace=self.namespace)

    async def edit(self, version: str, **more: Any) -> None:
        """A new template of the shop."""
        template = shop_objects.template(version, **more)
        await deploying.edit_template(self.cluster, template, namespace=self.namespace)

    async def rolled_out(self) -> None:
        await deploying.until_rolled_out(self.cluster, namespace=self.namespace)

    async def weigh(self, weights: dict[str, int]) -> None:
        """Sets the route's weights and waits until its status says that they are in force."""
        rules = shop_objects.http_route(weights)["spec"]["rules"]
        patch = [{"op": "replace", "path": "/spec/rules", "value": rules}]
        await self.cluster.patch_json(HTTP_ROUTES, self.namespace, "shop", patch)
        await self.route_says("Accepted", "True")

    async def route_says(self, kind: str, status: str, name: str = "shop") -> str:
        """Waits for a condition of the route at its present generation; its reason."""

        async def condition() -> tuple[str, str]:
            route = await self.cluster.get(HTTP_ROUTES, self.namespace, name)
            return conditions(route).get(kind, ("", ""))

        seen = await deploying.until(condition, lambda one: one[0] == status, 10, kind)
        return seen[1]

    async def one_pod(self, reason: str) -> Pod:
        """Waits until a pod's container waits for this reason."""

        async def waiting() -> list[Pod]:
            return [
                pod
                for pod in await deploying.pods(self.cluster, self.namespace)
                for one in pod.status.container_statuses
                if one.state.get("waiting", {}).get("reason") == reason
            ]

        return (await deploying.until(waiting, bool, 15, f"a pod with {reason}"))[0]

    async def answers(self, count: int) -> Counter[tuple[int, str]]:
        """Status and version of so many requests through the gateway."""
        seen: Counter[tuple[int, str]] = Counter()
        async with aiohttp.ClientSession() as session:
            for _ in range(count):
                async with session.get(f"{self.stack.url}/session/x") as response:
                    seen[response.status, response.headers.get(VERSION_HEADER, "")] += 1
        return seen


def conditions(route: HTTPRoute) -> dict[str, tuple[str, str]]:
    """Status and reason of the conditions that speak of the present generation."""
    return {
        one.type: (one.status, one.reason)
        for parent in route.status.parents
        for one in parent.conditions
        if one.observed_generation == route.metadata.generation
    }


@pytest.fixture(params=["memory", "server"])
def plane(request: pytest.FixtureRequest) -> RealCluster | None:
    """The real server, or None in memory."""
    if request.param == "memory":
        return None
    found: RealCluster = request.getfixturevalue("control_plane")
    request.getfixturevalue("namespace")
    return found


@pytest_asyncio.fixture
async def scene(plane: RealCluster | None, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A stack that is running."""
    if plane is None:
        memory = MemoryCluster(lambda: datetime.now(UTC), namespaces=("shop",))
        beside = (controllers_of(memory),)
        async with LocalStack(memory, namespace="shop", beside=beside, waits=QUICK) as stack:
            yield Scene(memory, stack, "shop")
        return
    namespace: str = request.getfixturevalue("namespace")
    async with (
        ApiServer(Kubeconfig(str(plane.kubeconfig("admin")))) as server,
        LocalStack(server, namespace=namespace, waits=QUICK) as stack,
    ):
        yield Scene(server, stack, namespace)


async def test_a_weight_is_in_force_once_the_routes_status_says_so(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    await scene.shop("v2", name=CANARY, replicas=1, route="")
    await scene.weigh({"checkout": 7_000, CANARY: 3_000})
    seen = await scene.answers(400)
    assert seen.keys() == {(200, "v1"), (200, "v2")}
    assert seen[200, "v2"] == pytest.approx(120, abs=45)  # 5 sigma
    for weights, version in (
        ({"checkout": 10_000, CANARY: 0}, "v1"),
        ({"checkout": 0, CANARY: 10_000}, "v2"),
        ({"checkout": 10_000, CANARY: 0}, "v1"),
    ):
        await scene.weigh(weights)
        assert await scene.answers(20) == {(200, version): 20}


async def test_no_request_fails_while_a_deployment_rolls_and_scales(scene: Scene) -> None:
    await scene.shop("v1", replicas=2)
    async with scene.stack.load(150, run_name=scene.namespace):
        await scene.edit("v2")
        await scene.rolled_out()
        for replicas in (1, 3):
            await deploying.scale(scene.cluster, replicas, namespace=scene.namespace)
            await scene.rolled_out()
        await deploying.until(pods_left(scene, 3), bool, 10, "the old pods are gone")
    ledger = scene.stack.ledger.read()
    assert ledger.by_version().keys() == {"v1", "v2"}
    assert ledger.summary().tried > 150
    assert (ledger.summary().failed, ledger.summary().lost) == (0, 0)


def pods_left(scene: Scene, count: int) -> Any:
    async def left() -> bool:
        return len(await deploying.pods(scene.cluster, scene.namespace)) == count

    return left


async def test_a_crash_loop_is_reported_and_gets_no_traffic(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    await scene.edit("v2", env={"SHOP_CRASH": "start"})
    pod = await scene.one_pod("CrashLoopBackOff")
    (status,) = pod.status.container_statuses
    assert status.last_state["terminated"]["exitCode"] == 1
    assert status.last_state["terminated"]["message"].endswith("crash at start")
    assert await scene.answers(20) == {(200, "v1"): 20}

    async def restarts() -> int:
        seen = await scene.one_pod("CrashLoopBackOff")
        return seen.status.container_statuses[0].restart_count

    await deploying.until(restarts, lambda count: count >= 2, 15, "restarts")


async def test_an_image_that_is_not_the_shop_cannot_be_pulled(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    await scene.edit("v2", image="registry.example/else:1")
    pod = await scene.one_pod("ImagePullBackOff")
    message = pod.status.container_statuses[0].state["waiting"]["message"]
    assert "'registry.example/else:1'" in message
    assert (await scene.cluster.get(DEPLOYMENTS, scene.namespace, "checkout")).status.replicas == 2


async def test_a_missing_service_is_reported_and_answers_500_for_its_share(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    await scene.weigh({"absent": 1})
    assert await scene.route_says("ResolvedRefs", "False") == "BackendNotFound"
    assert await scene.answers(5) == {(500, ""): 5}
    await scene.weigh({"checkout": 1})
    assert await scene.route_says("ResolvedRefs", "True") == "ResolvedRefs"
    assert await scene.answers(5) == {(200, "v1"): 5}


async def test_a_service_without_a_ready_pod_answers_503(scene: Scene) -> None:
    await scene.shop("v1", replicas=0)
    await scene.route_says("ResolvedRefs", "True")
    assert await scene.answers(5) == {(503, ""): 5}


async def test_a_route_that_envoy_refuses_says_so_and_stops_no_other(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    bad = shop_objects.http_route({"checkout": 1}, name="bad", namespace=scene.namespace)
    # Lookahead is no part of RE2.
    path = {"type": "RegularExpression", "value": "/(?=x)"}
    bad["spec"]["rules"][0]["matches"] = [{"path": path}]
    await scene.cluster.create(HTTP_ROUTES, scene.namespace, bad)
    assert await scene.route_says("Accepted", "False", "bad") == "UnsupportedValue"
    await scene.weigh({"checkout": 7})
    assert await scene.answers(5) == {(200, "v1"): 5}


async def tried(scene: Scene, version: str, least: int) -> None:
    """As many orders have been answered by a version, however slowly the load starts."""

    async def count() -> int:
        return scene.stack.ledger.read().summary(version=version).tried

    await deploying.until(count, lambda n: n >= least, 30, f"{least} orders of {version}")


async def test_silent_loss_stands_in_the_ledger_and_in_no_answer(scene: Scene) -> None:
    await scene.shop("v3", replicas=1, env={"SHOP_LOSE_ORDERS": "0.5"})
    async with scene.stack.load(200, run_name=scene.namespace):
        await tried(scene, "v3", 250)
    summary = scene.stack.ledger.read().summary(version="v3")
    assert summary.failed == 0
    assert summary.silent == summary.lost
    assert summary.lost / summary.tried == pytest.approx(0.5, abs=0.15)
    assert await placed_by_metrics(scene) == summary.placed


async def placed_by_metrics(scene: Scene) -> int | None:
    """The sum of `orders_total` over the pods; None when one of them does not show it."""
    total = 0.0
    async with aiohttp.ClientSession() as session:
        for pod in await deploying.pods(scene.cluster, scene.namespace):
            url = f"http://{process_address(pod.status.pod_ip)}:8080/metrics"
            async with session.get(url) as response:
                lines = (await response.text()).splitlines()
            if response.status != 200:
                return None
            total += sum(float(one.split()[1]) for one in lines if one.startswith("orders_total"))
    return int(total)


async def test_metrics_go_dark_and_come_back_while_the_shop_serves_on(scene: Scene) -> None:
    await scene.shop("v1", replicas=1)
    pods = await deploying.pods(scene.cluster, scene.namespace)
    await deploying.set_metrics(pods, dark=True)
    assert await placed_by_metrics(scene) is None
    assert await scene.answers(5) == {(200, "v1"): 5}
    await deploying.set_metrics(pods, dark=False)
    assert await placed_by_metrics(scene) == 0
