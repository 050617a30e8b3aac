"""Everything that can be set when the operator starts, with its default and its unit."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from uuid import uuid4

from controller.api.names import OPERATOR_NAMESPACE


def _identity() -> str:
    """Unique to this process: the pod's name and a random part."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}-{uuid4().hex[:8]}"


@dataclass(frozen=True)
class Settings:
    """Built by `blastdoor run` from its flags."""

    kubeconfig: str = ""
    """Path; empty: in-cluster, else the usual places."""
    context: str = ""
    namespace: str = OPERATOR_NAMESPACE
    """Where the Lease and the probe's Deployment are."""
    identity: str = field(default_factory=_identity)
    workers: int = 8
    """Looks at once; one Rollout is never in two."""
    status_interval_s: float = 30.0
    """Longest time that numbers which nobody waits for stay unwritten."""
    probe_interval_s: float = 60.0
    """Time between two looks whether the API server pauses edits."""
    listen: str = "127.0.0.1"
    """Address of /metrics, /healthz and /readyz."""
    port: int = 9090
    """0: any free port; -1: no endpoint."""
    log_format: str = "json"
    """json or text."""
    log_level: str = "info"
    leader_election: bool = True
