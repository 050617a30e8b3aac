"""A server that gets its samples late: its ticks are read later, and then they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from controller.api.template import PrometheusProvider
from controller.metrics.judging import judge
from controller.metrics.plans import Plan
from controller.metrics.port import Reading, Tools, Wanted, Window
from controller.metrics.prometheus import PROVIDER
from controller.runtime.clock import loop_now
from tests.unit.controller.runtime.sampling import at, sampling
from tests.unit.controller.runtime.scripted import (
    EPOCH,
    EPOCH_S,
    Scripted,
    Shop,
    rollout,
    run,
    template,
)

pytestmark = pytest.mark.looptime
LAG_S = 40.0


class Late(Scripted):
    """A server that has only the samples older than the lag; else as the prometheus plug-in."""

    name = "prometheus"
    spec: Any = PrometheusProvider

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, rereads=True)
        self._now = loop_now(EPOCH)

    def settle_s(self, spec: PrometheusProvider) -> float:
        return PROVIDER.settle_s(spec)

    async def fetch(
        self, spec: Any, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        newest_s = self._now().timestamp() - LAG_S
        seen = Window(window.start_s, max(min(window.end_s, newest_s), EPOCH_S))
        return {one: self._answer(one, seen) for one in wanted}


def plan(**settings: str) -> Plan:
    provider = {"prometheus": {"address": "http://prometheus:9090", **settings}}
    made = judge(rollout(), [template(provider)], {"prometheus": Late(Shop())})
    assert isinstance(made, Plan), str(made)
    return made


async def test_samples_that_come_late_count_once_the_template_says_how_late() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan(settle="45s")))
        await at(world, 60)
        end = world.view().window_end
        assert end is not None
        counted_s = (end - EPOCH).total_seconds()
        assert 10 <= counted_s <= 15
        assert world.counted()[:2] == (counted_s, 10 * counted_s)
        assert not world.view().no_data


async def test_samples_later_than_that_are_no_data() -> None:
    async with sampling() as world:
        world.sampler.watch(run(plan()))
        await at(world, 60)
        assert world.view().no_data
        assert not world.view().reports or world.counted() == (0, 0, 0, 0)
