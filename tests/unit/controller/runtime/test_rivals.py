"""Which of several Rollouts has a Service or a route, as the caches tell it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controller.api import names
from controller.api.kinds import Change, Rollout
from controller.api.meta import ObjectMeta
from controller.api.rollout import RouteRef, Traffic
from controller.core.phases import Phase
from controller.runtime.plugins import installed
from controller.runtime.rivals import rival
from controller.runtime.world import World
from tests.unit.controller.core.shop import NOW, change_spec, rollout
from tests.unit.controller.workloads.objects import a_deployment

SHARED = Traffic(service="checkout", routes=(RouteRef(name="shop"),))
OWN = Traffic(service="pay", routes=(RouteRef(name="pay"),))


def named(name: str, second: int, traffic: Traffic = SHARED) -> Rollout:
    base = rollout()
    meta = replace(base.metadata, name=name, creation_timestamp=NOW.replace(second=second))
    workload = replace(base.spec.workload, name=name)
    spec = replace(base.spec, traffic=traffic, workload=workload)
    return replace(base, metadata=meta, spec=spec, status=replace(base.status, change=f"{name}-1"))


def run_of(name: str, phase: str, traffic: Traffic = SHARED) -> Change:
    spec = replace(change_spec(), rollout=name)
    change = Change(
        metadata=ObjectMeta(name=f"{name}-1", namespace="shop"),
        spec=replace(spec, plan=replace(spec.plan, traffic=traffic)),
    )
    return replace(change, status=replace(change.status, phase=phase))


def world_of(*objects: Rollout | Change) -> World:
    nobody: Any = None
    world = World(nobody, installed())
    for one in objects:
        cache: Any = world.rollouts if isinstance(one, Rollout) else world.changes
        cache.store.put(one)
    return world


def test_the_older_one_has_it_and_the_later_one_is_told_who() -> None:
    first, second = named("checkout", 1), named("pay", 2)
    world = world_of(first, second)
    assert rival(world, first, None) == ""
    assert "Service shop/checkout belongs to Rollout checkout" in rival(world, second, None)


def test_one_route_is_enough_and_nothing_in_common_is_none() -> None:
    route = replace(OWN, routes=SHARED.routes)
    one = named("pay", 2, route)
    assert "HTTPRoute shop/shop" in rival(world_of(named("checkout", 1), one), one, None)
    apart = named("pay", 2, OWN)
    assert rival(world_of(named("checkout", 1), apart), apart, None) == ""


def test_a_rollout_of_another_namespace_is_no_rival() -> None:
    other = named("checkout", 1)
    away = replace(other, metadata=replace(other.metadata, namespace="elsewhere"))
    assert rival(world_of(away, named("pay", 2)), named("pay", 2), None) == ""


@pytest.mark.parametrize("phase", [p for p in Phase if p not in (Phase.PROPOSED, Phase.FINISHED)])
def test_a_run_that_has_begun_waits_for_nobody_and_is_waited_for(phase: Phase) -> None:
    run, older, younger = run_of("pay", phase), named("checkout", 1), named("pay", 2)
    world = world_of(older, younger, run)
    assert rival(world, younger, run) == ""
    assert rival(world, older, None).endswith("belongs to Rollout pay until its run has ended")


@pytest.mark.parametrize("phase", ["", Phase.PROPOSED, Phase.FINISHED])
def test_a_run_that_has_not_begun_or_has_ended_has_no_right_over_an_older_one(phase: str) -> None:
    run, older, younger = run_of("pay", phase), named("checkout", 1), named("pay", 2)
    world = world_of(older, younger, run)
    assert rival(world, older, None) == ""
    assert "checkout" in rival(world, younger, run)


def test_a_run_has_what_it_froze_when_its_rollout_names_another_by_now() -> None:
    run, other = run_of("pay", Phase.STEPPING), named("checkout", 1)
    world = world_of(other, named("pay", 2, OWN), run)
    assert "until its run has ended" in rival(world, other, None)


def test_a_change_that_no_rollout_has_in_hand_is_no_rival() -> None:
    stray, other = run_of("pay", Phase.STEPPING), named("checkout", 1)
    assert rival(world_of(other, stray), other, None) == ""
    forgot = named("pay", 2)
    forgot = replace(forgot, status=replace(forgot.status, change="pay-2"))
    assert rival(world_of(other, forgot, stray), other, None) == ""


def test_one_whose_deployment_another_rollout_governs_has_nothing() -> None:
    first, second = named("checkout", 1), named("pay", 2)
    world = world_of(first, second)
    labels = {names.ROLLOUT_LABEL: "somebody"}
    world.deployments.store.put(a_deployment(labels=labels))
    assert rival(world, second, None) == ""
