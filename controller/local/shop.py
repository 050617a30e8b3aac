"""The sample shop: one small HTTP program, whose faults are set by environment variables.

    POST /orders/<id>        places an order; 200 {"order": "<id>"}
    GET  /session/<id>       what a shopper reads before
    GET  /healthz            readiness; 503 after SIGTERM
    GET  /metrics            http_requests_total{code}, http_request_duration_seconds, orders_total
    POST /admin/metrics/dark and /admin/metrics/lit: makes /metrics answer 503, and well again

It runs as a pod of the local stack (`python -m controller.local.shop`): the node agent sets
POD_NAME, PORT, BLASTDOOR_BIND and SHOP_LEDGER (the folder of the true ledger). After SIGTERM it is
a lame duck: it goes on serving, closes its connections one by one, and ends. The histogram is a
classic one: the client library has no native ones. It knows nothing of Kubernetes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from controller.local.shop_faults import Behaviour, behaviour_of

BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
VERSION_HEADER = "x-shop-version"
_CODES = ("200", "404", "500")


class Counters:
    """What /metrics shows. Every series exists from the start, so that a first error is a rise."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        requests = Counter(
            "http_requests", "Requests answered, by code.", ["code"], registry=self.registry
        )
        self.requests = {code: requests.labels(code) for code in _CODES}
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            registry=self.registry,
            buckets=BUCKETS_S,
        )
        self.orders = Counter("orders", "Orders placed.", registry=self.registry)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class Shop:
    """Answers requests as its behaviour says. `clock` is monotonic seconds."""

    def __init__(
        self,
        behaviour: Behaviour,
        place: Callable[[str], None],
        dice: Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.behaviour, self.counters = behaviour, Counters()
        self.closing = self.dark = False
        self._place, self._dice, self._clock = place, dice, clock
        self._started = clock()
        self._orders_seen = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The one handler: a router would be half of the work of a request."""
        _, first, *rest = request.path.split("/")
        match first:
            case "orders" | "session":
                response = await self._serve(first, rest[0] if rest else "")
            case "healthz":
                response = web.Response(status=503 if self.closing else 200)
            case "metrics":
                response = self._metrics()
            case "admin":
                response = self._admin(request, rest)
            case _:
                response = web.Response(status=404)
        if self.closing:
            response.force_close()
        return response

    async def _serve(self, page: str, name: str) -> web.Response:
        start = self._clock()
        await asyncio.sleep(self.behaviour.duration_s(start - self._started, self._dice))
        status, text = self._order(name) if page == "orders" else (200, "{}")
        self.counters.requests[str(status)].inc()
        self.counters.duration.observe(self._clock() - start)
        return web.Response(
            status=status, text=text, headers={VERSION_HEADER: self.behaviour.version}
        )

    def _order(self, order: str) -> tuple[int, str]:
        if not order:
            return 404, '{"error": "POST /orders/<id>"}'
        self._orders_seen += 1
        limit = self.behaviour.crash_after_orders
        if limit is not None and self._orders_seen > limit:
            sys.stderr.write(f"crash after {limit} orders\n")
            os._exit(1)
        faulty = self._faulty()
        if faulty and self.behaviour.fails(self._dice):
            return 500, '{"error": "the order could not be placed"}'
        if not (faulty and self.behaviour.loses(self._dice)):
            self._place(order)
            self.counters.orders.inc(self.behaviour.basket(self._dice))
        return 200, f'{{"order": "{order}"}}'

    def _faulty(self) -> bool:
        switch = self.behaviour.faulty_when
        return not switch or Path(switch).exists()

    def _metrics(self) -> web.Response:
        if self.dark:
            return web.Response(status=503, text="metrics are dark")
        return web.Response(body=self.counters.text(), content_type="text/plain")

    def _admin(self, request: web.BaseRequest, path: list[str]) -> web.Response:
        straight = "x-request-id" not in request.headers  # the gateway puts one on every request
        if (
            request.method != "POST"
            or not straight
            or path
            not in (
                ["metrics", "dark"],
                ["metrics", "lit"],
            )
        ):
            return web.Response(status=404)
        self.dark = path[1] == "dark"
        return web.Response(text="metrics are " + path[1])


def placed_book(folder: str, pod: str) -> Callable[[str], None]:
    """Appends the id of each placed order to the pod's book; without a folder, nowhere."""
    if not folder:
        return lambda order: None
    path = Path(folder) / f"placed-{pod}.log"
    book = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    return lambda order: _write(book, order)


def _write(book: int, order: str) -> None:
    os.write(book, f"{order}\n".encode())


async def serve(shop: Shop, host: str, port: int) -> None:
    """Serves until SIGTERM, then for the lame-duck time, then returns."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    # Longer than the gateway keeps an idle connection: the side that sends should be the one that
    # closes, or a request meets a closing connection.
    server = web.Server(shop.answer, access_log=None, keepalive_timeout=600.0)
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await asked_to_stop.wait()
        shop.closing = True
        await asyncio.sleep(shop.behaviour.lame_duck_s)
    finally:
        await runner.cleanup()


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Runs the shop; 1 when it was told to crash, 2 for a variable that makes no sense."""
    try:
        behaviour = behaviour_of(environment)
    except ValueError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if behaviour.crash_at_start:
        sys.stderr.write("crash at start\n")
        return 1
    pod = environment.get("POD_NAME", f"shop-{os.getpid()}")
    shop = Shop(behaviour, placed_book(environment.get("SHOP_LEDGER", ""), pod), Random(pod))
    host = environment.get("BLASTDOOR_BIND", "127.0.0.1")
    asyncio.run(serve(shop, host, int(environment.get("PORT", "8080"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
