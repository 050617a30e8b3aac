"""What the runtime lends to metric plug-ins: sockets, threads and clients, all owned here.

A plug-in stays a few functions because this file opens and closes everything for it. It must not
know what a plug-in does with them. Called by the manager, the sampler's tests and the demo.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from controller.kube.sockets import Connector
from controller.metrics.port import Tools
from controller.runtime.threads import Threads

CONCURRENT_READS = 256
"""Of pods, over all releases; one look takes a small part of them (`metrics.pod_pages`)."""


def same(address: str) -> str:
    """A pod is reached at its own IP."""
    return address


@asynccontextmanager
async def lend_tools(address: Callable[[str], str] = same) -> AsyncIterator[Tools]:
    """Tools until the block ends. `address` maps a pod's IP to where it is reached."""
    threads = Threads()
    clients: dict[str, Any] = {}

    def kept(key: str, make: Callable[[], Any]) -> Any:
        if key not in clients:
            clients[key] = make()
        return clients[key]

    connector = Connector(limit=CONCURRENT_READS, limit_per_host=2)
    try:
        async with aiohttp.ClientSession(connector=connector, auto_decompress=True) as http:
            yield Tools(http, threads.run, kept, asyncio.Semaphore(CONCURRENT_READS), address)
    finally:
        threads.close()
        for client in clients.values():
            if hasattr(client, "close"):
                client.close()
