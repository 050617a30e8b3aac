"""Whole releases in virtual time: the promises of docs/architecture.md, section "Promises"."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.resources import AUTOSCALERS, DEPLOYMENTS, ROLLOUTS
from controller.core.phases import Outcome, Phase
from controller.runtime.unread import unread
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, settled, shop_at_rest, shop_in_mid_run
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime


async def test_a_good_release_is_promoted() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        assert max(world.weights) == 100


async def test_a_bad_release_is_taken_back_at_the_first_step() -> None:
    async with shop_at_rest() as world:
        await world.release("v2-bad")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights) == 5
        assert world.deployment()["spec"]["paused"] is True


async def test_a_crash_looping_release_never_gets_traffic() -> None:
    async with shop_at_rest() as world:
        await world.release("v2-crashing")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights, default=0) == 0


async def test_an_outage_of_metrics_holds_and_resumes() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await asyncio.sleep(5)
        world.orders.dark = True
        await asyncio.sleep(120)
        held = world.rollout().status
        assert held.reason == "NoData"
        weight = world.weight()
        assert weight > 0
        world.orders.dark = False
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_harm_found_in_the_watch_takes_the_release_back() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        world.orders.harmful = True
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights) == 98


async def test_a_floor_that_may_not_be_held_lets_nothing_up_and_keeps_nothing_from_going() -> None:
    async with ShopWorld(progressDeadline="5m") as world:  # longer than a refused write waits
        await world.autoscale(2, 8)
        world.start_operator()
        await asyncio.sleep(5)
        world.refuse(AUTOSCALERS)
        await world.release("v2")
        await asyncio.sleep(30)
        assert max(world.weights, default=0) == 0
        assert world.changes()[-1].status.phase == Phase.STEPPING
        world.heal()
        await reached(world, Phase.STEPPING, weight=5)
        world.refuse(AUTOSCALERS)
        world.orders.harmful = True
        await reached(world, Phase.FINISHED)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights) <= 50


async def test_a_label_and_a_stable_replicaset_lost_together_are_made_again() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.kill_operators()
        await world.lose_stable_and_label()
        world.start_operator()
        await settled(world)
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED]


async def test_a_margin_that_is_narrowed_in_mid_run_counts_at_once() -> None:
    async with shop_in_mid_run() as world:
        await world.narrow_margins("1.5%")
        await asyncio.sleep(120)
        assert world.changes()[-1].status.step == 0
        assert world.rollout().status.reason == "GatheringEvidence"


async def test_a_common_incident_rolls_nothing_back() -> None:
    async with shop_at_rest() as world:
        world.orders.incident = 0.5
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_a_second_operator_takes_over_in_mid_run() -> None:
    async with shop_at_rest() as world:
        world.start_operator()
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.kill_first_operator()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        assert len(world.changes()) == 1


async def test_a_person_aborts_holds_and_retries() -> None:
    async with shop_at_rest() as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.sign("Hold")
        await asyncio.sleep(120)
        assert world.changes()[-1].status.held_by == "alice"
        assert world.changes()[-1].status.phase == Phase.STEPPING
        await world.sign("Abort")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ABORTED
        await world.sign("Retry")
        await asyncio.sleep(5)
        await settled(world)
        assert [c.status.outcome for c in world.changes()] == [Outcome.ABORTED, Outcome.PROMOTED]


async def test_a_rollout_that_cannot_be_read_is_told_so_and_stops_no_other() -> None:
    async with ShopWorld() as world:
        broken = {"workload": {"name": "cart"}, "traffic": {"service": "cart"}, "steps": "many"}
        body = {"metadata": {"name": "cart"}, "spec": broken}
        await world.admin.create(unread(ROLLOUTS), KEY.namespace, body)
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        told = world.cluster.body(unread(ROLLOUTS), KEY.namespace, "cart")["status"]
        assert told["phase"] == "Invalid"
        assert "spec.steps" in told["message"]


async def test_a_deployment_that_stops_all_pods_first_is_not_absorbed_in_place() -> None:
    async with shop_at_rest() as world:
        recreate = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
        await world.admin.patch_merge(DEPLOYMENTS, KEY.namespace, KEY.name, recreate)
        in_place = {"spec": {"promotion": {"mode": "InPlace"}}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, in_place)
        await world.release("v2")
        await asyncio.sleep(60)
        assert world.changes() == []
        assert "spec.strategy.type: got Recreate" in world.rollout().status.message
        behind = {"spec": {"promotion": {"mode": "ShiftThenAbsorb"}}}
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, behind)
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
