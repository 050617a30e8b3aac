"""The prometheus plug-in against servers that misbehave over real HTTP."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from controller.api.template import PrometheusProvider
from controller.metrics.port import NoData, Reading, Samples, Wanted, Window
from controller.metrics.prometheus import PROVIDER
from controller.runtime.tools import lend_tools
from tests.unit.controller.metrics.stalls import stalls

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WANTED = Wanted("orders", "events", "canary", 'orders_total{pod="a"}')


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def asked(address: str, timeout: str = "5s") -> Reading:
    spec = PrometheusProvider(address=address, timeout=timeout)
    async with lend_tools() as tools:
        answers = await PROVIDER.fetch(spec, [WANTED], Window(100.0, 110.0), tools)
    return answers[WANTED]


def says(status: int, body: str, kind: str = "application/json") -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    return handler


async def test_raw_samples_are_asked_for_at_the_end_of_the_window() -> None:
    seen: dict[str, Any] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(request.query)
        labels = {"__name__": "orders_total", "pod": "a"}
        result = [{"metric": labels, "values": [[101.5, "3"], [106.5, "4"]]}]
        return web.json_response({"status": "success", "data": {"result": result}})

    async with served(handler) as address:
        reading = await asked(address)
    assert seen == {"query": 'orders_total{pod="a"}[10000ms]', "time": "110.000"}
    assert isinstance(reading, Samples)
    assert reading.series[0].samples == ((101.5, 3.0), (106.5, 4.0))


async def test_a_question_that_names_many_pods_goes_where_no_limit_of_urls_reaches() -> None:
    seen: list[tuple[str, int, dict[str, Any]]] = []

    async def handler(request: web.Request) -> web.Response:
        form = dict(await request.post())
        seen.append((request.method, len(request.path_qs), form))
        return web.json_response({"data": {"result": []}})

    pods = "|".join(f"checkout-6f7d9c5b8-{i:05}" for i in range(400))
    long = Wanted("orders", "events", "canary", f'orders_total{{pod=~"{pods}"}}')
    async with served(handler) as address, lend_tools() as tools:
        spec = PrometheusProvider(address=address)
        answers = await PROVIDER.fetch(spec, [WANTED, long], Window(100.0, 110.0), tools)
    assert all(isinstance(one, NoData) and one.empty for one in answers.values())
    methods = {method: (length, form) for method, length, form in seen}
    assert methods["GET"][1] == {}
    length, form = methods["POST"]
    assert length < 100
    assert form == {"query": f"{long.expression}[10000ms]", "time": "110.000"}


async def test_a_large_answer_is_parsed_beside_the_loop() -> None:
    every = [
        {"metric": {"__name__": "orders_total", "pod": "a", "path": str(i)},
         "values": [[101.0 + k, "7"] for k in range(30)]}
        for i in range(9_000)
    ]  # fmt: skip
    body = json.dumps({"data": {"result": every}})
    async with served(says(200, body)) as address:
        await asked(address, "30s")  # the client's modules are loaded once, by the first question
        async with stalls() as longest_s:
            reading = await asked(address, "30s")
    assert isinstance(reading, Samples)
    assert len(reading.series) == 9_000
    assert longest_s() < 0.05


BAD = [
    (says(503, "no healthy upstream", "text/plain"), "HTTP 503"),
    (says(200, "<html>Sign in</html>", "text/html"), "not JSON"),
    (says(200, '{"status":"success","data":{"res'), "not JSON"),
    (says(200, "[]"), "not that of a Prometheus"),
    (says(200, '{"data":{"result":7}}'), "not a list of series"),
    (
        says(400, '{"status":"error","errorType":"bad_data","error":"parse error: unexpected )"}'),
        "HTTP 400: parse error: unexpected )",
    ),
    (says(200, '{"data":{"result":[]}}'), "no series in the window"),
]


@pytest.mark.parametrize(("handler", "words"), BAD, ids=[words for _, words in BAD])
async def test_trouble_is_no_data_that_names_the_metric_and_shows_the_query(
    handler: Handler, words: str
) -> None:
    async with served(handler) as address:
        reading = await asked(address)
    assert isinstance(reading, NoData)
    assert words in reading.reason
    assert "metric orders, events of the canary arm" in reading.reason
    assert 'query: orders_total{pod="a"}' in reading.reason


async def test_a_server_that_is_not_there_is_no_data() -> None:
    async with served(says(200, "{}")) as address:
        pass
    reading = await asked(address)
    assert isinstance(reading, NoData)
    assert "ConnectionError" in reading.reason


async def test_a_server_that_never_answers_blocks_no_other() -> None:
    released = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    empty = says(200, '{"data":{"result":[]}}')
    async with served(silent) as slow, served(empty) as quick, lend_tools() as tools:
        spec = PrometheusProvider(address=slow, timeout="400ms")
        slow_reads = [
            asyncio.create_task(PROVIDER.fetch(spec, [WANTED], Window(0, 1.0 + i), tools))
            for i in range(20)
        ]
        other = PrometheusProvider(address=quick, timeout="5s")
        answers = await PROVIDER.fetch(other, [WANTED], Window(0, 10), tools)
        assert not any(task.done() for task in slow_reads)
        late = await asyncio.gather(*slow_reads)
        released.set()
    reading = answers[WANTED]
    assert isinstance(reading, NoData)
    assert reading.empty
    assert all("no answer within 0.4 s" in str(one[WANTED]) for one in late)


async def test_a_server_that_dribbles_is_given_up_at_the_deadline() -> None:
    async def dribble(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not ended.is_set():
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    ended = asyncio.Event()
    async with served(dribble) as address, lend_tools() as tools:
        spec = PrometheusProvider(address=address, timeout="200ms")
        reading = (await PROVIDER.fetch(spec, [WANTED], Window(0, 10), tools))[WANTED]
        ended.set()
    assert isinstance(reading, NoData)
    assert "0.2 s" in str(reading)


async def cut_off(request: web.Request) -> web.StreamResponse:
    """Half of what was promised, then the end of the connection; refunds are told whole."""
    if request.query["query"].startswith("refunds"):
        return web.json_response({"data": {"result": []}})
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data":{"res')
    assert request.transport is not None
    request.transport.close()
    return response


async def garbled(request: web.Request) -> web.StreamResponse:
    headers = {"Content-Encoding": "gzip"}
    return web.Response(body=b"this was never packed", headers=headers)


async def too_deep(request: web.Request) -> web.StreamResponse:
    return web.Response(text="[" * 100_000)


async def test_an_answer_that_is_cut_off_is_no_data_of_its_own_query_alone() -> None:
    refunds = Wanted("refunds", "events", "canary", 'refunds_total{pod="a"}')
    async with served(cut_off) as address, lend_tools() as tools:
        spec = PrometheusProvider(address=address)
        answers = await PROVIDER.fetch(spec, [WANTED, refunds], Window(100.0, 110.0), tools)
    broken, whole = answers[WANTED], answers[refunds]
    assert isinstance(broken, NoData)
    assert "ConnectionError: the answer broke off" in broken.reason
    assert 'query: orders_total{pod="a"}' in broken.reason
    assert isinstance(whole, NoData)
    assert whole.empty


@pytest.mark.parametrize(
    ("handler", "words"),
    [(garbled, "the answer broke off"), (too_deep, "not that of a Prometheus (RecursionError")],
)
async def test_a_body_that_cannot_be_read_is_no_data(handler: Handler, words: str) -> None:
    async with served(handler) as address:
        reading = await asked(address)
    assert isinstance(reading, NoData)
    assert words in reading.reason


async def test_a_fault_of_ours_in_one_query_leaves_the_others_their_answers() -> None:
    class Failing:
        """Stands for a thread in which something goes wrong that nobody thought of."""

        async def call(self, lane: str, what: Callable[[], Any], deadline_s: float) -> Any:
            found = await asyncio.to_thread(what)
            if any(one.metric == "orders" for one in found):
                raise ArithmeticError("a fault")
            return found

    refunds = Wanted("refunds", "events", "canary", 'refunds_total{pod="a"}')
    async with served(says(200, '{"data":{"result":[]}}')) as address, lend_tools() as tools:
        spec = PrometheusProvider(address=address)
        faulty = dataclasses.replace(tools, in_thread=Failing().call)
        answers = await PROVIDER.fetch(spec, [WANTED, refunds], Window(100.0, 110.0), faulty)
    assert "ArithmeticError: a fault; query: orders_total" in str(answers[WANTED])
    assert "no series in the window" in str(answers[refunds])


async def test_an_answer_too_large_for_the_memory_is_refused() -> None:
    from controller.metrics.bounded_http import BoundedSession

    async with served(says(200, "x" * 200_000)) as address:

        def read() -> str:
            with BoundedSession(5.0, largest_bytes=100_000) as session:
                try:
                    return session.get(address).text
                except OSError as problem:
                    return str(problem)

        said = await asyncio.to_thread(read)
    assert said == "the answer is larger than 100000 bytes"
