"""The ReplicaSet controller: as many pods as wanted, and a status that counts them.

Adopts pods that its selector selects, makes missing ones, deletes surplus ones in the order of
Kubernetes (unbound, not running, not ready, younger first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from controller.api.k8s import Pod, ReplicaSet
from controller.api.meta import Key
from controller.api.resources import PODS, REPLICASETS
from controller.kube.port import Cluster, Forbidden, NotFound
from controller.kube.selectors import selector_of, selects
from controller.local.controllers.claims import claim, controller_reference
from controller.local.controllers.loop import Loop, controller_of, everything, own_key

IDENTITY: Final = "system:serviceaccount:kube-system:replicaset-controller"
_OVER: Final = ("Succeeded", "Failed")
_PHASES: Final = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSetController:
    """Looks after all ReplicaSets of a cluster."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime]) -> None:
        self._cluster, self._now = cluster, now
        self._loop = Loop("replicaset", cluster, self.look)
        self._sets = self._loop.follow(REPLICASETS, own_key)
        self._loop.follow(PODS, self._concerned)

    async def run(self) -> None:
        """Until cancelled."""
        await self._loop.run()

    async def look(self, key: Key) -> float | None:
        """Make or delete pods, count them; the seconds until one more becomes available."""
        try:
            one = await self._cluster.get(REPLICASETS, key.namespace, key.name)
        except NotFound:
            return None
        pods = await self._pods(one)
        if one.metadata.deletion_timestamp is None:
            await self._match(one, pods)
        now = self._now()
        await self._count(one, pods, now)
        waits = [left for pod in pods if (left := available_in_s(one, pod, now))]
        return min(waits, default=None)

    async def _pods(self, one: ReplicaSet) -> list[Pod]:
        found = await everything(self._cluster, PODS, one.namespace)
        living = [
            pod
            for pod in found
            if pod.status.phase not in _OVER and pod.metadata.deletion_timestamp is None
        ]
        selector = selector_of(one.spec.selector)
        return await claim(self._cluster, one, REPLICASETS, selector, PODS, living)

    async def _match(self, one: ReplicaSet, pods: list[Pod]) -> None:
        missing = one.spec.replicas - len(pods)
        for _ in range(missing):
            try:
                await self._cluster.create(PODS, one.namespace, self._pod(one))
            except Forbidden:
                return  # The namespace is going, or pods are refused: the next change decides.
        for pod in sorted(pods, key=_dispensable)[: max(0, -missing)]:
            try:
                await self._cluster.delete(PODS, pod.namespace, pod.name, uid=pod.metadata.uid)
            except NotFound:
                continue

    def _pod(self, one: ReplicaSet) -> dict[str, Any]:
        template = msgspec.json.decode(one.spec.template)
        given = template.get("metadata", {})
        metadata = {
            "generateName": f"{one.name}-",
            "labels": given.get("labels", {}),
            "annotations": given.get("annotations", {}),
            "ownerReferences": [controller_reference(one, REPLICASETS)],
        }
        return {"metadata": metadata, "spec": template["spec"]}

    async def _count(self, one: ReplicaSet, pods: list[Pod], now: datetime) -> None:
        labels = msgspec.json.decode(one.spec.template).get("metadata", {}).get("labels", {})
        ready = [pod for pod in pods if ready_since(pod) is not None]
        counts = {
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(
                labels.items() <= pod.metadata.labels.items() for pod in pods
            ),
            "readyReplicas": len(ready),
            "availableReplicas": sum(available_in_s(one, pod, now) == 0 for pod in ready),
        }
        known = one.status
        same = (known.replicas, known.ready_replicas, known.available_replicas) == (
            counts["replicas"],
            counts["readyReplicas"],
            counts["availableReplicas"],
        )
        if same and known.observed_generation == one.metadata.generation:
            return
        status: dict[str, Any] = {name: count or None for name, count in counts.items()}
        status |= {"replicas": len(pods), "observedGeneration": one.metadata.generation}
        body = {"metadata": {"uid": one.metadata.uid}, "status": status}
        try:
            await self._cluster.patch_merge(
                REPLICASETS, one.namespace, one.name, body, subresource="status"
            )
        except NotFound:
            return

    def _concerned(self, pod: Pod) -> Iterable[Key]:
        """The managing ReplicaSet; of an orphan all that would adopt it."""
        if any(owner.controller for owner in pod.metadata.owner_references):
            return controller_of(pod, "ReplicaSet")
        return [
            one.key
            for one in self._sets
            if one.namespace == pod.namespace
            and selects(selector_of(one.spec.selector), pod.metadata.labels)
        ]


def ready_since(pod: Pod) -> datetime | None:
    """Since when a pod is ready; None when it is not."""
    condition = next((one for one in pod.status.conditions if one.type == "Ready"), None)
    if condition is None or condition.status != "True":
        return None
    return condition.last_transition_time or pod.metadata.creation_timestamp


def available_in_s(one: ReplicaSet, pod: Pod, now: datetime) -> float | None:
    """Seconds until a ready pod counts as available, 0 when it does; None when not ready."""
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, (since + timedelta(seconds=one.spec.min_ready_seconds) - now).total_seconds())


def _dispensable(pod: Pod) -> tuple[bool, int, bool, float, str]:
    """Smallest goes first."""
    since = ready_since(pod)
    born = pod.metadata.creation_timestamp
    return (
        bool(pod.spec.node_name),
        _PHASES.get(pod.status.phase, 1),
        since is not None,
        -(born.timestamp() if born else 0.0),
        pod.name,
    )
