"""A stream on its way through the fault proxy: passed on, cut, torn in a line, or silenced.

Used by `faults` alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto

import aiohttp
from aiohttp import web


class Mode(Enum):
    OPEN = auto()
    CUT = auto()
    TORN = auto()
    SILENT = auto()


@dataclass
class Stream:
    path: str
    mode: Mode = Mode.OPEN
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def turn(self, mode: Mode) -> None:
        self.mode = mode
        self.changed.set()


async def relay(
    request: web.BaseRequest,
    response: web.StreamResponse,
    upstream: aiohttp.ClientResponse,
    stream: Stream,
) -> None:
    """Passes chunks on until the stream ends or its mode says otherwise."""
    while True:
        chunk = await _next_chunk(upstream, stream)
        match stream.mode:
            case Mode.OPEN:
                if not chunk:
                    return
                await response.write(chunk)
            case Mode.CUT:
                hang_up(request)
                return
            case Mode.SILENT:
                await asyncio.Event().wait()
            case Mode.TORN:
                if chunk:
                    await response.write(chunk[: len(chunk) // 2])
                if chunk or upstream.content.at_eof():
                    return


async def _next_chunk(upstream: aiohttp.ClientResponse, stream: Stream) -> bytes:
    """The next bytes; empty at the end, or when the mode changed while nothing came."""
    if stream.mode is Mode.TORN:
        return await upstream.content.readany()
    reading = asyncio.ensure_future(upstream.content.readany())
    changing = asyncio.ensure_future(stream.changed.wait())
    try:
        await asyncio.wait({reading, changing}, return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else b""
    finally:
        for task in (reading, changing):
            task.cancel()
        await asyncio.gather(reading, changing, return_exceptions=True)


def hang_up(request: web.BaseRequest) -> web.Response:
    """Ends the connection without a word; the response is for the server's books only."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
