"""HTTPRoutes, a custom resource: defaults, atomic rules, generation, status."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.k8s import HTTPRoute
from controller.api.resources import HTTP_ROUTES
from controller.kube.port import Invalid
from tests.contract.worlds import World

NAME = "shop"


def route(*backends: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": NAME},
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": list(backends)}]},
    }


async def created(world: World, *backends: dict[str, Any]) -> HTTPRoute:
    body = route(*(backends or ({"name": "web", "port": 80},)))
    return await world.admin.create(HTTP_ROUTES, world.namespace, body)


async def patched(world: World, *operations: dict[str, Any]) -> HTTPRoute:
    return await world.admin.patch_json(HTTP_ROUTES, world.namespace, NAME, operations)


def weights(found: HTTPRoute) -> dict[str, int]:
    return {one.name: one.weight for rule in found.spec.rules for one in rule.backend_refs}


async def test_a_short_route_is_filled_with_defaults(world: World) -> None:
    made = await created(world)
    (rule,) = made.spec.rules
    (backend,) = rule.backend_refs
    assert (backend.kind, backend.group, backend.weight) == ("Service", "", 1)
    assert rule.matches == ({"path": {"type": "PathPrefix", "value": "/"}},)
    assert made.spec.parent_refs == (
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"},
    )


async def test_weights_are_moved_by_a_patch_that_tests_them(world: World) -> None:
    made = await created(world, {"name": "web", "port": 80}, {"name": "canary", "port": 80})
    path = "/spec/rules/0/backendRefs/1"
    operations = [
        {"op": "test", "path": f"{path}/name", "value": "canary"},
        {"op": "replace", "path": f"{path}/weight", "value": 0},
    ]
    after = await patched(world, *operations)
    assert weights(after) == {"web": 1, "canary": 0}
    assert after.metadata.generation == made.metadata.generation + 1
    with pytest.raises(Invalid):
        await patched(world, {"op": "test", "path": f"{path}/weight", "value": 1}, *operations)


async def test_weight_and_mark_are_written_in_one_patch(world: World) -> None:
    await created(world)
    after = await patched(
        world,
        {"op": "add", "path": "/metadata/annotations", "value": {"blastdoor.dev/aborted": "u"}},
        {"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 0},
    )
    assert weights(after) == {"web": 0}
    assert after.metadata.annotations == {"blastdoor.dev/aborted": "u"}


async def test_metadata_makes_no_generation(world: World) -> None:
    made = await created(world)
    body = {"metadata": {"annotations": {"x": "y"}}}
    after = await world.admin.patch_merge(HTTP_ROUTES, world.namespace, NAME, body)
    assert after.metadata.generation == made.metadata.generation == 1


async def test_status_has_a_path_of_its_own(world: World) -> None:
    await created(world)
    parents = [
        {
            "parentRef": {"name": "gateway"},
            "controllerName": "example.com/gateway",
            "conditions": [
                {
                    "type": "Accepted",
                    "status": "True",
                    "reason": "Accepted",
                    "message": "",
                    "observedGeneration": 1,
                    "lastTransitionTime": "2026-11-24T00:00:00Z",
                }
            ],
        }
    ]
    body = {"status": {"parents": parents}, "spec": {"hostnames": ["example.com"]}}
    main = await world.admin.patch_merge(HTTP_ROUTES, world.namespace, NAME, body)
    assert main.status.parents == ()
    assert main.spec.hostnames == ("example.com",)
    body["spec"]["hostnames"] = ["other.example.com"]
    status = await world.admin.patch_merge(
        HTTP_ROUTES, world.namespace, NAME, body, subresource="status"
    )
    assert status.status.parents[0].conditions[0].type == "Accepted"
    assert status.spec.hostnames == ("example.com",)
    assert status.metadata.generation == main.metadata.generation


async def test_rules_are_owned_as_a_whole(world: World) -> None:
    async def applied(*backends: dict[str, Any]) -> HTTPRoute:
        body = route(*backends)
        return await world.admin.apply(HTTP_ROUTES, world.namespace, NAME, body)

    await applied({"name": "web", "port": 80, "weight": 9})
    after = await applied({"name": "other", "port": 80, "weight": 1})
    assert weights(after) == {"other": 1}
