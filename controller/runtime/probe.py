"""Does the API server still pause edits? A dry-run each minute, by an account of its own.

The operator is exempt from the hold and would see nothing, so the probe's account, which may patch
one zero-replica Deployment and nothing else, asks. Any answer but a paused one means that adopted
Deployments are kept paused at rest as well (`status.hold: Always`): doubt never releases. No answer
is asked for again soon, and means the same only when none has come several times in a row: one
hiccup of a server must not pause every Deployment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import msgspec
import structlog

from controller.api import names
from controller.api.meta import Object
from controller.api.resources import DEPLOYMENTS, Resource
from controller.core.observed import HoldMode
from controller.kube.config import Connection, Source
from controller.kube.port import (
    ApiError,
    Cluster,
    Overloaded,
    PatchOp,
    ServerError,
    Unreachable,
)
from controller.runtime import exporter

log = structlog.get_logger(__name__)

RETRY_S = 10.0
"""After no answer; a server that restarts is back by then."""
PATIENCE = 3
"""Probes in a row without an answer after which the hold counts as gone."""


class HoldProbe:
    """Knows the mode; `run` keeps it true."""

    def __init__(self, cluster: Cluster, namespace: str, interval_s: float) -> None:
        """`cluster` acts as the probe's account."""
        self._cluster, self._namespace, self._interval_s = cluster, namespace, interval_s
        self.mode: HoldMode | None = None
        """None: not known yet, as no answer has come so far."""
        self.why = "not probed yet"
        self._unanswered = 0
        self._changed: list[Callable[[], None]] = []

    def on_change(self, tell: Callable[[], None]) -> None:
        """Call when the mode changes: every Rollout is looked at anew."""
        self._changed.append(tell)

    async def run(self) -> NoReturn:
        """Probe for ever."""
        while True:
            await self.probe()
            doubtful = 0 < self._unanswered < PATIENCE
            await asyncio.sleep(min(RETRY_S, self._interval_s) if doubtful else self._interval_s)

    async def probe(self) -> HoldMode | None:
        """One dry-run edit of the probe's Deployment: would it have been paused?"""
        path = f"/spec/template/metadata/annotations/{names.GROUP}~1probe"
        edit: list[PatchOp] = [
            {"op": "add", "path": "/spec/paused", "value": False},
            {"op": "add", "path": path, "value": "asked"},
        ]
        try:
            answer = await self._cluster.patch_json(
                DEPLOYMENTS, self._namespace, names.PROBE_DEPLOYMENT, edit, dry_run=True
            )
        except (Overloaded, ServerError, Unreachable) as error:
            self._unanswered += 1
            if self._unanswered >= PATIENCE:
                self._conclude(HoldMode.ALWAYS, str(error))
            else:
                log.warning("hold not probed", why=str(error), times=self._unanswered)
        except ApiError as error:
            self._unanswered = 0
            self._conclude(HoldMode.ALWAYS, str(error))
        else:
            self._unanswered = 0
            held = answer.spec.paused
            self._conclude(
                HoldMode.ON_CHANGE if held else HoldMode.ALWAYS,
                "edits are paused" if held else "an edit would have run at once",
            )
        return self.mode

    def _conclude(self, mode: HoldMode, why: str) -> None:
        exporter.HOLD_ACTS.set(mode is HoldMode.ON_CHANGE)
        changed, self.why = mode is not self.mode, why
        self.mode = mode
        if changed:
            log.info("hold mode", mode=mode.value, why=why)
            for tell in self._changed:
                tell()


class _Token(Object, frozen=True):
    """The answer to a TokenRequest."""

    status: dict[str, str] = msgspec.field(default_factory=dict)


class ProbeAccount:
    """A way to log in as the probe's account, by a short token that only the operator may make."""

    def __init__(self, source: Source, cluster: Cluster, namespace: str) -> None:
        self._source, self._cluster, self._namespace = source, cluster, namespace

    async def load(self) -> Connection:
        """See Source; called again when the token has run out."""
        account = names.PROBE_DEPLOYMENT
        request = Resource("", "v1", f"serviceaccounts/{account}/token", "TokenRequest", _Token)
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": account},
            "spec": {"expirationSeconds": 3600},
        }
        answer = await self._cluster.create(request, self._namespace, body)
        bearer = f"Bearer {answer.status.get('token', '')}"
        return replace(await self._source.load(), authorization=lambda: bearer)
