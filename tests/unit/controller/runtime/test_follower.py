"""What is judged between two steps, and what is said when no tick comes, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analysis.verdict import Verdict
from controller.metrics.port import Pod, Reading, Tools, Wanted, Window
from controller.runtime.clock import loop_now
from controller.runtime.evidence import NO_SHARE
from controller.runtime.sampler import Sampler
from tests.unit.controller.runtime.sampling import (
    UID,
    Clock,
    at,
    sampling,
    scraped,
    served,
)
from tests.unit.controller.runtime.scripted import (
    EPOCH,
    Scripted,
    Shop,
    busy_shop,
    no_tools,
    plan,
    run,
)

pytestmark = pytest.mark.looptime


async def test_between_two_steps_the_canary_is_judged_at_the_weight_that_it_has() -> None:
    shop = busy_shop(0.1)
    shop.rate("canary", "events", 0.3, at_s=20)
    made = plan(scraped(shop))
    async with sampling() as world:
        world.sampler.watch(run(made, share=0.1))
        await at(world, 15)
        waits = run(made, step=1, share=0.1, since_s=None)  # pods of the next step are not ready
        world.sampler.watch(waits)
        await at(world, 40)
        found = world.view().assessment
        assert found is not None
        assert found.verdict is Verdict.ROLLBACK


async def test_a_canary_without_traffic_is_not_judged() -> None:
    shop = Shop()
    made = plan(scraped(shop))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 10)
        world.sampler.watch(run(made, share=NO_SHARE, since_s=None))
        looks = len(shop.windows)
        await at(world, 60)
        assert len(shop.windows) == looks
        assert world.view().no_data == ()


async def test_the_next_step_begins_with_its_own_weight() -> None:
    made = plan(scraped(Shop()))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 10)
        world.sampler.watch(run(made, step=1, since_s=None))
        await at(world, 20)
        world.sampler.watch(run(made, step=1, share=0.1, since_s=20.0))
        await at(world, 30)
        found = world.view().assessment
        assert found is not None
        assert "at 10% of the traffic" in found.explain


@pytest.mark.parametrize("made", [scraped, served])
async def test_a_provider_that_hangs_is_said_before_its_deadline(made: Any) -> None:
    shop = Shop()
    async with sampling() as world:
        world.sampler.watch(run(plan(made(shop))))
        await at(world, 20)
        shop.delay_s["one"] = 55.0
        await at(world, 60)
        (note,) = world.view().no_data
        assert "no tick has come for" in note.reason
        shop.delay_s.clear()
        await at(world, 130)
        assert world.view().no_data == ()


class Rubbish(Scripted):
    """Answers with what is no reading from a moment on."""

    broken = False

    async def fetch(
        self, spec: Any, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        answers = await super().fetch(spec, wanted, window, tools)
        return dict.fromkeys(wanted, 7) if self.broken else answers  # type: ignore[arg-type]


async def test_an_answer_that_is_none_is_no_data_and_the_reconciler_is_told() -> None:
    provider = Rubbish(Shop(), rereads=False)
    async with sampling() as world:
        world.sampler.watch(run(plan(provider)))
        await at(world, 10)
        provider.broken = True
        told = len(world.told)
        await at(world, 20)
        assert world.view().no_data != ()
        assert len(world.told) > told
        provider.broken = False
        await at(world, 40)
        assert world.view().no_data == ()


@pytest.mark.parametrize("text", ['{"v":1,"metrics":{', "[]", '"x"', "null", '{"v": 1}'])
async def test_evidence_that_cannot_be_read_is_begun_anew(text: str) -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(scraped(Shop())), evidence=text))
        await at(world, 10)
        assert world.counted() == (10, 100, 990, 9900)


async def test_a_machine_whose_clock_is_mended_finds_the_samples_of_its_server() -> None:
    true = loop_now(EPOCH)
    wall = Clock(true, jump_s=-3600.0)
    async with Sampler(
        no_tools(), lambda: true() - timedelta(hours=1), lambda key: None, wall=wall
    ) as sampler:
        sampler.watch(run(plan(served(Shop()), bake="10m", max_missing="99%"), since_s=-3600.0))
        await asyncio.sleep(100)
        blind = sampler.evidence("uid-checkout")
        assert blind is not None
        assert blind.no_data != ()
        wall.jump_s = 0.0
        await asyncio.sleep(60)
        seen = sampler.evidence("uid-checkout")
        assert seen is not None
        assert seen.no_data == ()
        assert seen.reports[0].canary_exposures > 100
        assert seen.assessment is not None
        assert "Baking" in seen.assessment.explain  # the hour is not taken for time at the weight


@pytest.mark.parametrize("changed", [False, True])
async def test_what_was_missed_in_a_restart_is_read_again_only_for_the_same_pods(
    changed: bool,
) -> None:
    made = plan(served(Shop()))
    async with sampling() as world:
        world.sampler.watch(run(made))
        await at(world, 30)
        kept = world.view()
        world.sampler.forget(UID)
        await at(world, 60)
        again = run(made, evidence=kept.state, window_end=kept.window_end)
        unlisted = replace(again, stable=replace(again.stable, pods=()))
        if changed:
            other = (*again.stable.pods, Pod("checkout-s2", "10.64.0.9"))
            again = replace(again, stable=replace(again.stable, pods=other))
        world.sampler.watch(unlisted)  # the watch of stable's pods has just begun
        await at(world, 62)
        world.sampler.watch(again)
        await at(world, 90)
        assert (world.counted()[1] >= 850) is not changed
