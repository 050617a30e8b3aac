"""A sampler in virtual time, with a wall clock that a test can move: the world of its tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.api.meta import Key
from controller.runtime.clock import loop_now
from controller.runtime.evidence import EvidenceView
from controller.runtime.sampler import Sampler
from tests.unit.controller.runtime.scripted import (
    EPOCH,
    EPOCH_S,
    Scripted,
    Shop,
    no_tools,
)

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
