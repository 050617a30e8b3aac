"""What the kubelet says about pods that do not run: they crash, or never start. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.api.k8s import ContainerStatus, Pod

CRASHES = 3
"""Restarts of one container that count as crash-looping before the kubelet says so."""
CRASH_LOOP = "CrashLoopBackOff"


def crashing(pods: Sequence[Pod]) -> str:
    """A container that crashes again and again, with what the kubelet says about it."""
    for pod, c in _containers(pods):
        if _waiting(c).get("reason") == CRASH_LOOP or c.restart_count >= CRASHES:
            ended: dict[str, Any] = c.last_state.get("terminated") or {}
            code = ended.get("exitCode", "?")
            return f"container {c.name} of {pod.name}, {c.restart_count} restarts, exit {code}"
    return ""


def stuck(pods: Sequence[Pod]) -> str:
    """Why a container does not start, in the kubelet's own words; empty while it is only slow."""
    for _, c in _containers(pods):
        waiting = _waiting(c)
        said = str(waiting.get("message", ""))
        if said and waiting.get("reason") != CRASH_LOOP:
            return f"{waiting.get('reason')} of container {c.name}: {said:.300}"
    return ""


def _containers(pods: Sequence[Pod]) -> Iterator[tuple[Pod, ContainerStatus]]:
    """Init containers as well: they start first, and their images are missing as often."""
    for pod in pods:
        for c in (*pod.status.init_container_statuses, *pod.status.container_statuses):
            yield pod, c


def _waiting(c: ContainerStatus) -> dict[str, Any]:
    """Why the kubelet waits with it, as `reason` and `message`; empty while it runs."""
    return c.state.get("waiting") or {}
