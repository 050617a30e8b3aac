"""What sets the canary's pods apart stays put for a whole run, whoever selects what meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.k8s import Pod
from controller.api.resources import DEPLOYMENTS, PODS, ROLLOUTS, SERVICES
from controller.core.phases import Outcome, Phase
from controller.local import shop_objects
from tests.property.shopworld import CANARY_PODS, ShopWorld
from tests.property.stories import at_rest, reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

BY = {"app.kubernetes.io/instance": "checkout", "app.kubernetes.io/name": "checkout"}
CANARY = f"{KEY.name}-canary"


class ChartWorld(ShopWorld):
    """Deployment and Service select by the two labels that charts write."""

    def deployment_body(self, version: str) -> dict[str, Any]:
        body = dict(super().deployment_body(version))
        return body | {"spec": body["spec"] | {"selector": {"matchLabels": BY}}}

    def service_body(self) -> dict[str, Any]:
        body = dict(super().service_body())
        return body | {"spec": body["spec"] | {"selector": BY}}

    def template_body(self, version: str) -> dict[str, Any]:
        return dict(shop_objects.template(version, labels=BY))


def selector(world: ShopWorld) -> dict[str, str]:
    body = body_of(world.cluster, SERVICES, CANARY)
    assert body is not None
    return dict(body["spec"]["selector"])


async def behind_the_canary_service(world: ShopWorld) -> int:
    wanted = ",".join(f"{key}={value}" for key, value in selector(world).items())
    return len((await world.admin.list_page(PODS, KEY.namespace, label_selector=wanted)).items)


@pytest.mark.parametrize("phase", [Phase.STEPPING, Phase.WATCHING], ids=str)
async def test_a_service_that_comes_in_mid_run_holds_the_run_and_moves_nothing(
    phase: Phase,
) -> None:
    async with at_rest(ChartWorld()) as world:
        await world.release("v2")
        await reached(world, phase, weight=5)
        before, weight = selector(world), world.weight()
        body = shop_objects.service(name="checkout-metrics")
        only_name = {"selector": {"app.kubernetes.io/name": "checkout"}}
        body = {**body, "spec": {**body["spec"], **only_name}}
        await world.admin.create(SERVICES, KEY.namespace, body)
        await asyncio.sleep(40)
        assert (selector(world), world.weight()) == (before, weight)
        assert await behind_the_canary_service(world) > 0
        assert world.rollout().status.reason == "UnpinnedService"
        assert "checkout-metrics" in world.rollout().status.message
        await world.admin.delete(SERVICES, KEY.namespace, "checkout-metrics")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_other_labels_for_the_canary_count_for_the_next_run() -> None:
    async with shop_in_mid_run() as world:
        before = selector(world)
        edit = {"spec": {"canary": {"labels": {"app": "checkout-green"}}}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, edit)
        await asyncio.sleep(1)
        assert selector(world) == before
        assert await behind_the_canary_service(world) > 0
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        await world.release("v3")
        await reached(world, Phase.STEPPING, weight=5)
        assert selector(world)["app"] == "checkout-green"


@pytest.mark.parametrize(
    ("selects", "said"),
    [
        ({}, "has no selector"),
        ({"app": "frontend"}, "app=frontend, which no pod of Deployment checkout has"),
        ({"app": "checkout", "version": "v1"}, "version=v1, which no pod"),
    ],
    ids=["nothing", "another app", "a label that no pod has"],
)
async def test_no_traffic_goes_by_a_service_that_selects_no_pod(
    selects: dict[str, str], said: str
) -> None:
    async with ShopWorld() as world:
        spec = {"spec": {"selector": None}}
        await world.admin.patch_merge(SERVICES, KEY.namespace, KEY.name, spec)
        if selects:
            spec = {"spec": {"selector": selects}}
            await world.admin.patch_merge(SERVICES, KEY.namespace, KEY.name, spec)
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await asyncio.sleep(30)
        assert body_of(world.cluster, DEPLOYMENTS, CANARY) is None
        assert world.rollout().status.reason == "TrafficMissing"
        assert said in world.rollout().status.message


async def test_a_proposal_without_the_label_that_the_service_selects_by_does_not_start() -> None:
    async with ShopWorld() as world:
        two = {"app": "checkout", "tier": "web"}
        body = {"spec": {"selector": two}}
        await world.admin.patch_merge(
            DEPLOYMENTS, KEY.namespace, KEY.name,
            {"spec": {"template": {"metadata": {"labels": two}}}},
        )  # fmt: skip
        await asyncio.sleep(10)
        await world.admin.patch_merge(SERVICES, KEY.namespace, KEY.name, body)
        world.start_operator()
        await asyncio.sleep(5)
        assert world.rollout().status.reason == "Stable"
        await world.release("v2")  # a template that has no tier
        await asyncio.sleep(30)
        assert world.weight() == 0
        assert world.rollout().status.reason == "TrafficMissing"
        assert "which the proposed template does not have" in world.rollout().status.message


async def test_a_superseded_canary_drains_as_what_it_was() -> None:
    async with shop_in_mid_run(drain="20s") as world:
        await world.release("v3")
        for _ in range(100):
            await asyncio.sleep(0.1)
            page = await world.admin.list_page(PODS, KEY.namespace, label_selector=CANARY_PODS)
            images = {p.spec.containers[0].image for p in page.items if isinstance(p, Pod)}
            assert images <= {shop_objects.template("v2")["spec"]["containers"][0]["image"]}
        async with asyncio.timeout(600):
            await settled(world, changes=2)
        assert world.changes()[0].status.outcome == Outcome.SUPERSEDED
        assert world.changes()[1].status.outcome == Outcome.PROMOTED


async def test_at_rest_the_canary_s_labels_are_those_of_the_spec() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await settled(world)
        edit = {"spec": {"canary": {"labels": {"app": "checkout-blue"}}}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, edit)
        await world.release("v3")
        await reached(world, Phase.STEPPING, weight=5)
        assert selector(world)["app"] == "checkout-blue"
