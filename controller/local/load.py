"""Shoppers: open-loop HTTP load with a fixed seed that writes down every order that it tries.

Arrivals are a Poisson process: a slow shop does not slow shoppers down. A shopper may look first
(GET /session/<id>) and order after an exponential delay (POST /orders/<id>). Nothing is retried. It
is bounded in time and in requests in flight; what it cannot send it writes down as unsent.

    blastdoor's own process:   await Load(url, rate=300, seed=7, folder=...).run(10.0)
    a process of its own:      python -m controller.local.load --url ... --rate 300 --ledger DIR

`LoadProcess` in `load_process` runs the second, so that the load takes no time of the operator's
event loop. It knows nothing of Kubernetes or of the gateway; `ledger` says what the lines mean.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final, TextIO

import aiohttp

from controller.local.ledger import NO_VERSION, TIMED_OUT, UNREACHABLE, UNSENT, Attempt
from controller.local.shop import VERSION_HEADER

MAX_IN_FLIGHT: Final = 1000
TIMEOUT_S: Final = 5.0


def unix_now() -> float:
    """Unix time."""
    return datetime.now(UTC).timestamp()


class Load:
    """Shoppers who arrive at `rate` a second at `url`; each attempt is a line in the ledger."""

    def __init__(
        self,
        url: str,
        rate: float,
        seed: int = 1,
        *,
        folder: Path,
        run_name: str = "",
        session_delay_s: float = 0.0,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], float] = unix_now,
    ) -> None:
        self.url, self.rate = url.rstrip("/"), rate
        self.run_name = run_name or f"{seed}"
        self._dice, self._session_delay_s = Random(seed), session_delay_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._file = folder / f"tried-{self.run_name}.log"
        # One reading of the wall clock; the rest is monotonic, so that a jump moves no order.
        self._epoch = now() - time.monotonic()
        self._stop = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Ends the arrivals; those under way are finished."""
        self._stop.set()

    async def run(self, duration_s: float | None = None) -> None:
        """Sends shoppers for so long, or until `stop`; returns when the last has its answer."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
        with self._file.open("a", buffering=1) as lines:
            async with aiohttp.ClientSession(connector=connector, timeout=self._timeout) as session:
                try:
                    await self._arrivals(session, lines, duration_s)
                    await asyncio.gather(*self._in_flight)
                finally:
                    for task in self._in_flight:
                        task.cancel()

    async def _arrivals(
        self, session: aiohttp.ClientSession, lines: TextIO, duration_s: float | None
    ) -> None:
        due, count = time.monotonic(), 0
        end = due + duration_s if duration_s is not None else float("inf")
        while (due := due + self._dice.expovariate(self.rate)) < end:
            if await self._stopped_before(due):
                return
            count += 1
            order = f"{self.run_name}-{count}"
            if len(self._in_flight) >= MAX_IN_FLIGHT:
                _write(lines, Attempt(self._epoch + due, order, UNSENT))
                continue
            delay_s = self._dice.expovariate(1.0) * self._session_delay_s
            task = asyncio.create_task(self._shopper(session, lines, order, delay_s))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _stopped_before(self, due: float) -> bool:
        """Waits until `due`; late arrivals are sent at once, as open loop asks."""
        wait_s = due - time.monotonic()
        if wait_s > 0.0:
            await asyncio.sleep(wait_s)
        return self._stop.is_set()

    async def _shopper(
        self, session: aiohttp.ClientSession, lines: TextIO, order: str, delay_s: float
    ) -> None:
        if self._session_delay_s:
            looked = await self._send(session, "GET", f"/session/{order}", order)
            if looked.failed:
                return _write(lines, looked)  # who cannot look does not order: tried, and lost
            await asyncio.sleep(delay_s)
        return _write(lines, await self._send(session, "POST", f"/orders/{order}", order))

    async def _send(
        self, session: aiohttp.ClientSession, method: str, path: str, order: str
    ) -> Attempt:
        start = time.monotonic()
        status, version = UNREACHABLE, NO_VERSION
        try:
            async with session.request(method, self.url + path) as response:
                await response.read()
                status = response.status
                version = response.headers.get(VERSION_HEADER, NO_VERSION)
        except TimeoutError:
            status = TIMED_OUT
        except (aiohttp.ClientError, OSError):
            status = UNREACHABLE
        latency_ms = 1000.0 * (time.monotonic() - start)
        return Attempt(self._epoch + start, order, status, version, latency_ms)


def _write(lines: TextIO, attempt: Attempt) -> None:
    lines.write(attempt.line() + "\n")


async def _main(arguments: argparse.Namespace) -> None:
    load = Load(
        arguments.url,
        arguments.rate,
        arguments.seed,
        folder=arguments.ledger,
        run_name=arguments.run,
        session_delay_s=arguments.session_delay,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, load.stop)
    await load.run(arguments.seconds)


def parser() -> argparse.ArgumentParser:
    """The command line of the load generator."""
    command = argparse.ArgumentParser(prog="python -m controller.local.load", description=__doc__)
    command.add_argument("--url", required=True, help="where the shop is served")
    command.add_argument("--rate", type=float, default=100.0, help="shoppers a second")
    command.add_argument("--seconds", type=float, help="how long; without it until SIGTERM")
    command.add_argument("--seed", type=int, default=1, help="of arrivals and delays")
    command.add_argument("--run", default="", help="name of this run, the prefix of its order ids")
    command.add_argument("--ledger", type=Path, required=True, help="folder of the true ledger")
    command.add_argument(
        "--session-delay", type=float, default=0.0, help="mean seconds from look to order"
    )
    return command


if __name__ == "__main__":
    asyncio.run(_main(parser().parse_args()))
    sys.exit(0)
