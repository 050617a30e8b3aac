"""The prometheus plug-in against a real Prometheus: raw samples, and every kind of no data."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web

from controller.api.template import PrometheusProvider
from controller.local.prometheus import Prometheus
from controller.metrics.port import NoData, Reading, Samples, Wanted, Window
from controller.metrics.prometheus import PROVIDER
from controller.runtime.tools import lend_tools
from tests.contract.served import prometheus_of

pytestmark = pytest.mark.e2e


@dataclass
class Target:
    """A process with two pods' counters; each scrape adds to them."""

    scrapes: int = 0
    scraped: asyncio.Event = field(default_factory=asyncio.Event)

    async def metrics(self, _: web.Request) -> web.Response:
        self.scrapes += 1
        if self.scrapes >= 6:
            self.scraped.set()
        lines = [
            f'orders_total{{arm="{arm}",kind="{kind}"}} {self.scrapes * each}'
            for arm, each in (("c-1", 1), ("s-1", 10))
            for kind in ("web", "app")
        ]
        return web.Response(text="\n".join([*lines, 'odd_total{arm="c-1"} NaN', ""]))


@pytest_asyncio.fixture
async def scraped() -> AsyncIterator[tuple[str, Target]]:
    target = Target()
    async with prometheus_of(target.metrics) as prometheus:
        async with asyncio.timeout(30):
            await target.scraped.wait()
        yield prometheus.url, target


def wanted(expression: str, metric: str = "orders") -> Wanted:
    return Wanted(metric, "events", "canary", expression)


async def ask(url: str, questions: Sequence[Wanted]) -> list[Reading]:
    end_s = time.clock_gettime(time.CLOCK_REALTIME)
    spec = PrometheusProvider(address=url, timeout="5s")
    async with lend_tools() as tools:
        answers = await PROVIDER.fetch(spec, questions, Window(end_s - 20, end_s), tools)
    return [answers[one] for one in questions]


async def test_a_real_server_gives_raw_samples_and_a_reason_for_everything_else(
    scraped: tuple[str, Target],
) -> None:
    url, _ = scraped
    canary, stable, absent, syntax, function, nan = await ask(
        url,
        [
            wanted('orders_total{arm=~"c-1"}'),
            wanted('orders_total{arm=~"s-1|s-2"}'),
            wanted('returns_total{arm="c-1"}'),
            wanted("orders_total{arm=", "syntax"),
            wanted("sum(orders_total)", "function"),
            wanted('odd_total{arm="c-1"}', "odd"),
        ],
    )
    for reading, step in ((canary, 1.0), (stable, 10.0)):
        assert isinstance(reading, Samples)
        assert len(reading.series) == 2
        values = [value for _, value in reading.series[0].samples]
        assert len(values) >= 4
        assert {b - a for a, b in itertools.pairwise(values)} == {step}
    assert isinstance(absent, NoData)
    assert absent.empty
    for reading, words in (
        (syntax, "HTTP 400"),
        (function, "HTTP 400"),
        (nan, "NaN"),
    ):
        assert isinstance(reading, NoData)
        assert words in reading.reason
        assert not reading.empty
    assert "metric syntax" in str(syntax)
    assert "query: orders_total{arm=" in str(syntax)


async def test_a_real_server_answers_a_question_that_names_many_pods(
    scraped: tuple[str, Target],
) -> None:
    many = "|".join(["c-1", *(f"checkout-6f7d9c5b8-{i:05}" for i in range(400))])
    (reading,) = await ask(scraped[0], [wanted(f'orders_total{{arm=~"{many}"}}')])
    assert isinstance(reading, Samples)
    assert len(reading.series) == 2


async def test_a_server_that_is_killed_is_no_data_and_back_it_answers_again() -> None:
    async with Prometheus([], 0.5) as prometheus:
        question = wanted('up{job="none"}')
        (before,) = await ask(prometheus.url, [question])
        prometheus.kill()
        (during,) = await ask(prometheus.url, [question])
        await prometheus.start()
        (after,) = await ask(prometheus.url, [question])
    assert isinstance(before, NoData)
    assert before.empty
    assert isinstance(during, NoData)
    assert not during.empty
    assert isinstance(after, NoData)
    assert after.empty
