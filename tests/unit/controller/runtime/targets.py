"""Targets with a scrape phase of their own, behind a server with a memory or read page by page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controller.metrics.port import NoData, Reading, Samples, Series, Tools, Wanted, Window
from tests.unit.controller.runtime.scripted import EPOCH_S, ScriptedProvider, ScriptedSpec

Selected = Callable[[Wanted], list["Target"]]


@dataclass(frozen=True)
class Target:
    """One scraped address: its counter at each second after the epoch, and when it answers."""

    name: str
    value: Callable[[float], float]
    phase_s: float = 0.0
    each_s: float | None = None
    up: Callable[[float], bool] = lambda at_s: True

    def samples(self, window: Window, each_s: float) -> tuple[tuple[float, float], ...]:
        each_s = self.each_s or each_s
        first = math.floor((window.start_s - EPOCH_S - self.phase_s) / each_s) + 1
        last = math.floor((window.end_s - EPOCH_S - self.phase_s) / each_s)
        times = [k * each_s + self.phase_s for k in range(first, last + 1)]
        return tuple((EPOCH_S + at, self.value(at)) for at in times if self.up(at))

    def now(self, window: Window) -> tuple[tuple[float, float], ...]:
        at_s = window.end_s - EPOCH_S
        return ((window.end_s, self.value(at_s)),) if self.up(at_s) else ()


class Targets(ScriptedProvider):
    """A provider over targets. each_s: scrape interval of its server; None: pages, each second."""

    def __init__(self, selected: Selected, each_s: float | None = None) -> None:
        self.rereads, self._selected, self._each_s = each_s is not None, selected, each_s

    async def fetch(
        self, spec: ScriptedSpec, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        return {one: self._answer(one, window) for one in wanted}

    def _answer(self, one: Wanted, window: Window) -> Reading:
        series, silent = [], [(pod.name, "no answer") for pod in one.pods]
        for target in self._selected(one):
            each_s = self._each_s
            mine = target.now(window) if each_s is None else target.samples(window, each_s)
            if mine:
                series.append(Series("x", (("pod", target.name),), mine))
                silent = [pod for pod in silent if pod[0] != target.name]
        return (
            Samples(tuple(series), tuple(silent))
            if series
            else NoData("no series in the window", True)
        )


def steady(per_s: float, before_s: float = 10_000.0) -> Callable[[float], float]:
    """A counter that has been rising evenly for `before_s` at the epoch."""
    return lambda at_s: math.floor(per_s * (at_s + before_s))


def losing(per_s: float, kept: float, from_s: float) -> Callable[[float], float]:
    """A counter that rises evenly, and from a moment on at a part of that."""
    return lambda at_s: math.floor(
        per_s * (10_000.0 + min(at_s, from_s) + kept * max(0.0, at_s - from_s))
    )
