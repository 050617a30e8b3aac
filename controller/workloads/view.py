"""A Deployment with the ReplicaSets that it owns, as facts: what runs, what is new, what moves.

Called by facts. Judges nothing: whether a fact is good or bad is the decision core's question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from controller.api import names
from controller.api.k8s import Deployment, ReplicaSet
from controller.workloads.template import digest

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class WorkloadView:
    """One look at a workload. Build it with `of`."""

    deployment: Deployment
    replicasets: tuple[ReplicaSet, ...]
    """Those that the Deployment controls, oldest first."""
    template_digest: str
    digests: tuple[str, ...]
    """Of each ReplicaSet's template, in the same order."""

    @classmethod
    def of(cls, deployment: Deployment, replicasets: Iterable[ReplicaSet]) -> WorkloadView:
        """The view of a Deployment; ReplicaSets of others may be among those given."""
        owned = sorted((rs for rs in replicasets if _controls(deployment, rs)), key=_age)
        return cls(
            deployment=deployment,
            replicasets=tuple(owned),
            template_digest=digest(deployment.spec.template),
            digests=tuple(digest(rs.spec.template) for rs in owned),
        )

    @property
    def active(self) -> tuple[ReplicaSet, ...]:
        """ReplicaSets that want or have pods."""
        return tuple(rs for rs in self.replicasets if is_active(rs))

    @property
    def old_active(self) -> tuple[ReplicaSet, ...]:
        """Active ReplicaSets of another template than the Deployment's present one."""
        pairs = zip(self.replicasets, self.digests, strict=True)
        return tuple(rs for rs, d in pairs if is_active(rs) and d != self.template_digest)

    @property
    def new(self) -> ReplicaSet | None:
        """The ReplicaSet of the Deployment's present template; None before it is made."""
        return self.by_digest(self.template_digest)

    @property
    def paused(self) -> bool:
        """No pod of another template is started while it is."""
        return self.deployment.spec.paused

    @property
    def wanted(self) -> int:
        """Live `spec.replicas`: the owner's or the autoscaler's number."""
        return self.deployment.spec.replicas

    @property
    def rolling(self) -> bool:
        """A rolling update is in flight, or the controller has not yet looked at the last edit.

        A paused Deployment without two active ReplicaSets is at rest: it updates nothing.
        """
        if len(self.active) > 1 or not self._observed:
            return True
        return not self.paused and self.deployment.status.updated_replicas < self.wanted

    @property
    def complete(self) -> bool:
        """The update to the present template has ended, as `kubectl rollout status` sees it."""
        status = self.deployment.status
        return (
            self._observed
            and self.new is not None
            and not self.old_active
            and status.updated_replicas >= self.wanted
            and status.replicas <= status.updated_replicas
            and status.available_replicas >= status.updated_replicas
        )

    @property
    def surge(self) -> int:
        """Pods above `wanted` that its strategy allows during an update; rounded up."""
        return self._allowed("maxSurge", math.ceil)

    @property
    def unavailable(self) -> int:
        """Pods that may be missing meanwhile; rounded down. `Recreate` lets all go first."""
        if not self._rolls:
            return self.wanted
        return self._allowed("maxUnavailable", math.floor) or (0 if self.surge else 1)

    @property
    def stuck(self) -> bool:
        """The controller gave up waiting for the update (`ProgressDeadlineExceeded`)."""
        return any(
            c.type == "Progressing" and c.reason == "ProgressDeadlineExceeded"
            for c in self.deployment.status.conditions
        )

    def by_digest(self, wanted: str) -> ReplicaSet | None:
        """The ReplicaSet of a template: the one with most pods, then the oldest, if several."""
        pairs = zip(self.replicasets, self.digests, strict=True)
        found = [rs for rs, d in pairs if d == wanted]
        return max(found, key=lambda rs: (rs.spec.replicas, rs.status.replicas), default=None)

    @property
    def _rolls(self) -> bool:
        return bool(self.deployment.spec.strategy.get("type", "RollingUpdate") == "RollingUpdate")

    def _allowed(self, what: str, rounded: Callable[[float], int]) -> int:
        """A number of pods, or a percentage of `wanted`; a quarter where the owner says nothing."""
        if not self._rolls:
            return 0
        rolling = self.deployment.spec.strategy.get("rollingUpdate") or {}
        text = str(rolling.get(what, "25%"))
        if text.endswith("%"):
            return rounded(int(text[:-1]) * self.wanted / 100)
        return int(text)

    @property
    def _observed(self) -> bool:
        status = self.deployment.status
        return status.observed_generation >= self.deployment.metadata.generation


def hash_of(replicaset: ReplicaSet) -> str:
    """The pod-template-hash that its pods carry; empty for one that nobody hashed."""
    return replicaset.metadata.labels.get(names.HASH_LABEL, "")


def is_active(replicaset: ReplicaSet) -> bool:
    """Whether it wants or has pods."""
    return replicaset.spec.replicas > 0 or replicaset.status.replicas > 0


def _controls(deployment: Deployment, replicaset: ReplicaSet) -> bool:
    return any(
        owner.controller and owner.uid == deployment.metadata.uid
        for owner in replicaset.metadata.owner_references
    )


def _age(replicaset: ReplicaSet) -> tuple[datetime, str]:
    return (replicaset.metadata.creation_timestamp or _LONG_AGO, replicaset.metadata.name)
