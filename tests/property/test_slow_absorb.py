"""A rolling update that takes long but goes on is no failure; one that is stuck is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.core.phases import Outcome, Phase
from controller.local.controllers.instant_pods import NEVER_READY, Fate
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest, reached, settled

pytestmark = pytest.mark.looptime

DEADLINE_S = 60
SLOW = Fate(ready_after_s=45.0)


class SlowShop(ShopWorld):
    """New pods of the Deployment itself take most of the deadline, one by one; a canary's none.

    With `healthy` only so many of them ever get ready.
    """

    healthy = 99
    begun = 0

    def _fate(self, pod: Any) -> Fate:
        role = pod.metadata.labels.get(names.ROLE_LABEL)
        if role == names.ROLE_CANARY or not pod.spec.containers[0].image.endswith("v2"):
            return super()._fate(pod)
        self.begun += 1
        return SLOW if self.begun <= self.healthy else NEVER_READY


@pytest.mark.parametrize("killed", [False, True])
async def test_a_release_that_gets_ready_pod_by_pod_is_promoted(killed: bool) -> None:
    async with at_rest(SlowShop(progressDeadline=f"{DEADLINE_S}s")) as world:
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await asyncio.sleep(DEADLINE_S)
        if killed:
            await world.kill_operators()
            world.start_operator()
        assert world.changes()[-1].status.phase == Phase.ABSORBING
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.PROMOTED


async def test_one_that_is_stuck_half_way_goes_back_a_deadline_after_its_last_pod() -> None:
    async with SlowShop(progressDeadline=f"{DEADLINE_S}s") as world:
        world.healthy = 1
        world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.ABSORBING)
        await asyncio.sleep(SLOW.ready_after_s + DEADLINE_S - 10)
        assert world.changes()[-1].status.phase == Phase.ABSORBING
        await asyncio.sleep(20)
        assert world.changes()[-1].status.phase != Phase.ABSORBING
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ROLLED_BACK
