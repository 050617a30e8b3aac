"""The evidence loop across restarts of the operator and changes of a run: nothing counts twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.unit.controller.runtime.sampling import (
    UID,
    at,
    sampling,
    scraped,
    served,
)
from tests.unit.controller.runtime.scripted import Shop, plan, run

pytestmark = pytest.mark.looptime


async def test_an_equal_run_changes_nothing_and_asks_for_nothing() -> None:
    shop = Shop()
    made = plan(scraped(shop))
    async with sampling() as world:
        for _ in range(20):
            world.sampler.watch(run(made))
            await asyncio.sleep(0.5)
        assert world.counted()[1] == 90
        assert len(shop.windows) == 10


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


async def test_another_stable_version_is_a_new_start_in_the_same_evidence() -> None:
    shop = Shop()
    first = run(plan(scraped(shop)))
    async with sampling() as world:
        world.sampler.watch(first)
        await at(world, 10)
        world.sampler.watch(replace(first, stable=replace(first.stable, hash="newer")))
        await at(world, 15)
        assert 100 < world.counted()[1] < 150


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
