"""One watch connection: lines in, events out, until the server ends it or it breaks.

It knows one connection only: going on from the last version, listing again after Gone and waiting
between tries is `reflector`'s part. A line cut in the middle, an unreadable line and a silent
stream are all the same to the caller: a broken stream, Unreachable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import aiohttp

from controller.api.meta import Object
from controller.api.resources import Resource
from controller.kube import errors, settings
from controller.kube.decoding import Undecodable, decode_line
from controller.kube.http import Http
from controller.kube.port import Unreachable, WatchEvent
from controller.kube.requests import Request

T = TypeVar("T", bound=Object)


async def watch(
    http: Http,
    resource: Resource[T],
    request: Request,
    idle_s: float,
    opened: Callable[[], None] | None = None,
) -> AsyncIterator[WatchEvent[T]]:
    """The events of one connection; see `Cluster.watch` for what it raises."""
    async with http.stream(request, settings.READ_DEADLINE_S) as response:
        if response.status != 200:
            raise await _refusal(response, request)
        if opened is not None:
            opened()
        async for line in _lines(response, request, idle_s):
            try:
                yield decode_line(resource, line, what=request.what)
            except Undecodable as error:
                raise _broken(request, f"unreadable line: {error}") from error


async def _lines(
    response: aiohttp.ClientResponse, request: Request, idle_s: float
) -> AsyncIterator[bytes]:
    """Whole lines of any length: an object may be megabytes, aiohttp's line reader stops short."""
    begun: list[bytes] = []
    while chunk := await _next_bytes(response, request, idle_s):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            line = b"".join((*begun, part))
            begun.clear()
            if line.strip():
                yield line
        if rest:
            begun.append(rest)
    if begun:
        raise _broken(request, "the stream ended in the middle of a line")


async def _next_bytes(response: aiohttp.ClientResponse, request: Request, idle_s: float) -> bytes:
    """What came, or nothing at the end of the stream."""
    try:
        async with asyncio.timeout(idle_s):
            return await response.content.readany()
    except TimeoutError as error:
        why = f"no byte for {idle_s:g} s, not even a bookmark"
        raise Unreachable(0, errors.IDLE_STREAM, why, what=request.what) from error
    except (aiohttp.ClientError, OSError) as error:
        raise _broken(request, f"the stream broke: {error or type(error).__name__}") from error


async def _refusal(response: aiohttp.ClientResponse, request: Request) -> Exception:
    body = b""
    try:
        async with asyncio.timeout(settings.READ_DEADLINE_S):
            body = await response.read()
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # The status alone says enough.
    wait = errors.retry_after(response.headers.get("Retry-After"))
    return errors.error_of(response.status, body, what=request.what, retry_after_s=wait)


def _broken(request: Request, why: str) -> Unreachable:
    return Unreachable(0, "BrokenStream", why, what=request.what)
