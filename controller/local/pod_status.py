"""What a node reports of a pod, as the body of a status patch; pure. Called by `pod_runner`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from controller.api.k8s import Pod
from controller.kube.timestamps import stamp

CRASH_LOOP: Final = "CrashLoopBackOff"
NO_IMAGE: Final = "ErrImagePull"
NO_IMAGE_AGAIN: Final = "ImagePullBackOff"

State = Mapping[str, Any]


@dataclass(frozen=True)
class PodFacts:
    """What the node knows of one pod."""

    pod_ip: str
    node_ip: str
    accepted_at: datetime
    state: State = field(default_factory=dict)
    """Of the container: waiting, running or terminated."""
    last_state: State = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    ready_since: datetime | None = None
    """When readiness last changed; None while it never has."""


def waiting(reason: str, message: str = "") -> State:
    """The container is not running, and why."""
    return {"waiting": {"reason": reason, "message": message}}


def running(since: datetime) -> State:
    """The container runs."""
    return {"running": {"startedAt": stamp(since)}}


def terminated(code: int, started: datetime, ended: datetime, message: str) -> State:
    """The container has ended; a negative code is a signal, reported as 128 + its number."""
    return {
        "terminated": {
            "exitCode": 128 - code if code < 0 else code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": stamp(started),
            "finishedAt": stamp(ended),
            "message": message[-1000:],
        }
    }


def patch(pod: Pod, facts: PodFacts) -> dict[str, Any]:
    """The body of the status patch."""
    container = pod.spec.containers[0]
    changed = facts.ready_since or facts.accepted_at
    ready = "True" if facts.ready else "False"
    why = {} if facts.ready else {"reason": "ContainersNotReady"}
    conditions = [
        _condition("PodScheduled", "True", facts.accepted_at),
        _condition("Initialized", "True", facts.accepted_at),
        _condition("ContainersReady", ready, changed) | why,
        _condition("Ready", ready, changed) | why,
    ]
    return {
        "status": {
            "phase": "Running" if facts.restarts or "running" in facts.state else "Pending",
            "hostIP": facts.node_ip,
            "podIP": facts.pod_ip,
            "podIPs": [{"ip": facts.pod_ip}],
            "startTime": stamp(facts.accepted_at),
            "conditions": conditions,
            "containerStatuses": [
                {
                    "name": container.name,
                    "image": container.image,
                    "imageID": "",
                    "ready": facts.ready,
                    "started": "running" in facts.state,
                    "restartCount": facts.restarts,
                    "state": dict(facts.state),
                    "lastState": dict(facts.last_state),
                }
            ],
        }
    }


def _condition(kind: str, status: str, since: datetime) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": stamp(since)}
