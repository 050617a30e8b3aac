"""Pods that never answer take neither the reads of other releases nor those of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import pytest

from controller.api.template import ScrapeProvider
from controller.metrics.exposition import Page
from controller.metrics.pod_pages import READS_PER_LOOK, read_pages
from controller.metrics.port import Pod, Tools
from controller.metrics.silent_pods import SELDOM_S
from controller.runtime.tools import CONCURRENT_READS

pytestmark = pytest.mark.looptime
ANSWER_S = 0.01


class Network:
    """Stands for HTTP in virtual time: which addresses lead nowhere, and who was asked."""

    def __init__(self) -> None:
        self.dark: set[str] = set()
        self.asked: list[str] = []
        self.under_way = self.most = 0

    def get(self, url: str, **_: Any) -> _Answer:
        return _Answer(self, url.removeprefix("http://").split(":")[0])


class _Answer:
    status = 200

    def __init__(self, network: Network, host: str) -> None:
        self.content, self._network, self._host = self, network, host

    async def __aenter__(self) -> Self:
        self._network.asked.append(self._host)
        self._network.under_way += 1
        self._network.most = max(self._network.most, self._network.under_way)
        try:
            await asyncio.sleep(1e6 if self._host in self._network.dark else ANSWER_S)
        except asyncio.CancelledError:
            self._network.under_way -= 1
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._network.under_way -= 1

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield b"orders_total 5\n"


def tools_of(network: Network) -> Tools:
    kept: dict[str, Any] = {}

    def keep(key: str, make: Callable[[], Any]) -> Any:
        return kept.setdefault(key, make())

    unused: Any = None
    http: Any = network
    return Tools(http, unused, keep, asyncio.Semaphore(CONCURRENT_READS), str)


def pods(release: str, number: int) -> list[Pod]:
    return [Pod(f"{release}-{i}", f"{release}-{i}") for i in range(number)]


async def look(tools: Tools, members: list[Pod], interval: str = "1s") -> dict[str, bool]:
    """Who answered one look."""
    spec = ScrapeProvider(port=80, interval=interval)
    pages = await read_pages(spec, {pod: {"orders_total"} for pod in members}, tools)
    assert set(pages) == set(members)
    return {pod.name: isinstance(page, Page) for pod, page in pages.items()}


async def test_silent_pods_of_one_release_do_not_delay_another() -> None:
    network = Network()
    tools, loop = tools_of(network), asyncio.get_running_loop()
    bad, good = pods("bad", 640), pods("good", 20)
    network.dark = {pod.ip for pod in bad}
    waiting = asyncio.create_task(look(tools, bad))
    await asyncio.sleep(0.5)
    began_s = loop.time()
    assert all((await look(tools, good)).values())
    assert loop.time() - began_s < 0.1
    assert network.most <= 2 * READS_PER_LOOK
    assert not any((await waiting).values())


async def test_a_look_ends_at_its_deadline_however_many_pods_are_silent() -> None:
    network = Network()
    bad = pods("bad", 100)
    network.dark = {pod.ip for pod in bad}
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await look(tools_of(network), bad)
    assert loop.time() - began_s == pytest.approx(1.0, abs=0.01)
    assert network.under_way == 0


async def test_what_was_not_asked_in_time_says_so() -> None:
    network = Network()
    bad = pods("bad", READS_PER_LOOK + 1)
    network.dark = {pod.ip for pod in bad}
    spec = ScrapeProvider(port=80)
    pages = await read_pages(spec, {pod: {"orders_total"} for pod in bad}, tools_of(network))
    said = [pages[pod] for pod in bad]
    assert said[0] == "no answer within 1 s from port 80/metrics"
    assert said[-1] == "it was not asked within 1 s, as too many others gave no answer"


async def test_silent_pods_are_asked_last_so_that_the_others_answer_from_the_next_look_on() -> None:
    network = Network()
    members = pods("shop", 60)
    network.dark = {pod.ip for pod in members[:READS_PER_LOOK]}
    tools = tools_of(network)
    assert not any((await look(tools, members)).values())
    answered = await look(tools, members)
    assert [name for name, did in answered.items() if not did] == sorted(
        network.dark, key=lambda name: int(name.split("-")[1])
    )


async def test_a_pod_silent_three_times_holds_up_no_look_and_is_found_when_it_is_back() -> None:
    network = Network()
    (one, other) = members = pods("shop", 2)
    network.dark = {one.ip}
    tools, loop = tools_of(network), asyncio.get_running_loop()
    for _ in range(3):
        assert await look(tools, members) == {one.name: False, other.name: True}
    network.dark = set()
    began_s = loop.time()
    assert await look(tools, members) == {one.name: False, other.name: True}
    assert loop.time() - began_s < 0.1
    await asyncio.sleep(SELDOM_S)
    assert all((await look(tools, members)).values())
    assert all((await look(tools, members)).values())
