"""What workloads/ and routers/ write is taken by a real API server, and refused when it must be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from controller.api.k8s import (
    ControllerRevision,
    Deployment,
    HTTPRoute,
    NetworkPolicy,
    ReplicaSet,
    Service,
)
from controller.local.controlplane import ControlPlane
from controller.routers.httproute import ROUTER
from controller.workloads import adoption, arms, canary, history, network, pin
from controller.workloads.view import WorkloadView, hash_of
from tests.unit.controller.workloads.objects import deployment, read

pytestmark = pytest.mark.e2e
Ops = Sequence[Any]


class Namespace:
    """kubectl in one namespace."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self.plane, self.name = plane, name

    async def run(self, *args: str, body: Any = None, check: bool = True) -> Any:
        text = None if body is None else json.dumps(body)
        return await self.plane.kubectl("-n", self.name, *args, input=text, check=check)

    async def apply(self, kind: str, version: str, body: dict[str, Any]) -> None:
        metadata = {**body["metadata"], "namespace": self.name}
        for unset in ("uid", "generation"):
            metadata.pop(unset, None)
        body = {**body, "apiVersion": version, "kind": kind, "metadata": metadata}
        body.pop("status", None)
        manager = "--field-manager=blastdoor"
        await self.run("apply", "--server-side", "--force-conflicts", manager, "-f", "-", body=body)

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self.run("get", kind, name, "-o", "json")).stdout)
        return found

    async def items(self, kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(
            (await self.run("get", kind, "-o", "json")).stdout
        )["items"]
        return items

    async def patch(self, kind: str, name: str, operations: Ops) -> bool:
        ran = await self.run(
            "patch", kind, name, "--type=json", "-p", json.dumps(list(operations)), check=False
        )
        return bool(ran.returncode == 0)

    async def view(self) -> WorkloadView:
        sets = [read(rs, ReplicaSet) for rs in await self.items("replicasets")]
        return WorkloadView.of(read(await self.get("deployment", "checkout"), Deployment), sets)


@pytest.fixture
async def shop(control_plane: ControlPlane, namespace: str) -> Namespace:
    found = await control_plane.kubectl("get", "namespace", namespace, check=False)
    if found.returncode:
        await control_plane.kubectl("create", "namespace", namespace)
    return Namespace(control_plane, namespace)


async def until(question: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while True:
            if answer := await question():
                return answer
            await asyncio.sleep(0.05)


async def running(shop: Namespace) -> WorkloadView:
    await shop.apply("Deployment", "apps/v1", deployment())

    async def active() -> WorkloadView | None:
        view = await shop.view()
        return view if view.active and view.new else None

    view: WorkloadView = await until(active)
    return view


async def test_a_deployment_without_labels_is_adopted_once(shop: Namespace) -> None:
    view = await running(shop)
    assert view.new is not None
    operations = adoption.adopt(view.deployment, view.new, "checkout")
    assert await shop.patch("deployment", "checkout", operations)
    adopted = (await shop.view()).deployment
    assert adopted.metadata.labels["blastdoor.dev/rollout"] == "checkout"
    late = adoption.adopt(view.deployment, view.new, "second")
    assert not await shop.patch("deployment", "checkout", late)


async def test_only_the_approved_template_is_unpaused(shop: Namespace) -> None:
    await running(shop)
    await shop.patch("deployment", "checkout", adoption.pause((await shop.view()).deployment))
    await shop.run("set", "image", "deployment/checkout", "shop=shop:v2")
    approved = (await shop.view()).deployment
    await shop.run("set", "image", "deployment/checkout", "shop=shop:v3")
    operations = adoption.unpause(approved, approved.spec.template)
    assert not await shop.patch("deployment", "checkout", operations)
    now = (await shop.view()).deployment
    assert await shop.patch("deployment", "checkout", adoption.unpause(now, now.spec.template))
    assert not (await shop.view()).paused


async def test_a_lost_stable_replicaset_is_made_again_and_kept_by_its_deployment(
    shop: Namespace,
) -> None:
    view = await running(shop)
    lost = view.new
    assert lost is not None
    body = history.revision_body(view.deployment, lost, "checkout", 1)
    await shop.apply("ControllerRevision", "apps/v1", body)
    await shop.patch("deployment", "checkout", adoption.pause(view.deployment))
    await shop.run("set", "image", "deployment/checkout", "shop=shop:v2")
    await shop.run("delete", "replicaset", lost.name)
    assert (await shop.view()).active == ()
    revision = read((await shop.items("controllerrevisions"))[0], ControllerRevision)
    again = history.recreate_replicaset((await shop.view()).deployment, revision)
    await shop.apply("ReplicaSet", "apps/v1", again)

    async def filled() -> bool:
        active = (await shop.view()).active
        return len(active) == 1 and active[0].status.replicas == 3

    await until(filled)
    view = await shop.view()
    made = view.by_digest(history.kept_digest(revision))
    assert made is not None
    assert hash_of(made) == hash_of(lost)


async def test_the_canarys_objects_are_applied_and_intact(shop: Namespace) -> None:
    view = await running(shop)
    port = {"name": "http", "port": 80, "targetPort": 8080}
    spec = {"selector": {"app": "checkout"}, "ports": [port]}
    await shop.apply("Service", "v1", {"metadata": {"name": "checkout"}, "spec": spec})
    mine = {"matchLabels": {"app": "checkout"}}
    policy = {"podSelector": mine, "ingress": [{"from": [{"podSelector": mine}]}]}
    await shop.apply(
        "NetworkPolicy", "networking.k8s.io/v1", {"metadata": {"name": "p"}, "spec": policy}
    )
    service = read(await shop.get("service", "checkout"), Service)
    split = arms.split_label(view.deployment, [service], {})
    assert isinstance(split, tuple)
    arm = arms.routed("checkout", "chg-1", split)
    proposal = view.deployment.spec.template
    for body in (
        canary.canary_deployment(view.deployment, arm, proposal, 1, 600),
        canary.canary_service(service, arm),
        *network.canary_network_policies(
            [read(await shop.get("networkpolicy", "p"), NetworkPolicy)], view.deployment, arm
        ),
    ):
        await shop.apply(body["kind"], body["apiVersion"], body)
    applied = read(await shop.get("deployment", "checkout-canary"), Deployment)
    assert canary.intact(applied, view.deployment, arm, proposal)
    assert (await shop.get("service", "checkout-canary"))["spec"]["ports"][0]["targetPort"] == 8080


async def test_a_service_is_pinned_and_gets_its_selector_back(shop: Namespace) -> None:
    selector = {"app": "checkout"}
    spec = {"selector": selector, "ports": [{"port": 80}]}
    await shop.apply("Service", "v1", {"metadata": {"name": "checkout"}, "spec": spec})
    before = read(await shop.get("service", "checkout"), Service)
    assert await shop.patch("service", "checkout", pin.pin(before, "abc", "chg-1"))
    pinned = read(await shop.get("service", "checkout"), Service)
    assert pin.pinned(pinned) == "abc"
    assert await shop.patch("service", "checkout", pin.unpin(pinned, clear_aborted=True))
    assert (await shop.get("service", "checkout"))["spec"]["selector"] == selector


async def route(shop: Namespace) -> HTTPRoute:
    return read(await shop.get("httproute", "shop"), HTTPRoute)


async def test_a_route_takes_shares_containment_and_its_own_weights_again(shop: Namespace) -> None:
    refs = [{"name": "checkout", "port": 80, "weight": 3}, {"name": "cart", "port": 80}]
    body = {"metadata": {"name": "shop"}, "spec": {"rules": [{"backendRefs": refs}]}}
    await shop.apply("HTTPRoute", "gateway.networking.k8s.io/v1", body)
    names = ("checkout", "checkout-canary")
    before = await route(shop)
    assert before.metadata.annotations == {}, "the absent map is the case to try"
    first = ROUTER.desired(before, *names, 5)
    assert await shop.patch("httproute", "shop", first)
    assert not await shop.patch("httproute", "shop", first), "an absence that is none any more"
    at_5 = await route(shop)
    assert ROUTER.read(at_5, *names).weight_pct == 5
    assert ROUTER.desired(at_5, *names, 5) == []
    late_raise = ROUTER.desired(at_5, *names, 25)
    assert await shop.patch("httproute", "shop", ROUTER.desired(at_5, *names, 0, "chg-1"))
    assert not await shop.patch("httproute", "shop", late_raise)
    contained = await route(shop)
    assert ROUTER.read(contained, *names).aborted_for == "chg-1"
    assert await shop.patch(
        "httproute", "shop", ROUTER.restore(contained, *names, clear_aborted=True)
    )
    assert (await route(shop)).spec == before.spec
    assert (await route(shop)).metadata.annotations == {}
