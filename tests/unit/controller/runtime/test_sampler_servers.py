"""The evidence loop and its providers: shared, slow, hanging, raising, and of any interval."""

from __future__ import annotations

import pytest

from tests.unit.controller.runtime.sampling import (
    at,
    sampling,
    scraped,
    served,
)
from tests.unit.controller.runtime.scripted import Shop, plan, run

pytestmark = pytest.mark.looptime


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
