"""The scrape plug-in: pages, questions answered from them, and pods that do not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from controller.api.template import ScrapeProvider
from controller.metrics import selector
from controller.metrics.exposition import Page
from controller.metrics.port import MOST_SERIES, NoData, Pod, Reading, Samples, Wanted, Window
from controller.metrics.scrape import PROVIDER, select
from controller.runtime.tools import lend_tools
from tests.unit.controller.metrics.stalls import stalls

PAGE = """\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",pod="liar"} 40
http_requests_total{code="500"} 2
# TYPE orders counter
orders_total 30 1395066363000
# TYPE refunds_total counter
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.3"} 38
wait_seconds_bucket{le="+Inf"} 42
broken_total NaN
noise{ this line is never read
"""
POD = Pod("a-1", "10.64.0.1")


@asynccontextmanager
async def pods(**bodies: str | int | None) -> AsyncIterator[int]:
    """Pods a, b, ... on one loopback port: a page, a status, or None for no answer at all."""
    silence = asyncio.Event()

    async def metrics(request: web.Request) -> web.Response:
        body = bodies[request.host.split(":")[0].replace("127.64.0.", "pod")]
        if body is None:
            await silence.wait()
        return web.Response(status=body) if isinstance(body, int) else web.Response(text=body)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.64.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    for name in bodies:
        if name != "pod1":
            await web.TCPSite(runner, name.replace("pod", "127.64.0."), port).start()
    try:
        yield port
    finally:
        silence.set()
        await runner.cleanup()


def wanted(query: str, *members: Pod, role: str = "events") -> Wanted:
    return Wanted("m", role, "canary", query, members or (POD,), "shop")  # type: ignore[arg-type]


async def read(port: int, *questions: Wanted, interval: str = "1s") -> list[Reading]:
    spec = ScrapeProvider(port=port, interval=interval)
    async with lend_tools(lambda ip: ip.replace("10.", "127.", 1)) as tools:
        answers = await PROVIDER.fetch(spec, questions, Window(9.0, 10.0), tools)
    return [answers[one] for one in questions]


async def test_one_page_answers_every_question_with_target_labels_as_prometheus_adds_them() -> None:
    async with pods(pod1=PAGE) as port:
        everything, errors, orders, buckets = await read(
            port,
            wanted('http_requests_total{namespace="shop",pod=~"a-1|a-2"}', role="exposures"),
            wanted('http_requests_total{code=~"5..",pod="a-1"}'),
            wanted("orders_total"),
            wanted("wait_seconds_bucket", role="histogram"),
        )
    assert isinstance(everything, Samples)
    assert [s.samples for s in everything.series] == [((10.0, 40.0),), ((10.0, 2.0),)]
    assert everything.series[0].label("exported_pod") == "liar"
    assert everything.series[0].label("pod") == "a-1"
    assert isinstance(errors, Samples)
    assert [s.label("code") for s in errors.series] == ["500"]
    assert isinstance(orders, Samples)
    assert orders.series[0].samples == ((10.0, 30.0),)
    assert isinstance(buckets, Samples)
    assert {s.label("le") for s in buckets.series} == {"0.3", "+Inf"}


async def test_a_declared_counter_without_children_is_a_zero_that_was_seen() -> None:
    async with pods(pod1=PAGE) as port:
        declared, unknown, exposures = await read(
            port,
            wanted("refunds_total"),
            wanted("returns_total"),
            wanted("refunds_total", role="exposures"),
        )
    assert declared == Samples(())
    assert isinstance(unknown, NoData)
    assert "no pod shows returns_total; query: returns_total" in unknown.reason
    assert isinstance(exposures, NoData)


async def test_nan_and_no_selector_are_no_data_for_their_question_only() -> None:
    async with pods(pod1=PAGE) as port:
        nan, call, good = await read(
            port, wanted("broken_total"), wanted("sum(orders_total)"), wanted("orders_total")
        )
    assert isinstance(nan, NoData)
    assert "broken_total of pod a-1 is nan" in nan.reason
    assert isinstance(call, NoData)
    assert "not a selector" in call.reason
    assert isinstance(good, Samples)


async def test_a_pod_that_does_not_answer_is_a_gap_with_its_reason() -> None:
    others = (POD, Pod("a-2", "10.64.0.2"), Pod("a-3", "10.64.0.3"), Pod("a-4", ""))
    async with pods(pod1=PAGE, pod2=503, pod3=None) as port:
        (reading,) = await read(port, wanted("orders_total", *others))
    assert isinstance(reading, Samples)
    assert len(reading.series) == 1
    silent = dict(reading.silent)
    assert "HTTP 503" in silent["a-2"]
    assert "no answer within 1 s" in silent["a-3"]
    assert silent["a-4"] == "it has no address yet"


@pytest.mark.parametrize(
    ("members", "words"),
    [((), "the arm has no pods"), ((Pod("a-2", "10.64.0.2"),), "no pod answers: a-2: port")],
)
async def test_an_arm_of_which_no_pod_answers_has_no_data(
    members: tuple[Pod, ...], words: str
) -> None:
    question = Wanted("m", "events", "canary", "orders_total", members, "shop")
    async with pods(pod1=PAGE) as port:
        (reading,) = await read(port, question)
    assert isinstance(reading, NoData)
    assert not reading.empty
    assert words in reading.reason


async def test_a_large_page_is_parsed_and_searched_beside_the_loop() -> None:
    lines = (f'orders_total{{path="/checkout/{i:06}"}} 7' for i in range(9_000))
    async with pods(pod1="\n".join(lines) + "\n") as port, stalls() as longest_s:
        reading, _ = await read(
            port, wanted("orders_total"), wanted('orders_total{pod="a-1"}'), interval="60s"
        )
    assert isinstance(reading, Samples)
    assert len(reading.series) == 9_000
    assert longest_s() < 0.05


async def test_a_page_with_too_many_series_of_what_is_asked_is_a_gap() -> None:
    lines = (f'orders_total{{path="{i}"}} 7' for i in range(MOST_SERIES + 1))
    async with pods(pod1="\n".join(lines) + "\nrefunds_total 3\n") as port:
        (many,) = await read(port, wanted("orders_total"))
        (other,) = await read(port, wanted("refunds_total"))
    assert isinstance(other, Samples)
    assert isinstance(many, NoData)
    assert "10001 series of orders_total, more than 10000" in many.reason


def test_a_question_that_selects_too_many_series_of_all_pods_is_no_data() -> None:
    page = Page(tuple(("orders_total", {"path": str(i)}, 7.0) for i in range(6_000)), frozenset())
    members = (POD, Pod("a-2", "10.64.0.2"))
    one = wanted("orders_total", *members)
    found = select(one, dict.fromkeys(members, page), 10.0, selector.parse("orders_total"))
    assert isinstance(found, NoData)
    assert "it selects 12000 series, more than 10000; query: orders_total" in found.reason


async def test_a_page_in_another_format_is_a_gap() -> None:
    async with pods(pod1="orders_total{ oops\n") as port:
        (reading,) = await read(port, wanted("orders_total"))
    assert isinstance(reading, NoData)
    assert "no pod answers" in reading.reason


async def test_what_one_pod_writes_wrongly_leaves_the_others_their_evidence() -> None:
    huge = f"orders_total 1{'0' * 400}\n"
    others = (POD, Pod("a-2", "10.64.0.2"), Pod("a-3", "10.64.0.3"))
    async with pods(pod1="# TYPE \norders_total 3\n", pod2=huge, pod3=PAGE) as port:
        (reading,) = await read(port, wanted("orders_total", *others))
    assert isinstance(reading, Samples)
    assert [(s.label("pod"), s.samples[0][1]) for s in reading.series] == [("a-1", 3), ("a-3", 30)]
    assert [pod for pod, _ in reading.silent] == ["a-2"]


def test_a_query_that_is_no_selector_is_refused_before_any_read() -> None:
    spec = ScrapeProvider(port=1)
    assert PROVIDER.problem(spec, 'orders_total{pod="x"}') is None
    assert "reads only selectors" in str(PROVIDER.problem(spec, "sum(orders_total)"))
