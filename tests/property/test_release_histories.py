"""Any history of edits, faults, commands and kills: the promises hold on the way and at the end."""

from __future__ import annotations

import asyncio

import looptime
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.names import OPERATOR_ACCOUNT
from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import at_rest
from tests.property.virtual_orders import BAD

EVENT = st.one_of(
    st.tuples(st.just("release"), st.sampled_from(["v1", "v2", "v3", "v3-bad", "v4-crashing"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 4, 10, 30])),
    st.tuples(st.just("dark"), st.booleans()),
    st.tuples(st.just("sign"), st.sampled_from(["Abort", "Hold", "Release", "Promote", "Retry"])),
    st.tuples(st.just("scale"), st.sampled_from([0, 2, 4, 6])),
    st.tuples(st.just("harm"), st.booleans()),
    st.tuples(st.just("canary pods lost"), st.just(0)),
    st.tuples(st.just("stale caches"), st.just(0)),
    st.tuples(st.just("broken watches"), st.just(0)),
    st.tuples(st.just("second operator"), st.just(0)),
    st.tuples(st.just("cut off at write"), st.integers(1, 12)),
    st.tuples(st.just("restart"), st.just(0)),
)
AT_REST_WITHIN_S = 2500
"""limits.hold is 10 minutes and a release has two steps: every history comes to rest in this."""


@settings(max_examples=20)
@given(st.lists(EVENT, max_size=10), st.sampled_from(["Replace", "Queue"]))
def test_any_history_comes_to_rest_and_serves_no_bad_version(
    history: list[tuple[str, str | int | bool]], supersede: str
) -> None:
    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(_live(history, supersede))
    finally:
        loop.close()


async def _live(history: list[tuple[str, str | int | bool]], supersede: str) -> None:
    async with at_rest(ShopWorld(supersede=supersede)) as world:
        for event, value in history:
            await _happen(world, event, value)
            await asyncio.sleep(1)
        world.heal()
        world.orders.dark = world.orders.harmful = False
        await world.kill_operators()
        await world.scale(4)
        await world.sign("Release")
        world.start_operator()
        await _at_rest(world)
        assert max(world.under_mark, default=0) == 0
        images = await world.images()
        assert len(images) == 1, images
        assert BAD not in images.pop()


async def _happen(world: ShopWorld, event: str, value: str | int | bool) -> None:
    match event:
        case "release":
            await world.release(str(value))
        case "wait":
            await asyncio.sleep(float(value))
        case "dark":
            world.orders.dark = bool(value)
        case "sign":
            await world.sign(str(value))
        case "scale":
            await world.scale(int(value))
        case "harm":
            world.orders.harmful = bool(value)
        case "canary pods lost":
            await world.lose_canary_pods()
        case "stale caches":
            world.cluster.faults.silence_watches(user=OPERATOR_ACCOUNT)
        case "broken watches":
            world.cluster.faults.drop_watches(user=OPERATOR_ACCOUNT)
        case "second operator":
            world.start_operator()
        case "cut off at write":
            world.crash_at(int(value))
        case _:
            world.heal()
            await world.kill_operators()
            world.start_operator()


async def _at_rest(world: ShopWorld) -> None:
    for _ in range(AT_REST_WITHIN_S):
        await asyncio.sleep(1)
        ended = all(c.status.phase == Phase.FINISHED for c in world.changes())
        resting = world.rollout().status.phase in ("Stable", "Rejected")
        available = world.deployment().get("status", {}).get("availableReplicas", 0)
        if ended and resting and world.weight() == 0 and available == 4:
            return
    last = world.rollout().status
    raise AssertionError(f"not at rest: {last.phase} {last.reason}: {last.message}")
