"""A closed pool leaves no socket behind, whatever its connections were doing.

The peer speaks TLS without a certificate, which only a test may do.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from controller.kube import settings
from controller.kube.sockets import Connector


def anonymous(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


TRUST = anonymous(ssl.PROTOCOL_TLS_CLIENT)


def open_to(port: int) -> list[socket.socket]:
    """The sockets of this process whose peer is the server."""
    found = []
    for one in gc.get_objects():
        if isinstance(one, socket.socket) and one.fileno() >= 0:
            with contextlib.suppress(OSError):
                if one.getpeername()[1:] == (port,):
                    found.append(one)
    return found


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """Of a server that ends its answer to a POST, and no other."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            return web.Response(text="so far, so good")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"so far")
        await asyncio.Event().wait()
        return response

    runner = web.ServerRunner(web.Server(answer, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=anonymous(ssl.PROTOCOL_TLS_SERVER))
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def pool() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=Connector(limit=0))


async def test_an_answer_left_in_the_middle(port: int) -> None:
    async with pool() as session, session.get(f"https://127.0.0.1:{port}/", ssl=TRUST) as response:
        assert await response.content.read(2) == b"so"
    assert open_to(port) == []


@pytest.mark.parametrize("steps", range(0, 40, 2))
async def test_a_call_cancelled_at_any_step(port: int, steps: int) -> None:
    """From before the connection over the handshake to the wait for the rest."""

    async def call() -> None:
        async with session.get(f"https://127.0.0.1:{port}/", ssl=TRUST) as response:
            await response.read()

    async with pool() as session:
        calling = asyncio.create_task(call())
        for _ in range(steps):
            await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    assert open_to(port) == []


async def test_a_connection_kept_for_later(port: int) -> None:
    async with pool() as session:
        async with session.post(f"https://127.0.0.1:{port}/", ssl=TRUST) as response:
            await response.read()
        assert len(open_to(port)) == 1
    assert open_to(port) == []


async def test_a_peer_that_went_without_a_word_is_noticed_by_the_kernel(port: int) -> None:
    """What the kernel does with it no test here can show: the loopback never drops a packet."""
    asked = {
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): settings.PROBE_AFTER_S,
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): settings.PROBE_EVERY_S,
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): settings.PROBES,
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): settings.HALF_OPEN_S * 1000,
    }
    async with pool() as session, session.get(f"https://127.0.0.1:{port}/", ssl=TRUST):
        (used,) = open_to(port)
        assert {option: used.getsockopt(*option) for option in asked} == asked


async def test_a_pool_that_was_never_used_closes_at_once() -> None:
    await Connector(limit=1).close()
