"""A `/metrics` page on loopback, and a Prometheus that reads it, for as long as a test needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from controller.local.process import LOOPBACK, free_ports
from controller.local.prometheus import Prometheus, static


@asynccontextmanager
async def served_metrics(
    page: Callable[[web.Request], Awaitable[web.Response]], host: str = LOOPBACK
) -> AsyncIterator[int]:
    """The port on which `page` answers `GET /metrics`."""
    app = web.Application()
    app.router.add_get("/metrics", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_ports(1, host)[0]
    await web.TCPSite(runner, host, port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


@asynccontextmanager
async def prometheus_of(
    page: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[Prometheus]:
    """A real Prometheus that reads `page` twice a second."""
    async with (
        served_metrics(page) as port,
        Prometheus([static("shop", [f"{LOOPBACK}:{port}"])], 0.5) as prometheus,
    ):
        yield prometheus
