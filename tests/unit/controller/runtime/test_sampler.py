"""The evidence loop in virtual time: which ticks count, which do not, and what is said of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from analysis.verdict import Reason, Verdict
from controller.api.meta import Key
from controller.metrics.port import Pod
from controller.runtime.clock import loop_now
from controller.runtime.evidence import Arm, EvidenceView
from controller.runtime.sampler import Sampler
from tests.unit.controller.runtime.scripted import (
    EPOCH,
    EPOCH_S,
    Scripted,
    Shop,
    busy_shop,
    no_tools,
    plan,
    run,
)

pytestmark = pytest.mark.looptime

UID = "uid-checkout"


@dataclass
class Clock:
    """A wall clock that moves with the loop, and jumps when a test says so."""

    base: Callable[[], datetime]
    jump_s: float = 0.0

    def __call__(self) -> datetime:
        return self.base() + timedelta(seconds=self.jump_s)


@dataclass
class World:
    sampler: Sampler
    clock: Clock
    told: list[tuple[float, Key]] = field(default_factory=list)

    def view(self, uid: str = UID) -> EvidenceView:
        found = self.sampler.evidence(uid)
        assert found is not None
        return found

    def counted(self, uid: str = UID) -> tuple[float, float, float, float]:
        """Canary events and exposures, then stable's."""
        (report,) = self.view(uid).reports
        return (
            report.canary_events, report.canary_exposures,
            report.stable_events, report.stable_exposures,
        )  # fmt: skip


@asynccontextmanager
async def sampling() -> AsyncIterator[World]:
    clock = Clock(loop_now(EPOCH))
    told: list[tuple[float, Key]] = []
    loop = asyncio.get_running_loop()
    async with Sampler(no_tools(), clock, lambda key: told.append((loop.time(), key))) as sampler:
        yield World(sampler, clock, told)


async def at(world: World, seconds: float) -> None:
    """Wait until so many seconds after the epoch, and a moment for what happens then."""
    await asyncio.sleep(EPOCH_S + seconds - world.clock.base().timestamp() + 0.05)


def scraped(shop: Shop, each_s: float = 1.0) -> Scripted:
    return Scripted(shop, rereads=False, each_s=each_s)


def served(shop: Shop) -> Scripted:
    return Scripted(shop, rereads=True)


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


async def test_an_equal_run_changes_nothing_and_asks_for_nothing() -> None:
    shop = Shop()
    made = plan(scraped(shop))
    async with sampling() as world:
        for _ in range(20):
            world.sampler.watch(run(made))
            await asyncio.sleep(0.5)
        assert world.counted()[1] == 90
        assert len(shop.windows) == 10


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


async def test_after_an_outage_counting_goes_on_and_says_so_at_once() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 10)
        shop.absent = "it is dark"
        await at(world, 20)
        shop.absent = ""
        await at(world, 21)
        told = len(world.told)
        await at(world, 25)
        assert world.view().no_data == ()
        assert world.view().no_data_since is None
        assert len(world.told) == told + 4
        canary_events, canary, stable_events, stable = world.counted()
        assert stable == 99 * canary
        assert stable_events == 99 * canary_events
        assert 130 <= canary <= 150


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


@pytest.mark.parametrize("kept", ["memory", "page"])
async def test_a_restart_never_counts_twice(kept: str) -> None:
    shop = Shop()
    made = plan(served(shop) if kept == "memory" else scraped(shop))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 12)
        view, before = world.view(), world.counted()
        await at(world, 30)
        world.sampler.forget(UID)
        world.sampler.watch(run(made, evidence=view.state, window_end=view.window_end))
        assert world.counted() == before
        await at(world, 40)
        after = world.counted()
    ticks = after[1] / 10
    if kept == "memory":  # the missed range is read again
        assert 38 <= ticks <= 40
    else:  # it is dropped, for both arms
        assert ticks == before[1] / 10 + 9
    assert after[3] == 99 * after[1]


async def test_a_restart_reads_the_missed_range_in_one_query() -> None:
    shop = Shop()
    made = plan(served(shop))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 12)
        view = world.view()
        world.sampler.forget(UID)
        await at(world, 60)
        shop.windows.clear()
        world.sampler.watch(run(made, evidence=view.state, window_end=view.window_end))
        await at(world, 61)
        assert len(shop.windows) <= 2
        assert world.counted()[1] >= 570


async def test_evidence_that_cannot_be_read_is_begun_anew_and_nothing_stops() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(Shop())), evidence='{"v": 99}'))
        await at(world, 5)
        assert world.counted()[1] == 50


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


async def test_another_stable_version_is_a_new_start_in_the_same_evidence() -> None:
    shop = Shop()
    first = run(plan(scraped(shop)))
    async with sampling() as world:
        world.sampler.watch(first)
        await at(world, 10)
        world.sampler.watch(replace(first, stable=replace(first.stable, hash="newer")))
        await at(world, 15)
        assert 100 < world.counted()[1] < 150


