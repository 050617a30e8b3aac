"""The testbed's Prometheus: it finds pods through the API server, and outlives an outage."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from controller.local.prometheus import Prometheus, pods, static
from controller.local.toolchain import require, stated_version
from controller.local.tools import PROMETHEUS, TOOLS
from tests.contract.served import served_metrics
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

RULES = Path(__file__).parents[2] / "manifests/alerts/blastdoor.rules.yaml"
Series = list[tuple[dict[str, str], float]]
POD_IP, LISTENS_ON = "10.64.77.9", "127.64.77.9"


@pytest_asyncio.fixture
async def metrics_port() -> AsyncIterator[int]:
    """A port of the pod's loopback address with one counter behind it."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="orders_total 7\n")

    async with served_metrics(metrics, LISTENS_ON) as port:
        yield port


async def query(prometheus: Prometheus, expression: str) -> Series:
    async with (
        aiohttp.ClientSession(prometheus.url, raise_for_status=True) as session,
        session.get("/api/v1/query", params={"query": expression}) as response,
    ):
        found = (await response.json())["data"]["result"]
    return [(one["metric"], float(one["value"][1])) for one in found]


async def first_answer(ask: Callable[[], Awaitable[Series]]) -> Series:
    async with asyncio.timeout(20):
        while not (answer := await ask()):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.05)
    return answer


async def running_pod(cluster: RealCluster, namespace: str, port: int) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "shop-1", "namespace": namespace},
        "spec": {
            "nodeName": "somewhere",
            "containers": [
                {"name": "shop", "image": "shop:1", "ports": [{"containerPort": port}]},
            ],
        },
    }
    await cluster.kubectl("create", "-f", "-", input=json.dumps(pod))
    status = {"status": {"phase": "Running", "podIP": POD_IP, "podIPs": [{"ip": POD_IP}]}}
    await cluster.kubectl(
        "patch", "pod", "shop-1", "-n", namespace, "--subresource=status", "-p", json.dumps(status)
    )


async def test_pods_are_found_through_the_api_server_and_scraped_at_their_loopback_address(
    control_plane: RealCluster, namespace: str, metrics_port: int
) -> None:
    await running_pod(control_plane, namespace, metrics_port)
    scrapes = [pods(control_plane.kubeconfig("admin"), [namespace])]
    async with Prometheus(scrapes, interval_s=0.2) as prometheus:
        found = await first_answer(lambda: query(prometheus, "orders_total"))
    [(labels, value)] = found
    assert value == 7
    assert (labels["namespace"], labels["pod"]) == (namespace, "shop-1")
    assert labels["instance"] == f"{LISTENS_ON}:{metrics_port}"


async def test_samples_from_before_a_crash_are_there_after_it_at_the_same_address(
    metrics_port: int,
) -> None:
    target = static("shop", [f"{LISTENS_ON}:{metrics_port}"])
    async with Prometheus([target], interval_s=0.2) as prometheus:
        await first_answer(lambda: query(prometheus, "orders_total"))
        [(_, before)] = await query(prometheus, "timestamp(orders_total)")
        prometheus.kill()
        with pytest.raises(aiohttp.ClientConnectorError):
            await query(prometheus, "up")
        await prometheus.start()
        samples = await query(prometheus, f"orders_total @ {before}")
    assert [value for _, value in samples] == [7]


def test_the_binary_states_the_version_that_was_asked_for() -> None:
    assert stated_version(TOOLS["prometheus"], require("prometheus")) == PROMETHEUS


async def test_the_alerts_that_are_shipped_are_understood_and_the_blind_one_sees() -> None:
    async def metrics(_: web.Request) -> web.Response:
        facts = {"blastdoor_rollouts_blind": 2, "blastdoor_leading": 1, "blastdoor_hold_acts": 0}
        return web.Response(text="".join(f"{name} {value}\n" for name, value in facts.items()))

    async with served_metrics(metrics) as port:
        scrapes = [static("blastdoor", [f"127.0.0.1:{port}"])]
        async with Prometheus(scrapes, interval_s=0.2, rules=[RULES]) as prometheus:
            # An alert that waits for its `for` is pending and has a series already.
            blind = 'ALERTS{alertname="BlastdoorBlind"}'
            (found,) = await first_answer(lambda: query(prometheus, blind))
            assert found[0]["alertstate"] == "pending"
            assert await query(prometheus, 'ALERTS{alertname="BlastdoorHoldLost"}') == []
            assert await query(prometheus, 'ALERTS{alertname="BlastdoorDown"}') == []
