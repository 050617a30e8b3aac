"""What the kubelet says about pods that do not run: they crash, or never start. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.api.k8s import ContainerStatus, Pod

CRASHES = 3
"""Restarts of one container that count as crash-looping before the kubelet says so."""


def crashing(pods: Sequence[Pod]) -> str:
    """A container that crashes again and again, with what the kubelet says about it."""
    for pod in pods:
        for c in _containers(pod):
            waiting: dict[str, Any] = c.state.get("waiting") or {}
            ended: dict[str, Any] = c.last_state.get("terminated") or {}
            if waiting.get("reason") == "CrashLoopBackOff" or c.restart_count >= CRASHES:
                code = ended.get("exitCode", "?")
                return f"container {c.name} of {pod.name}, {c.restart_count} restarts, exit {code}"
    return ""


def stuck(pods: Sequence[Pod]) -> str:
    """Why a container does not start, in the kubelet's own words; empty while it is only slow."""
    for pod in pods:
        for c in _containers(pod):
            waiting: dict[str, Any] = c.state.get("waiting") or {}
            said = str(waiting.get("message", ""))
            if said and waiting.get("reason") != "CrashLoopBackOff":
                return f"{waiting.get('reason')} of container {c.name}: {said:.300}"
    return ""


def _containers(pod: Pod) -> tuple[ContainerStatus, ...]:
    """Init containers as well: they start first, and their images are missing as often."""
    return (*pod.status.init_container_statuses, *pod.status.container_statuses)
