"""How a story in virtual time begins and goes on: a shop at rest, a phase reached, an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld

W = TypeVar("W", bound=ShopWorld)


@asynccontextmanager
async def shop_at_rest(**limits: str) -> AsyncIterator[ShopWorld]:
    """A shop that an operator has adopted; `limits` as in a Rollout's spec."""
    async with at_rest(ShopWorld(**limits)) as world:
        yield world


@asynccontextmanager
async def at_rest(shop: W) -> AsyncIterator[W]:
    """The same for a shop of another kind."""
    async with shop:
        shop.start_operator()
        await asyncio.sleep(5)
        yield shop


@asynccontextmanager
async def shop_in_mid_run(weight: float = 5, **limits: str) -> AsyncIterator[ShopWorld]:
    """The same with a good release that has reached a weight on the ladder."""
    async with shop_at_rest(**limits) as world:
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=weight)
        yield world


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
