"""A pool of connections that is closed when its sockets are.

aiohttp's own pool forgets a TLS connection whose call was cancelled as soon as it has begun to say
farewell to the peer. Whoever closes such a pool and then leaves its event loop leaves the socket
open, until a garbage collection complains about it in somebody else's time. And it waits for ever
on a peer that has gone without a word. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from weakref import WeakSet

import aiohttp

from controller.kube import settings

_TURNS = 100
"""Of the event loop, at most, until every transport has read its end; a few are enough."""


class Connector(aiohttp.TCPConnector):
    """A `TCPConnector` that keeps sight of its sockets; for at most `limit` at once (0: any)."""

    def __init__(self, *, limit: int, limit_per_host: int = 0, keep_alive_s: float = 15.0) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        super().__init__(
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=keep_alive_s,
            socket_factory=self._open,
        )

    def _open(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family=family, type=kind, proto=protocol)
        _probe_when_silent(made)
        self._sockets.add(made)
        return made

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Closes every connection, also those in the middle of a handshake or a farewell."""
        await super().close(abort_ssl=abort_ssl)
        for one in self._open_sockets():
            # Its transport reads this as the peer's end, whatever it was waiting for.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for _ in range(_TURNS):
            if not self._open_sockets():
                break
            await asyncio.sleep(0)

    def _open_sockets(self) -> list[socket.socket]:
        return [one for one in self._sockets if one.fileno() >= 0]


def _probe_when_silent(one: socket.socket) -> None:
    """A probe is one empty packet that the peer's kernel answers, not its program."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", settings.PROBE_AFTER_S),
        ("TCP_KEEPINTVL", settings.PROBE_EVERY_S),
        ("TCP_KEEPCNT", settings.PROBES),
        # Sent and never acknowledged: without it the kernel sends it anew for 15 minutes.
        ("TCP_USER_TIMEOUT", settings.HALF_OPEN_S * 1000),
    ):
        # The commands run on a laptop too, whose system may not know them all.
        if (known := getattr(socket, option, None)) is not None:
            one.setsockopt(socket.IPPROTO_TCP, known, value)
