"""Whole releases in virtual time: the promises of docs/architecture.md, section "Promises"."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.resources import AUTOSCALERS
from controller.core.phases import Outcome, Phase
from controller.runtime.reconciler import UNREAD
from tests.property.shopworld import KEY, ShopWorld

pytestmark = pytest.mark.looptime


async def settled(world: ShopWorld, within_s: float = 400.0, changes: int = 1) -> None:
    """Virtual time passes until that many Changes have ended and the Rollout is at rest."""
    for _ in range(int(within_s)):
        await asyncio.sleep(1)
        phases = [c.status.phase for c in world.changes()]
        ended = len(phases) >= changes and phases[-1] == Phase.FINISHED and world.weight() == 0
        if ended and world.rollout().status.phase in ("Stable", "Rejected"):
            return
    last = world.rollout().status
    raise AssertionError(f"not settled: {last.phase} {last.reason} {last.message}")


async def reached(
    world: ShopWorld, phase: Phase, within_s: float = 200.0, weight: float = 0.0
) -> None:
    """Virtual time passes until the last Change is in a phase, and has that weight at least."""
    for _ in range(int(within_s * 20)):
        await asyncio.sleep(0.05)
        changes = world.changes()
        if changes and changes[-1].status.phase == phase and world.weight() >= weight:
            return
    raise AssertionError(f"never {phase}: {world.rollout().status.message}")


async def test_a_good_release_is_promoted() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        assert max(world.weights) == 100


async def test_a_bad_release_is_taken_back_at_the_first_step() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2-bad")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights) == 5
        assert world.deployment()["spec"]["paused"] is True


async def test_a_crash_looping_release_never_gets_traffic() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2-crashing")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights, default=0) == 0


async def test_an_outage_of_metrics_holds_and_resumes() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
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


async def test_an_edit_in_mid_absorb_goes_back_to_stable_and_then_its_own_way() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await world.release("v3")
        await settled(world)
        first, second = world.changes()
        assert first.status.outcome == Outcome.SUPERSEDED
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest


async def test_harm_found_in_the_watch_takes_the_release_back() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        world.orders.harmful = True
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
        assert max(world.weights) == 98


async def test_a_floor_that_may_not_be_held_lets_nothing_up_and_keeps_nothing_from_going() -> None:
    async with ShopWorld() as world:
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
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.kill_operators()
        await world.lose_stable_and_label()
        world.start_operator()
        await settled(world)
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED]


async def test_a_margin_that_is_narrowed_in_mid_run_counts_at_once() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        await world.narrow_margins("1.5%")
        await asyncio.sleep(120)
        assert world.changes()[-1].status.step == 0
        assert world.rollout().status.reason == "GatheringEvidence"


async def test_a_common_incident_rolls_nothing_back() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        world.orders.incident = 0.5
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_a_second_operator_takes_over_in_mid_run() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        world.start_operator()
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.kill_first_operator()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        assert len(world.changes()) == 1


async def test_a_person_aborts_holds_and_retries() -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
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
        await world.admin.create(UNREAD, KEY.namespace, body)
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED
        told = world.cluster.body(UNREAD, KEY.namespace, "cart")["status"]
        assert told["phase"] == "Invalid"
        assert "spec.steps" in told["message"]


async def test_queued_edits_wait_and_only_the_newest_is_released_after_the_run() -> None:
    async with ShopWorld(supersede="Queue") as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.release("v3")
        await asyncio.sleep(3)
        assert world.rollout().status.queued == world.held_digest()
        await world.release("v4")
        await reached(world, Phase.ABSORBING)
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.target.digest
        assert second.spec.target.digest == world.held_digest()
        assert world.rollout().status.queued == ""


async def test_an_edit_in_mid_absorb_waits_where_edits_wait() -> None:
    async with ShopWorld(supersede="Queue") as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await world.release("v3")
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.target.digest


async def test_a_bad_release_with_an_edit_behind_it_is_taken_back_and_the_edit_tried() -> None:
    async with ShopWorld(supersede="Queue") as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.WATCHING)
        await world.release("v3")
        world.orders.harmful = True
        await reached(world, Phase.RETREATING)
        world.orders.harmful = False
        await settled(world, changes=2)
        first, second = world.changes()
        assert first.status.outcome == Outcome.ROLLED_BACK
        assert second.status.outcome == Outcome.PROMOTED
        assert second.spec.source.digest == first.spec.source.digest


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 36, 3))
async def test_a_kill_at_any_write_of_a_run_with_an_edit_behind_it_gives_the_same_end(
    after: bool, write: int
) -> None:
    async with ShopWorld(supersede="Queue") as world:
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.STEPPING)
        await world.release("v3")
        world.crash_at(write, after=after)
        await asyncio.sleep(60)
        await world.kill_operators()
        world.heal()
        world.start_operator()
        await settled(world, changes=2)
        assert [c.status.outcome for c in world.changes()] == [Outcome.PROMOTED] * 2


@pytest.mark.parametrize("version", ["v2", "v2-bad"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 30))
async def test_a_kill_at_any_write_gives_the_same_end(
    version: str, after: bool, write: int
) -> None:
    async with ShopWorld() as world:
        world.start_operator()
        await asyncio.sleep(5)
        world.crash_at(write, after=after)
        await world.release(version)
        await asyncio.sleep(60)
        await world.kill_operators()
        world.heal()
        contained = _contained(world)
        before = len(world.weights)
        world.start_operator()
        await settled(world)
        outcome = world.changes()[-1].status.outcome
        assert outcome == (Outcome.ROLLED_BACK if version == "v2-bad" else Outcome.PROMOTED)
        assert len(world.changes()) == 1
        if contained:
            assert max(world.weights[before:], default=0) == 0


def _contained(world: ShopWorld) -> bool:
    from controller.api import names
    from controller.api.resources import HTTP_ROUTES
    from controller.local import shop_objects

    route = world.cluster.body(HTTP_ROUTES, shop_objects.NAMESPACE, shop_objects.NAMESPACE)
    assert route is not None
    return bool(route["metadata"].get("annotations", {}).get(names.ABORTED_ANNOTATION))