async def test_releases_that_look_at_the_same_moment_share_one_query() -> None:
    shop = Shop()
    provider = served(shop)
    async with sampling() as world:
        for i in range(30):
            name = f"app-{i}"
            world.sampler.watch(run(plan(provider, name=name), name=name))
        await at(world, 5)
        assert {wanted for _, _, wanted in shop.windows} == {30 * 4}
        assert len(shop.windows) <= 6


async def test_a_slow_server_delays_its_own_releases_and_no_others() -> None:
    shop = Shop(delay_s={"slow": 50.0})
    provider = served(shop)
    async with sampling() as world:
        world.sampler.watch(run(plan(provider, server="slow", name="a"), name="a"))
        world.sampler.watch(run(plan(provider, server="quick", name="b"), name="b"))
        await at(world, 20)
        assert world.view("uid-a").assessment is None
        assert world.counted("uid-b")[1] >= 180


async def test_a_plug_in_that_raises_is_no_data_of_its_own_releases() -> None:
    shop, well = Shop(raises=RuntimeError("boom")), Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop), name="a"), name="a"))
        world.sampler.watch(run(plan(scraped(well), name="b"), name="b"))
        await at(world, 10)
        assert (
            "provider scripted failed: RuntimeError: boom" in world.view("uid-a").no_data[0].reason
        )
        assert world.counted("uid-b")[1] == 100


async def test_a_plug_in_that_hangs_is_given_up_and_asked_again() -> None:
    shop = Shop(delay_s={"one": 1e6})
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 70)
        assert "gave no answer within 60 s" in world.view().no_data[0].reason
        shop.delay_s.clear()
        await at(world, 140)
        assert world.view().no_data == ()


async def test_a_wall_clock_that_jumps_neither_skips_nor_repeats_ticks_of_pods() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(Shop()))))
        await at(world, 10)
        world.clock.jump_s = 3600.0
        await at(world, 20)
        world.clock.jump_s = -3600.0
        await at(world, 30)
        assert world.counted()[1] == 300


@pytest.mark.parametrize("in_force", [True, False])
async def test_an_operator_whose_clock_is_behind_the_last_ones_goes_on_with_its_evidence(
    in_force: bool,
) -> None:
    async with sampling() as world:
        made = plan(scraped(Shop()), bake="15s")
        world.sampler.watch(run(made))
        await at(world, 10)
        view = world.view()
        world.sampler.forget(UID)
        world.clock.jump_s = -3600.0
        kept: dict[str, Any] = {"evidence": view.state, "window_end": view.window_end}
        if not in_force:  # between two rungs
            world.sampler.watch(run(made, since_s=None, **kept))
        world.sampler.watch(run(made, since_s=10 - 3600, **kept))
        await at(world, 20)
        assert world.view().no_data == ()
        assert 180 <= world.counted()[1] <= 200
        found = world.view().assessment
        assert found is not None
        assert "5 s of 15 s left" in found.explain  # time at the weight is as long as it was


async def test_a_clock_that_goes_back_holds_and_says_so_where_a_server_has_the_time() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(served(Shop()))))
        await at(world, 10)
        before = world.counted()
        world.clock.jump_s = -3600.0
        await at(world, 20)
        assert world.counted()[1] <= before[1] + 10
        assert "the clock went back" in world.view().no_data[0].reason
        world.clock.jump_s = 0.0
        await at(world, 40)
        assert world.view().no_data == ()


async def test_a_clock_that_jumps_ahead_leaves_a_gap_and_goes_on() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(served(shop))))
        await at(world, 10)
        before = world.counted()[1]
        world.clock.jump_s = 3600.0
        await at(world, 40)
        _, canary, _, stable = world.counted()
        assert canary > before
        assert stable == pytest.approx(99 * canary)


async def test_a_slow_scrape_interval_is_learnt_and_is_no_gap() -> None:
    shop = Shop(scraped_each_s=30.0)
    async with sampling() as world:
        world.sampler.watch(run(plan(served(shop), tick="10s")))
        await at(world, 400)
        view = world.view()
        assert view.no_data == ()
        assert 3000 <= world.counted()[1] <= 4000


async def test_ticks_wider_than_the_scrape_interval_hold_all_that_was_scraped() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop), tick="10s")))
        await at(world, 40)
        assert len(shop.windows) == 41
        assert world.counted() == (40, 400, 3960, 39600)


async def test_forgetting_a_run_ends_its_reads() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 5)
        world.sampler.forget(UID)
        world.sampler.forget(UID)
        reads = len(shop.windows)
        await at(world, 60)
        assert len(shop.windows) == reads
        assert world.sampler.evidence(UID) is None


async def test_questions_carry_the_arm_that_they_are_about() -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(shop))))
        await at(world, 1)
    asked: dict[Any, str] = {(w.role, w.arm): w.expression for w in shop.asked}
    assert asked["events", "canary"] == 'orders_total{pod=~"checkout-c"}'
    assert asked["exposures", "stable"] == 'sessions_total{pod=~"checkout-s"}'
