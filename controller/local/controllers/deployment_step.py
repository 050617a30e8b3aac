"""One look at one Deployment: from its ReplicaSets as they are to the next step, and its status.

The steps of `pkg/controller/deployment` of Kubernetes 1.37 in their order, since the operator's
model rests on them: a paused Deployment is still scaled and cleaned up, a scaled one is scaled
before it is rolled, and a new template makes a ReplicaSet only when the Deployment is not paused.
Called by `deployment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from controller.api.k8s import Deployment, DeploymentStatus, ReplicaSet
from controller.api.resources import DEPLOYMENTS, PODS, REPLICASETS
from controller.kube.port import Cluster, NotFound
from controller.local.controllers import deployment_status as statuses
from controller.local.controllers import sizes
from controller.local.controllers.loop import everything
from controller.local.controllers.revisions import annotations_for, revision_of, set_body


class Step:
    """The Deployment and its ReplicaSets, each as the last write left it."""

    def __init__(
        self, cluster: Cluster, now: datetime, deployment: Deployment, sets: list[ReplicaSet]
    ) -> None:
        self._cluster, self._now = cluster, now
        self._deployment = deployment
        self._sets = {one.name: one for one in sizes.by_age(sets)}

    async def take(self) -> float | None:
        """Write what differs; the seconds until progress has to be judged."""
        d = self._deployment
        if d.metadata.deletion_timestamp is not None:
            await self._write_counts()
            return None
        await self._write_status(
            msgspec.structs.replace(d.status, conditions=statuses.pause_noted(d, self._now))
        )
        if d.spec.paused:
            await self._settle_paused()
            return None
        new = await self._noted_new_set()
        if any(self._was_scaled(one) for one in sizes.active(self._sets.values())):
            await self._scale()
            await self._write_counts()
            return None
        if sizes.is_rolling(d):
            await self._roll(new or await self._make_new_set())
        else:
            await self._recreate(new)
        await self._write_status(
            statuses.progressed(self._deployment, self._all(), self._new(), self._now)
        )
        return statuses.next_progress_check_s(self._deployment, self._now)

    def _all(self) -> list[ReplicaSet]:
        return list(self._sets.values())

    def _new(self) -> ReplicaSet | None:
        return sizes.new_set(self._deployment, self._sets.values())

    def _old(self) -> list[ReplicaSet]:
        new = self._new()
        return [one for one in self._sets.values() if new is None or one.name != new.name]

    def _was_scaled(self, one: ReplicaSet) -> bool:
        known = one.metadata.annotations.get(sizes.DESIRED, "")
        return known.isdecimal() and int(known) != self._deployment.spec.replicas

    async def _settle_paused(self) -> None:
        """A paused Deployment is scaled and cleaned up; no ReplicaSet is made for it."""
        await self._noted_new_set()
        await self._scale()
        await self._clean_up()
        await self._write_counts()

    async def _noted_new_set(self) -> ReplicaSet | None:
        """The ReplicaSet of the template, if it is there, with revision and annotations noted."""
        new = self._new()
        if new is None:
            return None
        d = self._deployment
        wanted = annotations_for(d, new, self._next_revision())
        ready_s = d.spec.min_ready_seconds
        if wanted != new.metadata.annotations or ready_s != new.spec.min_ready_seconds:
            spec = {"minReadySeconds": ready_s or None}
            body = {"metadata": {"annotations": wanted}, "spec": spec}
            return await self._write_set(new, body)
        reason, message = statuses.FOUND, f'Found new replica set "{new.name}"'
        await self._note_new(revision_of(new), reason, message, first=True)
        return new

    def _next_revision(self) -> int:
        return max((revision_of(one) for one in self._old()), default=0) + 1

    async def _make_new_set(self) -> ReplicaSet:
        d, revision = self._deployment, self._next_revision()
        body = set_body(d, revision, sizes.grown_new(d, self._all(), 0))
        made = await self._cluster.create(REPLICASETS, d.namespace, body)
        self._sets[made.name] = made
        message = f'Created new replica set "{made.name}"'
        await self._note_new(revision, statuses.CREATED, message, first=False)
        return made

    async def _note_new(self, revision: int, reason: str, message: str, *, first: bool) -> None:
        """Revision and the first sign of progress, written through the status as a server does."""
        d = self._deployment
        conditions = d.status.conditions
        absent = statuses.find(conditions, statuses.PROGRESSING) is None
        if statuses.has_deadline(d) and (absent or not first):
            conditions = statuses.with_condition(
                conditions, statuses.PROGRESSING, "True", reason, message, self._now
            )
        annotations = {**d.metadata.annotations, sizes.REVISION: str(revision)}
        status = msgspec.structs.replace(d.status, conditions=conditions)
        await self._write_status(status, annotations)

    async def _scale(self) -> None:
        d, new, old = self._deployment, self._new(), self._old()
        if (only := sizes.only_one_to_scale(new, old)) is not None:
            await self._resize({only.name: d.spec.replicas})
        elif sizes.is_saturated(d, new):
            await self._resize({one.name: 0 for one in sizes.active(old)})
        elif sizes.is_rolling(d) and sizes.active([*old, new]):
            shares = sizes.proportional(d, sizes.active([*old, new]))
            await self._resize(shares, note=True)

    async def _roll(self, new: ReplicaSet) -> None:
        """Grow the new one; when it cannot grow, shrink the old ones; when done, clean up."""
        d = self._deployment
        wanted = d.spec.replicas
        size = min(wanted, sizes.grown_new(d, self._all(), new.spec.replicas))
        if await self._resize({new.name: size}):
            return
        if not await self._resize(sizes.shrunk_old(d, new, self._old())):
            await self._clean_up_when_complete()

    async def _recreate(self, new: ReplicaSet | None) -> None:
        """First all old pods go, then the new ones come."""
        if await self._resize({one.name: 0 for one in sizes.active(self._old())}):
            return
        if await self._old_pods_run():
            return
        new = new or await self._make_new_set()
        await self._resize({new.name: self._deployment.spec.replicas})
        await self._clean_up_when_complete()

    async def _old_pods_run(self) -> bool:
        if any(one.status.replicas for one in self._old()):
            return True
        uids = {one.metadata.uid for one in self._old()}
        pods = await everything(self._cluster, PODS, self._deployment.namespace)
        return any(
            pod.status.phase not in ("Succeeded", "Failed")
            and any(owner.uid in uids for owner in pod.metadata.owner_references)
            for pod in pods
        )

    async def _resize(self, wanted: Mapping[str, int], *, note: bool = False) -> bool:
        """Write sizes that differ; with `note` also the annotations that later shares rest on."""
        d = self._deployment
        desired = str(d.spec.replicas)
        counts = {sizes.DESIRED: desired, sizes.MAX: str(d.spec.replicas + sizes.max_surge(d))}
        resized = False
        for name, size in wanted.items():
            one = self._sets[name]
            differs = one.spec.replicas != size
            if differs or (note and not counts.items() <= one.metadata.annotations.items()):
                body = {"metadata": {"annotations": counts}, "spec": {"replicas": size}}
                await self._write_set(one, body)
                resized |= differs
        return resized

    async def _clean_up_when_complete(self) -> None:
        if statuses.is_complete(self._deployment, self._deployment.status):
            await self._clean_up()

    async def _clean_up(self) -> None:
        """Delete the oldest revisions beyond the history limit, if they are empty and settled."""
        old = [one for one in self._old() if one.metadata.deletion_timestamp is None]
        surplus = len(old) - self._deployment.spec.revision_history_limit
        for one in sorted(old, key=revision_of)[: max(0, surplus)]:
            settled = one.status.observed_generation >= one.metadata.generation
            if settled and not one.status.replicas and not one.spec.replicas:
                await self._delete_set(one)

    async def _delete_set(self, one: ReplicaSet) -> None:
        try:
            await self._cluster.delete(REPLICASETS, one.namespace, one.name, uid=one.metadata.uid)
        except NotFound:
            return

    async def _write_set(self, one: ReplicaSet, body: dict[str, Any]) -> ReplicaSet:
        """Only if nobody wrote it since: otherwise the next look decides anew."""
        body["metadata"]["resourceVersion"] = one.metadata.resource_version
        written = await self._cluster.patch_merge(REPLICASETS, one.namespace, one.name, body)
        self._sets[one.name] = written
        return written

    async def _write_counts(self) -> None:
        counted = statuses.counted(self._deployment, self._all(), self._new(), self._now)
        await self._write_status(counted)

    async def _write_status(
        self, status: DeploymentStatus, annotations: dict[str, str] | None = None
    ) -> None:
        d = self._deployment
        noted = d.metadata.annotations if annotations is None else annotations
        if status == d.status and noted == d.metadata.annotations:
            return
        metadata = {"resourceVersion": d.metadata.resource_version, "annotations": noted}
        body = {"metadata": metadata, "status": statuses.status_patch(status)}
        self._deployment = await self._cluster.patch_merge(
            DEPLOYMENTS, d.namespace, d.name, body, subresource="status"
        )
