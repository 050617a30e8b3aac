"""One read for many releases: questions to the same server about the same window go together.

Also the border behind which a plug-in may fail: whatever it raises or forgets becomes no data of
the releases that use it. It owns no schedule; it must not know what is counted. Called by the
sampler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from controller.metrics.plans import Source
from controller.metrics.port import NoData, Reading, Tools, Wanted, Window

GATHER_S = 0.02
"""How long the first question waits for others; ticks of all releases end at the same moments."""
PLUGIN_DEADLINE_S = 60.0
"""Longest a plug-in may take in all; its own deadlines are shorter."""

log = structlog.get_logger(__name__)
Answers = Mapping[Wanted, Reading]


@dataclass
class _Batch:
    wanted: dict[Wanted, None] = field(default_factory=dict)
    answers: asyncio.Task[Answers] | None = None


class Reader:
    """Asks plug-ins; as many reads are under way as there are servers and windows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._open: dict[tuple[str, bytes, Window], _Batch] = {}
        self._tasks: set[asyncio.Task[Answers]] = set()

    async def close(self) -> None:
        """Give up every read that nobody waits for any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def read(self, source: Source, wanted: Sequence[Wanted], window: Window) -> Answers:
        """An answer to each question; never raises what a plug-in raises."""
        if not source.provider.rereads:
            return _complete(wanted, await self._fetch(source, wanted, window))
        key = (source.provider.name, msgspec.json.encode(source.spec), window)
        batch = self._open.get(key)
        if batch is None or batch.answers is None:
            batch = self._open[key] = _Batch()
            batch.answers = asyncio.create_task(self._gathered(key, batch, source))
            self._tasks.add(batch.answers)
            batch.answers.add_done_callback(self._tasks.discard)
        batch.wanted |= dict.fromkeys(wanted)
        # One release that goes away must not take the answer from the others.
        return _complete(wanted, await asyncio.shield(batch.answers))

    async def _gathered(
        self, key: tuple[str, bytes, Window], batch: _Batch, source: Source
    ) -> Answers:
        try:
            await asyncio.sleep(GATHER_S)
        finally:
            self._open.pop(key, None)
        return await self._fetch(source, list(batch.wanted), key[2])

    async def _fetch(self, source: Source, wanted: Sequence[Wanted], window: Window) -> Answers:
        name = source.provider.name
        try:
            async with asyncio.timeout(PLUGIN_DEADLINE_S):
                return await source.provider.fetch(source.spec, wanted, window, self._tools)
        except TimeoutError:
            why = f"provider {name} gave no answer within {PLUGIN_DEADLINE_S:g} s"
        except Exception as error:  # foreign code: its fault stays with its users
            log.exception("provider_failed", provider=name)
            why = f"provider {name} failed: {type(error).__name__}: {error}"
        return {one: _no_data(one, why) for one in wanted}


def _complete(wanted: Sequence[Wanted], answers: Answers) -> Answers:
    return {one: answers.get(one) or _no_data(one, "the provider left it out") for one in wanted}


def _no_data(one: Wanted, why: str) -> NoData:
    return NoData(
        f"metric {one.metric}, {one.role} of the {one.arm} arm: {why}; query: {one.expression}"
    )
