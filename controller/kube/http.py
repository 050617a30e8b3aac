"""One HTTP conversation with an API server: a request value in, an answer or a stream out.

Owns the aiohttp sessions and the credentials. Every wait has a deadline; what is no answer becomes
`Unreachable`. It retries only one thing, a 401 with freshly loaded credentials, and judges no
status: that is `client`'s part. Nothing else of the product opens a socket to an API server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from controller.kube import settings, traffic
from controller.kube.config import ConfigError, Connection, Source
from controller.kube.port import Unreachable
from controller.kube.requests import Request
from controller.kube.sockets import Connector

AGENT = "blastdoor"
_NO_LIMIT = 0


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes
    retry_after: str | None = None


class Http:
    """The sessions with one API server; `close` it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """By whether answers are read whole: streams have connections of their own, as those that
        stay open must leave enough for calls, a lease's renewal among them."""
        self._connection: Connection | None = None
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()

    async def close(self) -> None:
        """Closes all connections; running streams end with Unreachable."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def send(self, request: Request, deadline_s: float) -> Answer:
        """One request and its whole answer; raises Unreachable when none comes in time."""
        async with self._answered(request, deadline_s, whole=True) as response:
            # The body was read under the deadline already.
            body = await response.read()
            return Answer(response.status, body, response.headers.get("Retry-After"))

    @contextlib.asynccontextmanager
    async def stream(
        self, request: Request, deadline_s: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A request whose answer is read bit by bit; the deadline is for its first byte."""
        async with self._answered(request, deadline_s, whole=False) as response:
            yield response

    @contextlib.asynccontextmanager
    async def _answered(
        self, request: Request, deadline_s: float, *, whole: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        used = self._connection
        response = await self._exchange(request, deadline_s, whole=whole)
        if response.status == 401 and await self._renewed(used, request, deadline_s):
            response.close()
            response = await self._exchange(request, deadline_s, whole=whole)
        try:
            yield response
        finally:
            # An unread stream cannot go back to the pool; a read answer has gone there already.
            response.close()

    async def _exchange(
        self, request: Request, deadline_s: float, *, whole: bool
    ) -> aiohttp.ClientResponse:
        """Sends once, and waits for the headers, or for the whole body."""
        began = asyncio.get_running_loop().time()
        status = 0
        try:
            async with asyncio.timeout(deadline_s):
                response = await self._request(request, whole=whole)
                if whole:
                    await response.read()
            status = response.status
            return response
        except ConfigError as error:
            raise Unreachable(0, "NoConfiguration", str(error), what=request.what) from error
        except TimeoutError as error:
            raise unreachable(request, f"no answer within {deadline_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(request, str(error) or type(error).__name__) from error
        finally:
            took = asyncio.get_running_loop().time() - began
            traffic.count(request.verb, request.resource, status, took)

    async def _request(self, request: Request, *, whole: bool) -> aiohttp.ClientResponse:
        connection = await self._connect()
        if whole not in self._sessions:
            self._sessions[whole] = _new_session(settings.CONNECTIONS if whole else _NO_LIMIT)
        headers = list(connection.headers)
        if request.content_type:
            headers.append(("Content-Type", request.content_type))
        if authorization := connection.authorization():
            headers.append(("Authorization", authorization))
        return await self._sessions[whole].request(
            request.method,
            connection.url + request.path,
            params=request.query,
            data=request.body or None,
            headers=headers,
            ssl=connection.tls if connection.tls is not None else True,
            proxy=connection.proxy or None,
            server_hostname=connection.server_name or None,
            allow_redirects=False,
        )

    async def _connect(self) -> Connection:
        async with self._loading:
            if self._connection is None:
                await self._load()
            assert self._connection is not None
            return self._connection

    async def _renewed(self, used: Connection | None, request: Request, deadline_s: float) -> bool:
        """Whether other credentials than those just refused are at hand, loaded now if need be."""
        try:
            async with asyncio.timeout(deadline_s), self._loading:
                if used is not None and self._connection is not used:
                    return True  # Another call renewed them meanwhile.
                now = asyncio.get_running_loop().time()
                if now < self._loaded_at + settings.RELOAD_INTERVAL_S:
                    return False
                await self._load()
                return True
        except ConfigError as error:
            raise Unreachable(0, "NoConfiguration", str(error), what=request.what) from error
        except TimeoutError as error:
            why = f"no credentials within {deadline_s:g} s"
            raise Unreachable(0, "NoConfiguration", why, what=request.what) from error

    async def _load(self) -> None:
        self._loaded_at = asyncio.get_running_loop().time()
        self._connection = await self._source.load()


def unreachable(request: Request, why: str) -> Unreachable:
    """No answer. After a write that leaves open whether it was done: look before writing again."""
    if not request.reads:
        why += "; whether it was done is unknown"
    return Unreachable(0, "Unreachable", why, what=request.what)


def _new_session(limit: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=Connector(limit=limit, keep_alive_s=settings.KEEP_ALIVE_S),
        # Deadlines are set around each call on loop time; only connecting has one of its own.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.CONNECT_DEADLINE_S),
        headers={
            "User-Agent": AGENT,
            "Accept": "application/json",
            # Within a cluster bytes are cheaper than the time to pack and unpack them.
            "Accept-Encoding": "identity",
        },
        cookie_jar=aiohttp.DummyCookieJar(),
    )
