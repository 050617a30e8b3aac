"""Live caches of everything that is watched, and which Rollouts a change concerns.

Reading here costs no request. Narrow watches: pods only those of canaries (label), ReplicaSets and
Deployments as a few fields, revisions only ours. A start waits for what a release is judged and
taken back by. Another kind that cannot be listed keeps retrying in the background. Until it can,
and while any kind that was listed cannot be followed, nothing goes forward (`unseen`), but for a
route's kind, which counts only where it is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from controller.api import names
from controller.api.k8s import Deployment, ReplicaSet
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
from controller.kube.port import ApiError, Cluster, Malformed
from controller.kube.reflector import Reflector
from controller.kube.store import Index, owner_uids
from controller.runtime.claims import Claim, of_rollout, of_run
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
from controller.workloads.arms import canary_name

Concern = Callable[[Key], None]
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
        self._listen(concern)
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"watch {reflector.resource}")
                group.create_task(self._seen(reflector, concern), name=f"list {reflector.resource}")

    async def _seen(self, reflector: Reflector[Any], concern: Concern) -> None:
        """What a kind that could not be listed has held up goes on, also if there is none of it."""
        await reflector.synced.wait()
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

    # -- which Rollouts a change concerns -------------------------------------------------------

    def _listen(self, concern: Concern) -> None:
        by = self._rollouts_by
        routes: dict[Reflector[Any], Callable[[Any], Iterable[Key]]] = {
            self.rollouts: lambda r: {r.key, *self._rivals(of_rollout(r))},
            self.templates: lambda t: by("template", (t.metadata.namespace, t.metadata.name)),
            self.changes: lambda c: {*_keys(rollout_of_change(c)), *self._rivals(of_run(c))},
            self.signoffs: lambda s: _keys(rollout_of_signoff(s)),
            self.deployments: self._of_deployment,
            self.replicasets: self._of_replicaset,
            self.revisions: lambda r: _keys(labelled_rollout(r)),
            self.services: lambda s: by("namespace", s.metadata.namespace),
            self.autoscalers: lambda a: [
                k for t in target_of_autoscaler(a) for k in by("workload", t)
            ],
            self.policies: lambda p: by("namespace", p.metadata.namespace),
            self.namespaces: self._of_namespace,
            self.canary_pods: lambda p: [k for w in workload_of_pod(p) for k in self._of_canary(w)],
        }
        for reflector in self.routes.values():
            routes[reflector] = lambda r: by("namespace", r.metadata.namespace)
        for reflector, concerned in routes.items():
            reflector.on_change(_teller(concerned, concern))

    def _rollouts_by(self, index: str, value: Hashable) -> list[Key]:
        return [r.key for r in self.rollouts.store.by(index, value)]

    def _rivals(self, claims: Iterable[Claim]) -> Iterable[Key]:
        """Rollouts that name the same Service or route: they wait for its end."""
        return (key for claim in claims for key in self._rollouts_by("traffic", claim))

    def _of_deployment(self, d: Deployment) -> Iterable[Key]:
        keys = self._rollouts_by("workload", (d.namespace, d.name))
        labelled = d.metadata.labels.get(names.ROLLOUT_LABEL)
        return [*keys, Key(d.namespace, labelled)] if labelled else keys

    def _of_replicaset(self, rs: ReplicaSet) -> Iterable[Key]:
        for owner in rs.metadata.owner_references:
            deployment = self.deployments.store.get(Key(rs.namespace, owner.name))
            if deployment is not None:
                yield from self._of_deployment(deployment)
            else:
                yield from self._rollouts_by("workload", (rs.namespace, owner.name))

    def _of_canary(self, workload: tuple[str, str]) -> Iterable[Key]:
        """By name and not by label: a pod may outlive the Deployment that carried the label."""
        namespace, name = workload
        for rollout in self.rollouts.store.by("namespace", namespace):
            if canary_name(rollout.spec.workload.name) == name:
                yield rollout.key

    def _of_namespace(self, namespace: Object) -> Iterable[Key]:
        if namespace.metadata.deletion_timestamp is None:
            return ()
        return self._rollouts_by("namespace", namespace.name)


def _teller(concerned: Callable[[Any], Iterable[Key]], concern: Concern) -> Callable[..., None]:
    def tell(old: Any, new: Any) -> None:
        for version in (old, new):
            if version is None or isinstance(version, Malformed):
                continue
            for key in concerned(version):
                concern(key)
        if isinstance(new, Malformed):
            concern(Key(new.metadata.namespace, new.metadata.name))

    return tell


def _keys(pairs: Iterable[tuple[str, str]]) -> list[Key]:
    return [Key(*pair) for pair in pairs]
