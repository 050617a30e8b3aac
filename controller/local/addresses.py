"""The one place that maps a pod's address in the API to the loopback address of its process.

The API server refuses loopback addresses in EndpointSlices, so a pod is reported at 10.64.x.y while
its process listens on 127.64.x.y. The node agent allocates; the gateway, the scraper and Prometheus
(by relabelling) translate. Nothing here knows what a pod is.
"""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from typing import Final

POD_PREFIX: Final = "10.64."
PROCESS_PREFIX: Final = "127.64."
_BLOCKS: Final = range(1, 255)
_NODE_HOST: Final = 1
_POD_HOSTS: Final = range(2, 255)


class AddressesExhaustedError(Exception):
    """Every address of every block is in use on this machine."""


def process_address(pod_ip: str) -> str:
    """127.64.x.y for 10.64.x.y; any other address stays as it is."""
    if not pod_ip.startswith(POD_PREFIX):
        return pod_ip
    return PROCESS_PREFIX + pod_ip.removeprefix(POD_PREFIX)


class Addresses:
    """Hands out pod addresses of blocks that no other stack on this machine holds.

    A block is held by an abstract Unix socket, which the kernel lets go when we die however that
    happens. A freed address goes to the end of the queue, so that a late request for an old pod
    does not meet a new one.
    """

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._free: deque[str] = deque()
        self._claim_block()
        self.node_ip = self._block_address(_NODE_HOST)

    def allocate(self) -> str:
        """A pod address that is in use nowhere."""
        if not self._free:
            self._claim_block()
        return self._free.popleft()

    def release(self, pod_ip: str) -> None:
        """Gives an allocated address back."""
        self._free.append(pod_ip)

    def close(self) -> None:
        """Lets all blocks go."""
        while self._claims:
            self._claims.pop().close()
        self._free.clear()

    def _claim_block(self) -> None:
        for block in _BLOCKS:
            claim = socket.socket(socket.AF_UNIX)
            with suppress(OSError):
                claim.bind(f"\0blastdoor-pods-{block}")
                self._claims.append(claim)
                self._block = block
                self._free.extend(self._block_address(host) for host in _POD_HOSTS)
                return
            claim.close()
        raise AddressesExhaustedError(f"all {len(_BLOCKS)} blocks of {POD_PREFIX}x.y are in use")

    def _block_address(self, host: int) -> str:
        return f"{POD_PREFIX}{self._block}.{host}"
