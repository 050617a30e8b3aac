"""Subresources and generations: who may write what by which door. In memory and for real."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import Deployment, HTTPRoute
from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES
from controller.kube.port import Cluster, Conflict
from tests.contract.worlds import World

TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
}


async def deployment(world: World) -> Deployment:
    """Paused, so that no controller writes to it beside the test more than once."""
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 0,
            "paused": True,
            "selector": {"matchLabels": {"app": "web"}},
            "template": TEMPLATE,
        },
    }
    return await world.alice.create(DEPLOYMENTS, world.namespace, body)


def route_body(weight: int = 100) -> dict[str, Any]:
    backend = {"name": "web", "port": 80, "weight": weight}
    return {"metadata": {"name": "web"}, "spec": {"rules": [{"backendRefs": [backend]}]}}


def route_status(reason: str) -> dict[str, Any]:
    condition = {
        "type": "Accepted",
        "status": "True",
        "reason": reason,
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    parent = {
        "parentRef": {"name": "gateway"},
        "controllerName": "blastdoor.dev/test",
        "conditions": [condition],
    }
    return {"status": {"parents": [parent]}}


async def route(world: World) -> HTTPRoute:
    return await world.admin.create(HTTP_ROUTES, world.namespace, route_body())


async def test_the_status_door_leaves_the_spec_alone(world: World) -> None:
    await route(world)
    body = {**route_status("Ours"), "spec": route_body(7)["spec"]}
    written = await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, "web", body, subresource="status"
    )
    assert written.status.parents[0].conditions[0].reason == "Ours"
    assert written.spec.rules[0].backend_refs[0].weight == 100


async def test_the_main_door_leaves_the_status_alone(world: World) -> None:
    await route(world)
    body = {**route_status("Ours"), "spec": route_body(7)["spec"]}
    written = await world.admin.patch_merge(HTTP_ROUTES, world.namespace, "web", body)
    assert written.status.parents == ()
    assert written.spec.rules[0].backend_refs[0].weight == 7


async def test_an_object_is_made_without_the_status_in_its_manifest(world: World) -> None:
    made = await world.admin.create(
        HTTP_ROUTES, world.namespace, {**route_body(), **route_status("Ours")}
    )
    assert made.status.parents == ()


async def test_the_generation_counts_changes_of_the_spec_only(world: World) -> None:
    made = await route(world)
    assert made.metadata.generation == 1
    status = await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, "web", route_status("Ours"), subresource="status"
    )
    assert status.metadata.generation == 1
    label = await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, "web", {"metadata": {"labels": {"a": "b"}}}
    )
    assert label.metadata.generation == 1
    spec = await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, "web", {"spec": route_body(7)["spec"]}
    )
    assert spec.metadata.generation == 2


async def test_a_status_based_on_an_older_version_is_a_conflict(world: World) -> None:
    made = await route(world)
    await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, "web", {"metadata": {"labels": {"a": "b"}}}
    )
    body = {
        "metadata": {"resourceVersion": made.metadata.resource_version},
        **route_status("Ours"),
    }
    with pytest.raises(Conflict):
        await world.admin.patch_merge(
            HTTP_ROUTES, world.namespace, "web", body, subresource="status"
        )


async def test_the_status_door_of_a_deployment_leaves_its_spec_alone(world: World) -> None:
    made = await deployment(world)
    body = {"spec": {"replicas": 5}, "status": {"observedGeneration": 1}}
    written = await world.admin.patch_merge(
        DEPLOYMENTS, world.namespace, "web", body, subresource="status"
    )
    assert written.spec.replicas == 0
    assert written.metadata.generation == made.metadata.generation


async def test_the_scale_door_sets_the_replicas_and_nothing_else(
    world: World, cluster: Cluster
) -> None:
    made = await deployment(world)
    scale = await cluster.patch_merge(
        DEPLOYMENTS, world.namespace, "web", {"spec": {"replicas": 3}}, subresource="scale"
    )
    assert scale.spec.replicas == 3
    found = await cluster.get(DEPLOYMENTS, world.namespace, "web")
    assert found.spec.replicas == 3
    assert found.spec.paused
    assert found.spec.template == made.spec.template
    assert found.metadata.generation == made.metadata.generation + 1
