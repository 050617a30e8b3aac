"""A scripted API server on loopback, and a scripted cluster for what needs no socket.

`server` answers over real HTTP with what a test has queued; `ScriptedCluster` plays lists and
watches in virtual time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web

from controller.api.k8s import ConfigMap
from controller.api.meta import ObjectMeta
from controller.kube.client import ApiServer
from controller.kube.config import Direct
from controller.kube.memory import MemoryCluster
from controller.kube.port import ApiError, Malformed, Page, WatchEvent
from tests.unit.controller.kube import memory

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class ScriptedServer:
    """Answers requests in the order of the script; without a script with an empty list."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self._script: deque[Respond] = deque()
        self._always: Respond | None = None

    def answers(
        self, *, status: int = 200, body: Any = None, times: int = 1, **headers: str
    ) -> None:
        """The next `times` answers; a header's name is written with underscores."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body or {})
        named = {key.replace("_", "-"): value for key, value in headers.items()}

        async def respond(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=raw, headers=named)

        self._script.extend([respond] * times)

    def refuses(self, code: int, reason: str = "", *, times: int = 1, **headers: str) -> None:
        """A Status, as the API server says no."""
        body = {"kind": "Status", "code": code, "reason": reason, "message": f"says {reason}"}
        self.answers(status=code, body=body, times=times, **headers)

    def responds(self, respond: Respond) -> None:
        """The next answer is made by a function."""
        self._script.append(respond)

    def hangs_up(self, *, times: int = 1) -> None:
        """Closes the connection in place of an answer."""

        async def respond(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        self._script.extend([respond] * times)

    def streams(self, *chunks: bytes, then: str = "end") -> None:
        """A watch: chunks, then `end` (clean), `silence`, or `cut` (connection lost)."""

        async def respond(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            for chunk in chunks:
                await response.write(chunk)
            if then == "silence":
                await asyncio.Event().wait()
            if then == "cut":
                assert request.transport is not None
                request.transport.close()
            return response

        self._script.append(respond)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                body,
            )
        )
        if self._script:
            return await self._script.popleft()(request)
        return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})


@pytest.fixture
def cluster() -> MemoryCluster:
    return memory.empty()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A scripted API server."""
    scripted = ScriptedServer()
    # Zero would mean for ever: handlers that never answer are part of the script.
    runner = web.ServerRunner(web.Server(scripted.answer), shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    scripted.url = f"http://{host}:{port}"
    yield scripted
    await runner.cleanup()


@pytest.fixture
async def api(server: ScriptedServer) -> AsyncIterator[ApiServer]:
    """A client of the scripted server whose waits have no random part."""
    async with ApiServer(Direct(server.url, token="secret"), jitter=lambda: 0.0) as client:
        yield client


# -- without a socket --------------------------------------------------------------------------


def config_map(name: str, version: int, *, uid: str = "", **labels: str) -> ConfigMap:
    """A ConfigMap in namespace `shop` at a version."""
    return ConfigMap(
        metadata=ObjectMeta(
            name=name,
            namespace="shop",
            uid=uid or f"uid-{name}",
            resource_version=str(version),
            labels=labels,
        )
    )


def added(item: ConfigMap | Malformed) -> WatchEvent[ConfigMap]:
    return WatchEvent("ADDED", item, item.metadata.resource_version)


def modified(item: ConfigMap | Malformed) -> WatchEvent[ConfigMap]:
    return WatchEvent("MODIFIED", item, item.metadata.resource_version)


def deleted(item: ConfigMap | Malformed) -> WatchEvent[ConfigMap]:
    return WatchEvent("DELETED", item, item.metadata.resource_version)


def bookmark(version: int) -> WatchEvent[ConfigMap]:
    return WatchEvent("BOOKMARK", None, str(version))


@dataclass
class ScriptedCluster:
    """Plays queued lists and watches. A watch ends after its events, raises, or stays open."""

    lists: deque[Page[Any] | ApiError] = field(default_factory=deque)
    watches: deque[list[WatchEvent[Any] | ApiError | float]] = field(default_factory=deque)
    calls: list[tuple[float, str]] = field(default_factory=list)
    """Loop time and what was asked: `list`, `list page`, `watch 7`."""

    def _note(self, what: str) -> None:
        self.calls.append((asyncio.get_running_loop().time(), what))

    async def list_page(
        self,
        resource: Any,
        namespace: str = "",
        *,
        label_selector: str = "",
        limit: int = 500,
        page: str = "",
    ) -> Page[Any]:
        self._note(f"list {page}".rstrip())
        got = self.lists.popleft() if len(self.lists) > 1 else self.lists[0]
        if isinstance(got, ApiError):
            raise got
        return got

    async def watch(
        self,
        resource: Any,
        namespace: str = "",
        *,
        since: str,
        label_selector: str = "",
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[WatchEvent[Any]]:
        self._note(f"watch {since}")
        steps = self.watches.popleft() if self.watches else None
        if opened is not None and not (steps and isinstance(steps[0], ApiError)):
            opened()
        if steps is None:
            await asyncio.Event().wait()
        for step in steps or ():
            if isinstance(step, ApiError):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step

    @property
    def said(self) -> list[str]:
        return [what for _, what in self.calls]
