"""Server-side apply: who owns which field, what a second apply takes away, when it conflicts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controller.api.k8s import Deployment, Service
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES
from controller.kube.port import Conflict
from tests.contract.deployments import NAME, manifest
from tests.contract.worlds import World


async def applied(world: World, body: dict[str, Any], *, force: bool = True) -> Deployment:
    return await world.operator.apply(DEPLOYMENTS, world.namespace, NAME, body, force=force)


async def created(world: World) -> Deployment:
    """By alice, with POST: she owns what she wrote, and the defaults."""
    body = manifest("web:1", 0, paused=True)
    return await world.alice.create(DEPLOYMENTS, world.namespace, body)


def env_of(deployment: Deployment) -> dict[str, str]:
    container = msgspec.json.decode(deployment.spec.template)["spec"]["containers"][0]
    return {one["name"]: one.get("value", "") for one in container.get("env", ())}


def with_env(**values: str) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in values.items()]
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": env}]}}}}


async def test_apply_creates_and_a_repetition_makes_no_version(world: World) -> None:
    body = manifest("web:1", 0, paused=True)
    made = await applied(world, body)
    assert made.metadata.name == NAME
    again = await applied(world, body)
    assert again.metadata.generation == made.metadata.generation == 1


async def test_a_label_that_is_applied_no_more_goes(world: World) -> None:
    await created(world)
    await applied(world, {"metadata": {"labels": {"mine": "1", "too": "2"}}})
    after = await applied(world, {"metadata": {"labels": {"mine": "1"}}})
    assert after.metadata.labels == {"app": NAME, "mine": "1"}


async def test_a_label_that_another_also_wrote_stays(world: World) -> None:
    await created(world)
    await applied(world, {"metadata": {"labels": {"app": NAME, "mine": "1"}}})
    after = await applied(world, {"metadata": {"labels": {"mine": "1"}}})
    assert after.metadata.labels["app"] == NAME


async def test_a_field_that_another_changed_is_taken_back_only_by_force(world: World) -> None:
    await created(world)
    await applied(world, {"spec": {"minReadySeconds": 5}})
    body = {"spec": {"minReadySeconds": 9}}
    await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    with pytest.raises(Conflict, match="minReadySeconds"):
        await applied(world, {"spec": {"minReadySeconds": 5}}, force=False)
    forced = await applied(world, {"spec": {"minReadySeconds": 5}})
    assert forced.spec.min_ready_seconds == 5
    again = await applied(world, {"spec": {"minReadySeconds": 6}}, force=False)
    assert again.spec.min_ready_seconds == 6


async def test_the_same_value_is_shared_and_no_conflict(world: World) -> None:
    await created(world)
    same = await applied(world, {"spec": {"progressDeadlineSeconds": 600}}, force=False)
    assert same.spec.progress_deadline_seconds == 600


async def test_a_field_that_another_changed_is_not_taken_away_when_dropped(world: World) -> None:
    await created(world)
    await applied(world, {"spec": {"minReadySeconds": 5}})
    body = {"spec": {"minReadySeconds": 9}}
    await world.alice.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    after = await applied(world, {"metadata": {"labels": {"mine": "1"}}})
    assert after.spec.min_ready_seconds == 9


async def test_a_dropped_field_with_a_default_goes_back_to_it(world: World) -> None:
    await applied(world, manifest("web:1", 0, paused=True, progressDeadlineSeconds=30))
    after = await applied(world, manifest("web:1", 0, paused=True))
    assert after.spec.progress_deadline_seconds == 600


async def test_variables_of_a_container_are_merged_by_name(world: World) -> None:
    await created(world)
    assert env_of(await applied(world, with_env(A="1", B="2"))) == {"A": "1", "B": "2"}
    body = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "C"}}]
    await world.alice.patch_json(DEPLOYMENTS, world.namespace, NAME, body)
    assert env_of(await applied(world, with_env(A="3"))) == {"A": "3", "C": ""}


async def test_a_selector_is_atomic(world: World) -> None:
    """Whoever applies a selector owns all of it, and letting it go empties it."""
    ports = [{"port": 80}]
    spec = {"selector": {"app": "web", "tier": "front"}, "ports": ports}
    await world.alice.create(SERVICES, world.namespace, {"metadata": {"name": "s"}, "spec": spec})

    async def apply(body: dict[str, Any]) -> Service:
        return await world.operator.apply(SERVICES, world.namespace, "s", body)

    pinned = await apply({"spec": {"selector": {"app": "web", "pin": "x"}}})
    assert pinned.spec.selector == {"app": "web", "pin": "x"}
    assert (await apply({"metadata": {"labels": {"x": "y"}}})).spec.selector == {}


async def test_plain_writes_take_over_what_they_change(world: World) -> None:
    name = "c"
    await world.operator.apply(CONFIG_MAPS, world.namespace, name, {"data": {"a": "1", "b": "1"}})
    await world.alice.patch_merge(CONFIG_MAPS, world.namespace, name, {"data": {"a": "2"}})
    after = await world.operator.apply(CONFIG_MAPS, world.namespace, name, {"data": {"b": "1"}})
    assert after.data == {"a": "2", "b": "1"}


async def test_finalizers_are_a_set(world: World) -> None:
    name = "f"
    body = {"metadata": {"name": name, "finalizers": ["example.com/alice"]}}
    await world.alice.create(CONFIG_MAPS, world.namespace, body)
    ours = {"metadata": {"finalizers": ["example.com/ours"]}}
    both = await world.operator.apply(CONFIG_MAPS, world.namespace, name, ours)
    assert set(both.metadata.finalizers) == {"example.com/alice", "example.com/ours"}
    left = await world.operator.apply(CONFIG_MAPS, world.namespace, name, {"data": {"a": "1"}})
    assert left.metadata.finalizers == ("example.com/alice",)
    none = {"metadata": {"finalizers": None}}
    await world.alice.patch_merge(CONFIG_MAPS, world.namespace, name, none)
