"""The evidence loop in virtual time: which ticks count, which do not, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analysis.verdict import Reason, Verdict
from controller.api.meta import Key
from controller.metrics.port import Pod
from controller.runtime.evidence import Arm
from tests.unit.controller.runtime.sampling import at, sampling, scraped
from tests.unit.controller.runtime.scripted import (
    EPOCH,
    Shop,
    busy_shop,
    plan,
    run,
)

pytestmark = pytest.mark.looptime


async def test_every_tick_adds_exactly_what_both_arms_counted_in_it() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(Shop()))))
        await at(world, 10)
        assert world.counted() == (10, 100, 990, 9900)
        assert world.view().window_end == EPOCH + timedelta(seconds=10)
        assert [key for _, key in world.told] == [Key("shop", "checkout")] * 10


async def test_before_any_tick_there_is_a_view_without_an_assessment() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(Shop()))))
        assert world.view().assessment is None
        assert world.view().window_end is None
        assert world.sampler.evidence("another") is None


async def test_a_lost_order_rate_is_harm_within_seconds_and_the_reconciler_is_told() -> None:
    shop = busy_shop(0.02)
    shop.rate("canary", "events", 0.06, at_s=0)
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop)), share=0.02))
        await at(world, 4)
        found = world.view().assessment
        assert found is not None
        assert found.verdict is Verdict.ROLLBACK
        assert world.view().column.startswith("orders 0.01x [")


async def test_a_good_release_is_stepped_up() -> None:
    shop = busy_shop(0.1)
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop)), share=0.1))
        await at(world, 60)
        found = world.view().assessment
        assert found is not None
        assert found.verdict is Verdict.STEP_UP


async def test_nothing_is_read_or_counted_while_the_weight_is_not_in_force() -> None:
    shop = Shop()
    made = plan(scraped(shop))
    async with sampling() as world:
        world.sampler.watch(run(made, since_s=None))
        await at(world, 30)
        assert shop.windows == []
        assert world.told == []
        world.sampler.watch(run(made, since_s=30.0))
        await at(world, 36)
        assert world.counted()[1] == 60


async def test_the_tick_in_which_a_step_changes_is_dropped_for_both_arms() -> None:
    shop = Shop()
    shop.rate("canary", "exposures", 100.0, at_s=10.0)
    shop.rate("canary", "events", 10.0, at_s=10.0)
    made = plan(scraped(shop))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 10.4)
        world.sampler.watch(run(made, step=1, share=0.1, since_s=10.4))
        await at(world, 16)
        assert world.counted() == (10 + 50, 100 + 500, 990 + 99 * 5, 9900 + 990 * 5)
        assert world.view().no_data == ()


async def test_what_one_arm_lacks_is_missing_for_both_and_never_a_zero() -> None:
    shop = Shop(absent_arms=("canary",))
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 10)
        shop.absent = "HTTP 503"
        await at(world, 20)
        view = world.view()
        assert world.counted() == (10, 100, 990, 9900)
        assert view.assessment is not None
        assert view.assessment.verdict is Verdict.HOLD
        assert view.assessment.reason is Reason.NO_DATA
        assert [note.metric for note in view.no_data] == ["orders"]
        assert "HTTP 503; query: orders_total{pod" in view.no_data[0].reason
        assert view.no_data_since == EPOCH + timedelta(seconds=10)
        assert view.window_end == EPOCH + timedelta(seconds=20)


async def test_nothing_at_all_is_exactly_no_evidence_in_either_direction() -> None:
    shop = Shop(absent="no series in the window")
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 600)
        found = world.view().assessment
        assert found is not None
        assert found.log_e == 0.0
        assert found.log_promote == 0.0
        assert found.verdict is Verdict.HOLD


async def test_a_pod_that_joins_does_not_bring_its_past_into_the_counts() -> None:
    shop = Shop()
    made = plan(scraped(shop))
    first = run(made)
    more = Arm("old", "checkout", (Pod("s-0", "10.64.0.9"), *first.stable.pods))
    async with sampling() as world:
        world.sampler.watch(first)
        await at(world, 10.3)
        world.sampler.watch(replace(first, stable=more))
        await at(world, 20)
        canary_events, canary, stable_events, stable = world.counted()
        assert canary == 200
        assert stable == 99 * canary
        assert stable_events == 99 * canary_events


async def test_questions_carry_the_arm_that_they_are_about() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 1)
    asked: dict[Any, str] = {(w.role, w.arm): w.expression for w in shop.asked}
    assert asked["events", "canary"] == 'orders_total{pod=~"checkout-c"}'
    assert asked["exposures", "stable"] == 'sessions_total{pod=~"checkout-s"}'
