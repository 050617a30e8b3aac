"""Which Rollouts a change of any object concerns: those are looked at.

One line for each kind of object. Pure but for the caches that it reads; called by `world`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from controller.api import names
from controller.api.k8s import Deployment, ReplicaSet
from controller.api.meta import Key, Object
from controller.kube.port import Malformed
from controller.kube.reflector import Reflector
from controller.runtime.claims import Claim, of_rollout, of_run
from controller.runtime.indexes import (
    labelled_rollout,
    rollout_of_change,
    rollout_of_signoff,
    target_of_autoscaler,
    workload_of_pod,
)
from controller.workloads.arms import canary_name

if TYPE_CHECKING:
    from controller.runtime.world import World

Concern = Callable[[Key], None]


def listen(world: World, concern: Concern) -> None:
    """Tell `concern` the key of each Rollout that a change in any of the caches touches."""
    of = _Concerned(world)
    by = of.rollouts_by
    concerned: dict[Reflector[Any], Callable[[Any], Iterable[Key]]] = {
        world.rollouts: lambda r: {r.key, *of.rivals(of_rollout(r))},
        world.templates: lambda t: by("template", (t.metadata.namespace, t.metadata.name)),
        world.changes: lambda c: {*_keys(rollout_of_change(c)), *of.rivals(of_run(c))},
        world.signoffs: lambda s: _keys(rollout_of_signoff(s)),
        world.deployments: of.deployment,
        world.replicasets: of.replicaset,
        world.revisions: lambda r: _keys(labelled_rollout(r)),
        world.services: lambda s: by("namespace", s.metadata.namespace),
        world.autoscalers: lambda a: [
            key for target in target_of_autoscaler(a) for key in by("workload", target)
        ],
        world.policies: lambda p: by("namespace", p.metadata.namespace),
        world.namespaces: of.namespace,
        world.canary_pods: lambda p: [key for w in workload_of_pod(p) for key in of.canary(w)],
    }
    for reflector in world.routes.values():
        concerned[reflector] = lambda r: by("namespace", r.metadata.namespace)
    for reflector, keys in concerned.items():
        reflector.on_change(_teller(keys, concern))


class _Concerned:
    """The Rollouts that one object concerns."""

    def __init__(self, world: World) -> None:
        self._world = world

    def rollouts_by(self, index: str, value: Hashable) -> list[Key]:
        return [r.key for r in self._world.rollouts.store.by(index, value)]

    def rivals(self, claims: Iterable[Claim]) -> Iterable[Key]:
        """Rollouts that name the same Service or route: they wait for its end."""
        return (key for claim in claims for key in self.rollouts_by("traffic", claim))

    def deployment(self, d: Deployment) -> Iterable[Key]:
        keys = self.rollouts_by("workload", (d.namespace, d.name))
        labelled = d.metadata.labels.get(names.ROLLOUT_LABEL)
        return [*keys, Key(d.namespace, labelled)] if labelled else keys

    def replicaset(self, rs: ReplicaSet) -> Iterable[Key]:
        for owner in rs.metadata.owner_references:
            deployment = self._world.deployments.store.get(Key(rs.namespace, owner.name))
            if deployment is not None:
                yield from self.deployment(deployment)
            else:
                yield from self.rollouts_by("workload", (rs.namespace, owner.name))

    def canary(self, workload: tuple[str, str]) -> Iterable[Key]:
        """By name and not by label: a pod may outlive the Deployment that carried the label."""
        namespace, name = workload
        for rollout in self._world.rollouts.store.by("namespace", namespace):
            if canary_name(rollout.spec.workload.name) == name:
                yield rollout.key

    def namespace(self, namespace: Object) -> Iterable[Key]:
        if namespace.metadata.deletion_timestamp is None:
            return ()
        return self.rollouts_by("namespace", namespace.name)


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
