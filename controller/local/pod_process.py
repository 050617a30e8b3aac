"""The process of one pod: started, awaited without a thread, ended with a grace period.

It knows a command and an environment, nothing of pods' status or of the API. Called by
`pod_runner`. That no process outlives us is the work of `process`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from controller.local.process import Process


class PodProcess:
    """One run of a container's command; a restart is a new one."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        # `python` in a pod's command means the one that runs us, which has the shop's packages.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self._process = Process(name, command, log, {"PATH": path, **environment})

    def start(self) -> None:
        """Starts it, in a process group of its own."""
        self._process.start()

    async def exited(self) -> int:
        """Waits for its end; the exit code, negative for a signal."""
        pid = self._process.pid
        if pid is not None:
            await _gone(pid)
        return self._process.returncode or 0

    async def end(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL to the whole group after the grace; returns when it is gone."""
        pid = self._process.pid
        try:
            if pid is not None and grace_s > 0.0:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGTERM)
                with suppress(TimeoutError):
                    async with asyncio.timeout(grace_s):
                        await self.exited()
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, at once."""
        self._process.kill()

    def tail(self) -> str:
        """The end of its log."""
        return self._process.tail()


async def _gone(pid: int) -> None:
    """Waits until a child has ended. A descriptor of the kernel: no thread, no polling."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
