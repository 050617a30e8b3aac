"""Readiness of a pod, asked of its process over HTTP.

The probe is the container's own; only its rhythm is faster than a real node's (a server fills in
10 s where nothing is said, and a demo has no time for that): often until the first success, then at
least every half second. Without a probe a running container is ready, as on a real node. It knows
nothing of status. Called by `pod_runner`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import aiohttp

from controller.api.k8s import Container

PERIOD_S: Final = 0.5
EAGER_PERIOD_S: Final = 0.1
DEFAULT_PORT: Final = 8080


@dataclass(frozen=True)
class Probe:
    """A readiness probe over HTTP, times in seconds."""

    path: str
    port: int
    initial_delay_s: float = 0.0
    period_s: float = PERIOD_S
    timeout_s: float = 1.0
    failures_allowed: int = 3
    successes_needed: int = 1


def port_of(container: Container) -> int:
    """The port that the container's process is told to listen on: its first one."""
    return container.ports[0].container_port if container.ports else DEFAULT_PORT


def probe_of(container: Container) -> Probe | None:
    """The container's HTTP probe; None when it has none (others are not asked)."""
    spec = container.readiness_probe or {}
    get = spec.get("httpGet")
    if get is None:
        return None
    return Probe(
        path=get.get("path") or "/",
        port=_number(get.get("port", 0), container),
        initial_delay_s=float(spec.get("initialDelaySeconds", 0)),
        period_s=min(float(spec.get("periodSeconds", PERIOD_S)), PERIOD_S),
        timeout_s=float(spec.get("timeoutSeconds", 1)),
        failures_allowed=int(spec.get("failureThreshold", 3)),
        successes_needed=int(spec.get("successThreshold", 1)),
    )


def _number(port: int | str, container: Container) -> int:
    named = {one.name: one.container_port for one in container.ports if one.name}
    if isinstance(port, str):
        return named.get(port, port_of(container))
    return port or port_of(container)


async def readiness(
    probe: Probe, address: str, session: aiohttp.ClientSession
) -> AsyncGenerator[bool, None]:
    """Whether the process is ready, each time that changes; it begins as not ready."""
    url = f"http://{address}:{probe.port}/{probe.path.removeprefix('/')}"
    ready, alike, ever = False, 0, False
    await asyncio.sleep(probe.initial_delay_s)
    while True:
        good = await _answers(url, probe.timeout_s, session)
        alike = alike + 1 if good != ready else 0
        if alike >= (probe.successes_needed if good else probe.failures_allowed):
            ready, alike, ever = good, 0, True
            yield ready
        await asyncio.sleep(probe.period_s if ever else min(EAGER_PERIOD_S, probe.period_s))


async def _answers(url: str, timeout_s: float, session: aiohttp.ClientSession) -> bool:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with session.get(url, timeout=timeout, allow_redirects=False) as response:
            return 200 <= response.status < 400
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
