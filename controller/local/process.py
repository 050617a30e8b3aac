"""A program of the local stack as a child process that cannot outlive us.

It answers: how is a program started on loopback on ports that are free, when is it ready, why did
it die, how is it stopped. It knows no particular program; the control plane, Prometheus and the
gateway use it.

Each child has a session of its own, so Ctrl-C reaches us alone and we stop the children in order;
if we are killed, the kernel kills them (`setpriv --pdeathsig`, where there is one). The signal goes
with the *thread* that started the child: start children from the thread of the event loop.
"""

import asyncio
import itertools
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

LOOPBACK = "127.0.0.1"
_LISTENING = range(10_000, 30_000)
_POLL_S = 0.05
_ANSWER_WITHIN_S = 2.0
_PORT_TRIES = 3
_TAIL_LINES = 15


class ProcessDiedError(Exception):
    """A program ended by itself or was not ready in time; the text has the end of its log."""


class PortTakenError(ProcessDiedError):
    """It ended because someone else took its port between our choice and its start."""


def free_ports(count: int, host: str = LOOPBACK) -> list[int]:
    """Ports that nobody listens on at the moment, all different.

    They lie below the ports that the kernel gives to outgoing connections, so that no client of
    another stack takes one between our choice and the program's start, or while a killed program
    is down and must come back where it was.
    """
    free = (port for port in random.sample(_LISTENING, len(_LISTENING)) if is_free(host, port))
    return list(itertools.islice(free, count))


def is_free(host: str, port: int) -> bool:
    """Whether nobody holds the port at the moment."""
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def on_free_ports(start: Callable[[], Awaitable[None]]) -> None:
    """Awaits `start`, which chooses its ports, anew while somebody is faster to one of them."""
    for tries_left in reversed(range(_PORT_TRIES)):
        try:
            return await start()
        except PortTakenError:
            if tries_left == 0:
                raise
    return None


async def answers_ok(
    address: str, *, tls: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
) -> bool:
    """Whether a health address says 200; `tls`: how far its certificate is trusted."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, ssl=tls or True, headers=headers) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


@dataclass
class Process:
    """One program: its command, its log, and the child while it runs."""

    name: str
    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _child: subprocess.Popen[bytes] | None = None  # belongs to no event loop, unlike asyncio's

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def returncode(self) -> int | None:
        """What it ended with, negative for a signal; None while it runs or once it was killed."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Starts the program; its output is appended to the log."""
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [*_dying_with_us(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | self.environment,
                start_new_session=True,
            )

    async def until_ready(self, ready: Callable[[], Awaitable[bool]], within_s: float) -> None:
        """Polls `ready`; raises with the end of the log when the program dies or time is up."""
        deadline = time.monotonic() + within_s
        while not await ready():
            self.raise_if_dead()
            if time.monotonic() >= deadline:
                late = f"{self.name} was not ready within {within_s:.0f} s"
                raise ProcessDiedError(f"{late}. Its log ends:\n{self.tail()}")
            await asyncio.sleep(_POLL_S)

    def raise_if_dead(self) -> None:
        """Raises with the end of the log if the program has ended."""
        if self._child is None or self._child.poll() is None:
            return
        tail = self.tail()
        kind = PortTakenError if "address already in use" in tail else ProcessDiedError
        raise kind(f"{self.name} ended with {self._child.returncode}. Its log ends:\n{tail}")

    async def stop(self, grace_s: float = 5.0) -> None:
        """SIGTERM to the whole group, SIGKILL after the grace; returns when it is gone."""
        if self._child is None:
            return
        _signal_group(self._child.pid, signal.SIGTERM)
        try:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._child.wait, grace_s)
        finally:
            self.kill()  # also when we are cancelled in the wait, and for children of the child

    def kill(self) -> None:
        """SIGKILL to the whole group, as a crash; returns when it is gone."""
        if self._child is not None:
            _signal_group(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._child = None

    def tail(self) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(no log)"
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line[:400] for line in lines[-_TAIL_LINES:])


def _dying_with_us() -> list[str]:
    """The prefix that asks the kernel to kill the child when we die; empty where there is none."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _signal_group(leader: int, number: signal.Signals) -> None:
    # The group may be gone, or only a zombie of it be left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
