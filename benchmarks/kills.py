"""Kill -9 before and after each write of a release: the end is that of an uninterrupted run.

Real control plane, real Envoy, pods as processes, the operator as a process. For a good and a bad
release, and for n = 1, 2, ... as far as a release writes: the operator dies before its n-th write,
or just after it, and is started again. Then everything in the shop must be as after a release
without a kill, and a watch of the route must not have seen the canary's share above 0 with the mark
of containment or after it. Events are not counted as writes: nothing is decided from them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from benchmarks import ends, record
from benchmarks.killcases import RELEASES, Case, Result, Share, brief, line, row, shares, summary
from benchmarks.killshop import SEED, WITHIN_S, KillShop, shop_on
from controller.local.controlplane import ControlPlane
from controller.local.demo.stage import MANIFESTS
from controller.local.deploying import LOOK_EVERY_S, NotInTimeError, until
from controller.runtime import logs

SETTLE_S: Final = 20.0
"""Pods that end and controllers that follow may take so long after the operator is at rest."""


@dataclass(frozen=True)
class Reference:
    """An uninterrupted release: its end and its writes."""

    end: ends.End
    writes: tuple[str, ...]


class Lane:
    """Plays its share of the cases of one kind of release, one after another in one shop."""

    def __init__(self, release: str, share: Share, until_s: float) -> None:
        self._release, self._share, self._until_s = release, share, until_s
        self._numbers = itertools.count(1)
        self._stable = ""
        self.results: list[Result] = []
        self.left_out = 0

    async def play(self, plane: ControlPlane) -> None:
        """All cases; after one that ended otherwise a new shop is opened for the next."""
        pending: list[int] | None = None
        for shop_number in itertools.count(1):
            async with shop_on(plane, f"{self._release}-{shop_number}") as shop:
                self._stable = "v1"
                reference = await self._reference(shop)
                if pending is None:
                    # A run may have a write more than the one that was counted.
                    pending = self._share.writes(len(reference.writes) + 1)
                while pending:
                    if time.monotonic() > self._until_s:
                        self.left_out = 2 * len(pending)
                        return
                    results = await self._write(shop, reference, pending.pop(0))
                    self.results += results
                    if not all(r.good for r in results):
                        break
                else:
                    return

    async def _reference(self, shop: KillShop) -> Reference:
        """The second release: its beginning is that of every case, the first one's is not."""
        await self._uninterrupted(shop)
        reference = await self._uninterrupted(shop)
        _say(f"{self._release}: {len(reference.writes)} writes without a kill")
        return reference

    async def _uninterrupted(self, shop: KillShop) -> Reference:
        version, before = await self._begin(shop)
        with shop.operator() as running:
            await until(lambda: shop.ended(version), bool, WITHIN_S, f"the end of {version}")
            await running.quiet()
            end = await _still(shop, version, before)
            return Reference(end, tuple(running.writes))

    async def _begin(self, shop: KillShop) -> tuple[str, str]:
        """A new version is proposed while no operator runs: the first write is of this release."""
        await shop.tidy()
        version, before = f"{self._release}{next(self._numbers)}", self._stable
        if self._release == "good":
            self._stable = version
        await shop.release(version, bad=self._release == "bad")
        return version, before

    async def _write(self, shop: KillShop, reference: Reference, write: int) -> list[Result]:
        """Before and after one write; the second is left out when the first spoiled the shop."""
        results: list[Result] = []
        for when in ("before", "after"):
            result = await self._case(shop, reference, Case(self._release, write, when))
            results.append(result)
            _say(line(result))
            if not result.good:
                break
        return results

    async def _case(self, shop: KillShop, reference: Reference, case: Case) -> Result:
        began, states = time.monotonic(), len(shop.seen)
        old_mark = shop.seen[-1].mark if shop.seen else ""
        version, before = await self._begin(shop)
        killed, what = False, "no such write"
        try:
            killed, what = await self._killed(shop, version, case)
            differences = await self._differences(shop, version, before, reference)
        except NotInTimeError as error:
            differences = (str(error),)
        rises = ends.rises_after_mark(shop.seen[states:], old_mark)
        return Result(case, killed, what, differences, rises, time.monotonic() - began)

    async def _killed(self, shop: KillShop, version: str, case: Case) -> tuple[bool, str]:
        """The first life: whether it died, and at what."""
        with shop.operator(case.die) as running:

            async def over() -> bool:
                return running.died or await shop.ended(version)

            await until(over, bool, WITHIN_S, f"the operator's death or the end of {version}")
            await running.quiet()
            return running.died, brief(running.writes[-1]) if running.died else "no such write"

    async def _differences(
        self, shop: KillShop, version: str, before: str, reference: Reference
    ) -> tuple[str, ...]:
        """The second life, and what is not as it should be once it rests."""
        with shop.operator() as running:
            await until(lambda: shop.ended(version), bool, WITHIN_S, f"the end of {version}")
            await running.quiet()
            deadline = time.monotonic() + SETTLE_S
            while different := ends.differences(reference.end, await shop.look(version, before)):
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(LOOK_EVERY_S)
            return different


async def _still(shop: KillShop, version: str, before: str) -> ends.End:
    """The state once it has not changed for some seconds."""
    end, since = await shop.look(version, before), time.monotonic()
    while time.monotonic() - since < 3.0:
        await asyncio.sleep(LOOK_EVERY_S)
        if (now := await shop.look(version, before)) != end:
            end, since = now, time.monotonic()
    return end


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, write `kills.json`; 1 when a case differs."""
    parser = argparse.ArgumentParser(prog="benchmarks.kills", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every K-th write")
    parser.add_argument("--release", choices=RELEASES, help="only this one")
    parser.add_argument("--lanes", type=int, default=2, help="control planes side by side")
    parser.add_argument("--minutes", type=float, default=90.0, help="no new case after so many")
    options = parser.parse_args(arguments)
    logs.configure("text", "error")
    releases = (options.release,) if options.release else RELEASES
    begun = record.begin()
    played = asyncio.run(_play(releases, options.every, options.lanes, options.minutes))
    results = [result for lane in played for result in lane.results]
    results.sort(key=lambda r: (r.case.release, r.case.write))
    numbers = {
        "every": options.every,
        **summary(results),
        "left_out": sum(lane.left_out for lane in played),
        "wall_s": round((datetime.now(UTC) - begun.at).total_seconds(), 1),
        "each": [row(result) for result in results],
    }
    for result in results:
        _say(line(result))
    _say(record.table({k: v for k, v in numbers.items() if k != "each"}))
    _say(f"written: {record.write('kills', numbers, begun, seed=SEED)}")
    return 0 if results and all(r.good for r in results) else 1


async def _play(releases: Sequence[str], every: int, lanes: int, minutes: float) -> list[Lane]:
    """The lanes side by side, each on a control plane of its own."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_on_own_plane(releases, share, minutes))
            for share in shares(every, lanes)
        ]
    return [lane for task in tasks for lane in task.result()]


async def _on_own_plane(releases: Sequence[str], share: Share, minutes: float) -> list[Lane]:
    began = time.monotonic()
    played: list[Lane] = []
    async with ControlPlane() as plane:
        await plane.install_manifests(MANIFESTS)
        for number, release in enumerate(releases, 1):
            # The first of two ends sooner than the second: its releases are shorter.
            until_s = began + 60 * minutes * (1.0 if number == len(releases) else 0.4)
            lane = Lane(release, share, until_s)
            await lane.play(plane)
            played.append(lane)
    return played


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
