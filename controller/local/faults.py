"""A proxy that lets the network and the server be at their worst, on order.

    async with FaultProxy(connection) as proxy:
        proxy.order(Refuse(500), verb="watch", times=3)
        client = ApiServer(Direct(proxy.url))

It stands between the operator and an API server, or the operator and Prometheus, speaks plain HTTP
on loopback and adds the connection's credentials to requests without any. Open streams can be cut,
torn in the middle of a line, or fall silent. For tests, benchmarks and the demo; never in a product
deployment. Nothing is faulty until something is ordered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, assert_never

import aiohttp
import msgspec
from aiohttp import web

from controller.kube.config import Connection
from controller.kube.sockets import Connector
from controller.local.fault_kinds import (
    Delay,
    Drop,
    Fault,
    Hang,
    Page,
    Passed,
    Refuse,
    Slow,
    verb_of,
)
from controller.local.fault_streams import Mode, Stream, hang_up, relay

__all__ = ["Delay", "Drop", "FaultProxy", "Hang", "Page", "Refuse", "Slow"]

_HOP_BY_HOP: Final = frozenset(
    {"connection", "host", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
)
_CLOSING_S: Final = 0.1
"""Handlers that hang are part of the order, so the end waits no longer for them."""


@dataclass
class _Order:
    fault: Fault
    verb: str
    path: str
    times: int

    def meets(self, verb: str, path: str) -> bool:
        return self.times != 0 and self.verb in ("", verb) and self.path in path


class FaultProxy:
    """One proxy before one server; an async context manager."""

    def __init__(self, before: Connection) -> None:
        self._upstream = before
        self._orders: list[_Order] = []
        self._streams: list[Stream] = []
        self.passed: list[Passed] = []
        """Every request that has ended, in that order."""
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=Connector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        self._runner = web.ServerRunner(
            web.Server(self._answer, handler_cancellation=True), shutdown_timeout=_CLOSING_S
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
        await self._session.close()

    # -- orders --------------------------------------------------------------------------------

    def order(self, fault: Fault, *, verb: str = "", path: str = "", times: int = 1) -> None:
        """The next `times` requests of a verb (get, list, watch, create, patch, delete; empty: any)
        whose path contains `path` meet this fault; -1: until `clear`."""
        self._orders.append(_Order(fault, verb, path, times))

    def clear(self) -> None:
        """No order is open any more; streams stay what they have become."""
        self._orders.clear()

    def cut_streams(self, path: str = "") -> None:
        """Open streams lose their connection."""
        self._turn(Mode.CUT, path)

    def tear_streams(self, path: str = "") -> None:
        """Open streams end, cleanly to HTTP, in the middle of their next line."""
        self._turn(Mode.TORN, path)

    def silence_streams(self, path: str = "") -> None:
        """Open streams stay open and say nothing more."""
        self._turn(Mode.SILENT, path)

    @property
    def open_streams(self) -> int:
        """Watches that are running through the proxy."""
        return len(self._streams)

    def _turn(self, mode: Mode, path: str) -> None:
        for stream in self._streams:
            if path in stream.path:
                stream.turn(mode)

    # -- one request ---------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        verb = verb_of(request.method, request.path, request.query)
        status = 0
        at = asyncio.get_running_loop().time()
        try:
            response = await self._meet(request, verb)
            if request.transport is not None and not request.transport.is_closing():
                status = response.status
            return response
        finally:
            self.passed.append(Passed(at, verb, request.path, dict(request.query), status))

    async def _meet(self, request: web.BaseRequest, verb: str) -> web.StreamResponse:
        """What was ordered, then the server's own answer."""
        bytes_per_s = 0.0
        lost = False
        for fault in self._due(verb, request.path):
            match fault:
                case Refuse():
                    return _refusal(fault)
                case Page():
                    return web.Response(status=fault.status, body=fault.body)
                case Drop(after=False):
                    return hang_up(request)
                case Drop():
                    lost = True
                case Delay():
                    await asyncio.sleep(fault.seconds)
                case Hang():
                    await asyncio.Event().wait()
                case Slow():
                    bytes_per_s = fault.bytes_per_s
                case other:
                    assert_never(other)
        async with self._forwarded(request) as upstream:
            if lost:
                await upstream.read()
                return hang_up(request)
            if verb == "watch" and upstream.status == 200:
                return await self._stream(request, upstream)
            return await _whole(request, upstream, bytes_per_s)

    def _due(self, verb: str, path: str) -> list[Fault]:
        met = [order for order in self._orders if order.meets(verb, path)]
        for order in met:
            order.times -= 1 if order.times > 0 else 0
        return [order.fault for order in met]

    @contextlib.asynccontextmanager
    async def _forwarded(self, request: web.BaseRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_BY_HOP
        ]
        if "Authorization" not in request.headers:
            headers.extend(self._upstream.headers)
            if authorization := self._upstream.authorization():
                headers.append(("Authorization", authorization))
        async with self._session.request(
            request.method,
            f"{self._upstream.url}{request.path_qs}",
            data=await request.read() or None,
            headers=headers,
            ssl=self._upstream.tls if self._upstream.tls is not None else True,
            server_hostname=self._upstream.server_name or None,
            allow_redirects=False,
        ) as response:
            yield response

    async def _stream(
        self, request: web.BaseRequest, upstream: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=_passed_on(upstream))
        await response.prepare(request)
        stream = Stream(request.path)
        self._streams.append(stream)
        try:
            await relay(request, response, upstream, stream)
        finally:
            self._streams.remove(stream)
        return response


async def _whole(
    request: web.BaseRequest, upstream: aiohttp.ClientResponse, bytes_per_s: float
) -> web.StreamResponse:
    body = await upstream.read()
    if not bytes_per_s:
        return web.Response(status=upstream.status, headers=_passed_on(upstream), body=body)
    response = web.StreamResponse(status=upstream.status, headers=_passed_on(upstream))
    await response.prepare(request)
    step = max(1, round(bytes_per_s / 10))
    for at in range(0, len(body), step):
        await response.write(body[at : at + step])
        await asyncio.sleep(0.1)
    return response


def _refusal(fault: Refuse) -> web.Response:
    said = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": fault.status,
        "reason": fault.reason,
        "message": "refused by order of a test",
    }
    headers = {"Content-Type": "application/json"}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    return web.Response(status=fault.status, headers=headers, body=msgspec.json.encode(said))


def _passed_on(upstream: aiohttp.ClientResponse) -> dict[str, str]:
    return {
        name: value for name, value in upstream.headers.items() if name.lower() not in _HOP_BY_HOP
    }
