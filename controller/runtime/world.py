"""Live caches of everything that is watched, and what holds while one of them is not to be trusted.

Reading here costs no request. Narrow watches: pods only those of canaries (label), ReplicaSets and
Deployments as a few fields, revisions only ours. A start waits for what a release is judged and
taken back by. Another kind that cannot be listed keeps retrying in the background. Until it can,
and while any kind that was listed cannot be followed, nothing goes forward (`unseen`), but for a
route's kind, which counts only where it is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar

from controller.api import names
from controller.api.meta import Key, Object
from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    AUTOSCALERS,
    CHANGES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    SIGNOFFS,
    Resource,
)
from controller.core.observed import Block
from controller.core.reasons import Reason
from controller.kube.own_writes import OwnWrites
from controller.kube.port import ApiError, Cluster
from controller.kube.reflector import Reflector
from controller.kube.store import Index, owner_uids
from controller.runtime.claims import of_rollout, of_run
from controller.runtime.concerns import Concern, listen
from controller.runtime.indexes import (
    labelled_rollout,
    namespace_of,
    rollout_of_change,
    rollout_of_signoff,
    target_of_autoscaler,
    templates_of_rollout,
    workload_of_pod,
    workload_of_rollout,
)
from controller.runtime.plugins import Registry

T = TypeVar("T", bound=Object)

PATIENCE_S = 10.0
"""How long a start waits for the kinds that it can do without, while they neither list nor fail."""
GLANCE_S = 0.05
"""How often it looks whether they have."""
OLD_AFTER_S = 60.0
"""How long a cache may not follow its server: a restart of the server must hold nothing."""


class World:
    """The caches, by what they hold. `run` keeps them live; `synced` waits for the first lists."""

    def __init__(self, cluster: Cluster, plugins: Registry, namespace: str = "") -> None:
        """`namespace` narrows everything to one; empty: all."""
        self.plugins = plugins

        def cache(resource: Resource[T], selector: str = "", **indexes: Index[T]) -> Reflector[T]:
            return Reflector(cluster, resource, namespace, selector, indexes=indexes)

        self.rollouts = cache(
            ROLLOUTS, workload=workload_of_rollout, template=templates_of_rollout,
            namespace=namespace_of, traffic=of_rollout,
        )  # fmt: skip
        self.templates = cache(ANALYSIS_TEMPLATES)
        self.changes = cache(CHANGES, rollout=rollout_of_change, traffic=of_run)
        self.signoffs = cache(SIGNOFFS, rollout=rollout_of_signoff)
        self.deployments = cache(DEPLOYMENTS)
        self.replicasets = cache(REPLICASETS, owner=owner_uids)
        self.revisions = cache(CONTROLLER_REVISIONS, names.ROLLOUT_LABEL, rollout=labelled_rollout)
        self.services = cache(SERVICES, namespace=namespace_of)
        self.autoscalers = cache(AUTOSCALERS, target=target_of_autoscaler)
        self.policies = cache(NETWORK_POLICIES, namespace=namespace_of)
        self.namespaces = Reflector(cluster, NAMESPACES)
        self.canary_pods = cache(
            PODS, f"{names.ROLE_LABEL}={names.ROLE_CANARY}", workload=workload_of_pod
        )
        self.routes: dict[str, Reflector[Any]] = {
            kind: cache(router.resource)
            for kind in plugins.routers.names
            if (router := plugins.routers.get(kind)) is not None
        }
        self._vital: tuple[Reflector[Any], ...] = (
            self.rollouts, self.changes, self.deployments, self.replicasets, self.revisions,
            self.services,
        )  # fmt: skip
        self._others: tuple[Reflector[Any], ...] = (
            self.templates, self.signoffs, self.autoscalers, self.policies, self.namespaces,
            self.canary_pods,
        )  # fmt: skip
        self.own_writes: dict[str, OwnWrites[Any]] = {
            str(reflector.resource): OwnWrites(reflector.store)
            for reflector in self.reflectors
            if reflector is not self.canary_pods
        }

    @property
    def reflectors(self) -> tuple[Reflector[Any], ...]:
        """All caches."""
        return (*self._vital, *self._others, *self.routes.values())

    async def run(self, concern: Concern) -> None:
        """Keep every cache live; tell `concern` the key of each Rollout that a change touches."""
        listen(self, concern)
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                reflector.on_recovery(partial(self._followed, concern))
                group.create_task(reflector.run(), name=f"watch {reflector.resource}")
                group.create_task(self._seen(reflector, concern), name=f"list {reflector.resource}")

    async def _seen(self, reflector: Reflector[Any], concern: Concern) -> None:
        """What a kind that could not be listed has held up goes on, also if there is none of it."""
        await reflector.synced.wait()
        self._tell_all(concern)

    def _followed(self, concern: Concern, lost_s: float) -> None:
        """So does what a kind has held up that could not be followed, also if nothing is new."""
        if lost_s > OLD_AFTER_S:
            self._tell_all(concern)

    def _tell_all(self, concern: Concern) -> None:
        for rollout in self.rollouts.store:
            concern(rollout.key)

    async def synced(self) -> None:
        """Wait for the first lists: of what containment and judging need until they are there, of
        the others as long as their kinds answer. A missing CRD or right is not an outage."""
        for reflector in self._vital:
            await reflector.synced.wait()
        late = (*self._others, *self.routes.values())
        for _ in range(round(PATIENCE_S / GLANCE_S)):
            if all(r.synced.is_set() or r.problem for r in late):
                return
            await asyncio.sleep(GLANCE_S)

    def unseen(self, route_kinds: Iterable[str] = ()) -> tuple[Block, ...]:
        """What has never been listed, so that none in the cache says nothing of the cluster; and
        what is no longer followed, so that a sign-off to abort might be there unread. Of routes
        only the kinds that are named: they need not be installed."""
        listed = (r for kind, r in self.routes.items() if kind in route_kinds)
        routes = (r for r in listed if r.synced.is_set())
        return tuple(
            Block(
                Reason.UNSEEN,
                f"{r.resource} cannot be {'followed' if r.synced.is_set() else 'listed'}:"
                f" {r.problem or 'no answer yet'}; nothing goes forward until they can",
            )
            for r in (*self._vital, *self._others, *routes)
            if not r.synced.is_set() or r.lost_s > OLD_AFTER_S
        )

    async def read_once(self) -> tuple[str, ...]:
        """List every kind once instead of keeping it live; what could not be read, and why."""
        tried = (reflector.list_once() for reflector in self.reflectors)
        told = await asyncio.gather(*tried, return_exceptions=True)
        for one in told:
            if isinstance(one, BaseException) and not isinstance(one, ApiError):
                raise one
        return tuple(str(one) for one in told if one is not None)

    def stale(self, touched: Iterable[tuple[str, Key]]) -> bool:
        """Whether a cache is older than what we wrote to one of these objects."""
        known = ((self.own_writes.get(kind), key) for kind, key in touched)
        return any(own is not None and own.stale(key) for own, key in known)

    def remember(self, resource: Resource[Any], written: Object) -> None:
        """Note the version that a write of ours made."""
        known = self.own_writes.get(str(resource))
        if known is not None:
            known.remember(written)
