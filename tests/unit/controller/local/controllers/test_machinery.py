"""The cluster in memory alive: pods that come and go, faults that it outlives, quiet at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.api.k8s import Pod
from controller.api.resources import DEPLOYMENTS, ENDPOINT_SLICES, PODS, REPLICASETS, SERVICES
from controller.kube.memory import MemoryCluster
from controller.kube.port import Malformed
from controller.local.controllers import deployment, instant_pods, replicaset
from controller.local.controllers.instant_pods import (
    CRASH_LOOP,
    NEVER_READY,
    WELL,
    Fate,
    by_image,
)
from controller.local.controllers.machinery import machinery
from controller.runtime.clock import loop_now

pytestmark = pytest.mark.looptime


def manifest(image: str = "web:1", replicas: int = 2, **spec: Any) -> dict[str, Any]:
    container = {"name": "web", "image": image}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "web"}}
    whole = {"replicas": replicas, "selector": selector, "template": template, **spec}
    return {"metadata": {"name": "web"}, "spec": whole}


@asynccontextmanager
async def living(
    fate: Callable[[Pod], Fate] | None = lambda _: WELL,
) -> AsyncIterator[MemoryCluster]:
    now = loop_now(datetime(2026, 11, 24, tzinfo=UTC))
    cluster = MemoryCluster(now, namespaces=("shop",))
    async with machinery(cluster.as_user, now, fate):
        await cluster.create(DEPLOYMENTS, "shop", manifest())
        yield cluster


async def pods(cluster: MemoryCluster) -> list[Pod]:
    page = await cluster.list_page(PODS, "shop")
    return [pod for pod in page.items if not isinstance(pod, Malformed)]


async def available(cluster: MemoryCluster) -> int:
    return (await cluster.get(DEPLOYMENTS, "shop", "web")).status.available_replicas


async def test_a_settled_cluster_writes_nothing() -> None:
    async with living() as cluster:
        await asyncio.sleep(60)
        before = len(cluster.journal)
        await asyncio.sleep(24 * 3600)
        assert len(cluster.journal) == before


async def test_pods_are_ready_after_their_time_and_not_before() -> None:
    async with living(lambda _: Fate(ready_after_s=20)) as cluster:
        await asyncio.sleep(19)
        assert await available(cluster) == 0
        await asyncio.sleep(2)
        assert await available(cluster) == 2


async def test_every_pod_has_an_address_of_its_own() -> None:
    async with living() as cluster:
        await asyncio.sleep(5)
        found = [pod.status.pod_ip for pod in await pods(cluster)]
        assert len(set(found)) == 2
        assert all(found)


async def test_a_crash_loop_counts_its_restarts_ever_more_slowly() -> None:
    async with living(by_image({"web:1": CRASH_LOOP})) as cluster:
        await asyncio.sleep(75)
        (status,) = (await pods(cluster))[0].status.container_statuses
        assert status.restart_count == 3
        assert status.state == {"waiting": {"reason": "CrashLoopBackOff"}}
        assert await available(cluster) == 0


async def test_a_pod_that_is_never_ready_runs_all_the_same() -> None:
    async with living(by_image({"web:1": NEVER_READY})) as cluster:
        await asyncio.sleep(600)
        found = await pods(cluster)
        assert {pod.status.phase for pod in found} == {"Running"}
        assert await available(cluster) == 0


async def test_a_deleted_pod_stops_in_its_time_and_is_replaced_at_once() -> None:
    async with living(lambda _: Fate(stops_after_s=30)) as cluster:
        await asyncio.sleep(5)
        victim = (await pods(cluster))[0]
        await cluster.delete(PODS, "shop", victim.name)
        await asyncio.sleep(5)
        assert await available(cluster) == 2
        assert victim.name in {pod.name for pod in await pods(cluster)}
        await asyncio.sleep(30)
        assert victim.name not in {pod.name for pod in await pods(cluster)}


async def test_availability_waits_for_min_ready_seconds() -> None:
    async with living() as cluster:
        await asyncio.sleep(5)
        body = {"spec": {"minReadySeconds": 30, "replicas": 3}}
        await cluster.patch_merge(DEPLOYMENTS, "shop", "web", body)
        await asyncio.sleep(20)
        assert await available(cluster) == 0
        await asyncio.sleep(15)
        assert await available(cluster) == 3


async def test_without_pods_sizes_are_set_all_the_same() -> None:
    async with living(None) as cluster:
        await asyncio.sleep(5)
        assert [pod.status.phase for pod in await pods(cluster)] == ["Pending", "Pending"]
        assert await available(cluster) == 0


async def test_each_controller_writes_under_its_own_account() -> None:
    async with living() as cluster:
        await asyncio.sleep(5)
        writers = {one.resource: set[str]() for one in cluster.journal}
        for one in cluster.journal:
            writers[one.resource].add(one.user)
        assert deployment.IDENTITY in writers[str(REPLICASETS)]
        assert replicaset.IDENTITY in writers[str(PODS)]
        assert instant_pods.IDENTITY in writers[str(PODS)]


async def test_the_controllers_outlive_errors_broken_watches_and_compaction() -> None:
    async with living() as cluster:
        await asyncio.sleep(5)
        cluster.faults.fail_next(times=20, user=deployment.IDENTITY)
        cluster.faults.fail_next(times=20, user=replicaset.IDENTITY)
        cluster.faults.drop_watches(user="")
        cluster.compact()
        await cluster.apply(DEPLOYMENTS, "shop", "web", manifest("web:2", 4))
        await asyncio.sleep(300)
        assert await available(cluster) == 4
        sets = (await cluster.list_page(REPLICASETS, "shop")).items
        assert sorted(one.spec.replicas for one in sets if not isinstance(one, Malformed)) == [0, 4]


@pytest.mark.parametrize("verb", ["create", "patch", "delete"])
async def test_a_lost_answer_makes_no_pod_too_many(verb: str) -> None:
    async with living() as cluster:
        cluster.faults.fail_next(verb, times=3, user=replicaset.IDENTITY, after=True)
        await asyncio.sleep(60)
        await cluster.patch_merge(
            DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 5}}, subresource="scale"
        )
        await asyncio.sleep(60)
        assert len(await pods(cluster)) == await available(cluster) == 5


async def test_a_slice_is_written_only_when_it_changes() -> None:
    async with living() as cluster:
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        await cluster.create(SERVICES, "shop", {"metadata": {"name": "web"}, "spec": spec})
        await asyncio.sleep(30)
        writes = [one for one in cluster.journal if one.resource == str(ENDPOINT_SLICES)]
        assert all(one.changed for one in writes)
        found = await cluster.get(ENDPOINT_SLICES, "shop", "web-endpoints")
        assert len(found.endpoints) == 2


async def test_named_ports_are_looked_up_in_the_pods() -> None:
    async with living() as cluster:
        ports = [{"name": "http", "containerPort": 8080}]
        body = {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "web", "image": "web:1", "ports": ports}]}
                }
            }
        }
        await cluster.apply(DEPLOYMENTS, "shop", "web", body)
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
        await cluster.create(SERVICES, "shop", {"metadata": {"name": "web"}, "spec": spec})
        await asyncio.sleep(60)
        found = await cluster.get(ENDPOINT_SLICES, "shop", "web-endpoints")
        assert [port.port for port in found.ports] == [8080]


async def test_what_fails_inside_the_block_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with living():
            _ = 1 / 0


async def test_a_controller_that_breaks_breaks_the_block() -> None:
    def broken(_: Pod) -> Fate:
        raise LookupError("no fate")

    with pytest.raises(ExceptionGroup) as caught:
        async with living(broken):
            await asyncio.sleep(3600)
    assert caught.group_contains(LookupError, match="no fate")
