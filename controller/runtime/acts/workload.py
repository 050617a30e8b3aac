"""Writes to the user's Deployment, its ReplicaSets, its revisions and its autoscaler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from controller.api import names
from controller.api.k8s import Deployment
from controller.api.patch import Ops
from controller.api.resources import AUTOSCALERS, CONTROLLER_REVISIONS, DEPLOYMENTS, REPLICASETS
from controller.runtime.acts.writer import Writer, each
from controller.runtime.objects import Objects
from controller.workloads import adoption, floor, history
from controller.workloads.template import digest


async def adopt(w: Writer, o: Objects, stable: str) -> None:
    """Label the Deployment; while its template is stable's, only if it still is."""
    if o.deployment is None or o.view is None:
        return
    serving = o.view.by_digest(stable)

    def wanted(d: Deployment) -> Ops:
        if digest(d.spec.template) == stable and serving is not None:
            return adoption.adopt(d, serving, o.rollout.name)
        if d.spec.paused:
            return adoption.adopt_paused(d, o.rollout.name)
        # It lost its label in mid-run: label and pause in one patch, so that nothing slips through.
        return [*adoption.relabel(d, o.rollout.name), *adoption.pause(d)]

    await w.patch(DEPLOYMENTS, o.deployment, wanted)


async def pause(w: Writer, o: Objects) -> None:
    """Pause the Deployment."""
    if o.deployment is not None:
        await w.patch(DEPLOYMENTS, o.deployment, adoption.pause)


async def unpause(w: Writer, o: Objects, approved: str) -> None:
    """Resume the Deployment if its template is the approved one; else leave it be."""

    def wanted(d: Deployment) -> Ops:
        same = digest(d.spec.template) == approved
        return adoption.unpause(d, d.spec.template) if same else []

    if o.deployment is not None:
        await w.patch(DEPLOYMENTS, o.deployment, wanted)


async def leave(w: Writer, o: Objects, stable: str) -> None:
    """Our labels, marks and revisions go; what is not stable stays paused and says why.

    The Deployment is let go whatever may not be written beside it.
    """
    writes: list[Callable[[], Awaitable[object]]] = [
        partial(w.patch, REPLICASETS, rs, adoption.unlabel)
        for rs in (o.view.replicasets if o.view else ())
    ]
    writes += [partial(w.delete, CONTROLLER_REVISIONS, revision) for revision in o.revisions]
    if o.deployment is not None:
        let_go = partial(adoption.leave, stable_digest=stable)
        writes.append(partial(w.patch, DEPLOYMENTS, o.deployment, let_go))
    await each(writes)


async def keep_revision(w: Writer, o: Objects, replicaset: str) -> None:
    """The template of a ReplicaSet becomes history; it is marked stable, its forerunner is not."""
    if o.deployment is None or o.view is None:
        return
    serving = next((rs for rs in o.view.replicasets if rs.name == replicaset), None)
    if serving is None:
        return
    kept = digest(serving.spec.template)
    number = history.next_number(o.revisions)
    if kept not in history.stable_digests(o.revisions):
        body = history.revision_body(o.deployment, serving, o.rollout.name, number)
        await w.apply(CONTROLLER_REVISIONS, o.rollout.namespace, body)
    await w.patch(REPLICASETS, serving, lambda rs: adoption.label_stable(rs, o.rollout.name))
    for rs in o.view.replicasets:
        if rs.name != replicaset and names.ROLE_LABEL in rs.metadata.labels:
            await w.patch(REPLICASETS, rs, adoption.unlabel)


async def keep_target(w: Writer, o: Objects, target: str) -> None:
    """The template of the run in hand, as long as the Deployment still holds it."""
    if o.deployment is None or digest(o.deployment.spec.template) != target:
        return
    body = history.target_body(o.deployment, o.rollout.name, history.next_number(o.revisions))
    await w.apply(CONTROLLER_REVISIONS, o.rollout.namespace, body)


async def drop_revisions(w: Writer, o: Objects, spare: tuple[str, ...]) -> None:
    """Revisions that nothing needs any more go."""
    for revision in o.revisions:
        if revision.name in spare:
            await w.delete(CONTROLLER_REVISIONS, revision)


async def recreate_replicaset(w: Writer, o: Objects, template: str, replicas: int) -> None:
    """A ReplicaSet of the Deployment from the revision of its template."""
    kept = history.of_digest(o.revisions, template)
    if kept is not None and o.deployment is not None:
        body = history.recreate_replicaset(o.deployment, kept, replicas)
        await w.create(REPLICASETS, o.rollout.namespace, body)


async def drop_replicasets(w: Writer, o: Objects, old: tuple[str, ...]) -> None:
    """Old ReplicaSets without replicas go; their templates are in the revisions."""
    for rs in o.view.replicasets if o.view else ():
        if rs.name in old and rs.spec.replicas == 0 and rs.status.replicas == 0:
            await w.patch(REPLICASETS, rs, adoption.unlabel)
            await w.delete(REPLICASETS, rs)


async def scale_replicaset(w: Writer, o: Objects, name: str, replicas: int) -> None:
    """Set the size of one ReplicaSet."""
    await w.merge(REPLICASETS, o.rollout.namespace, name, {"spec": {"replicas": replicas}})


async def raise_floor(w: Writer, o: Objects, replicas: int) -> None:
    """minReplicas up to what takes all traffic back."""
    if o.autoscaler is not None:
        await w.patch(AUTOSCALERS, o.autoscaler, lambda a: floor.raise_floor(a, replicas))


async def restore_floor(w: Writer, o: Objects) -> None:
    """The owner's minReplicas."""
    if o.autoscaler is not None:
        await w.patch(AUTOSCALERS, o.autoscaler, floor.restore_floor)
