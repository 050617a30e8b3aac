"""The evidence loop when the wall clock jumps, or was ahead under the operator before."""

from __future__ import annotations

from typing import Any

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
