"""The Deployment controller: says which Deployment is to be looked at, and which sets it has.

What a look does is in `deployment_step`. It speaks as the account of the real controller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from controller.api.k8s import Pod, ReplicaSet
from controller.api.meta import Key
from controller.api.resources import DEPLOYMENTS, PODS, REPLICASETS
from controller.kube.port import Cluster, NotFound
from controller.kube.selectors import selector_of, selects
from controller.local.controllers.claims import claim
from controller.local.controllers.deployment_step import Step
from controller.local.controllers.loop import Loop, controller_of, everything, own_key
from controller.local.controllers.sizes import is_rolling

IDENTITY: Final = "system:serviceaccount:kube-system:deployment-controller"


class DeploymentController:
    """Looks after all Deployments of a cluster."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime]) -> None:
        self._cluster, self._now = cluster, now
        self._loop = Loop("deployment", cluster, self.look)
        self._deployments = self._loop.follow(DEPLOYMENTS, own_key)
        self._sets = self._loop.follow(REPLICASETS, self._concerned)
        self._loop.follow(PODS, self._waiting_for)

    async def run(self) -> None:
        """Until cancelled."""
        await self._loop.run()

    async def look(self, key: Key) -> float | None:
        """One step of one Deployment; the seconds until progress has to be judged."""
        try:
            deployment = await self._cluster.get(DEPLOYMENTS, key.namespace, key.name)
        except NotFound:
            return None
        if not (
            deployment.spec.selector.match_labels or deployment.spec.selector.match_expressions
        ):
            return None
        candidates = await everything(self._cluster, REPLICASETS, key.namespace)
        selector = selector_of(deployment.spec.selector)
        sets = await claim(
            self._cluster, deployment, DEPLOYMENTS, selector, REPLICASETS, candidates
        )
        now = self._now().replace(microsecond=0)  # Condition times are whole seconds.
        return await Step(self._cluster, now, deployment, sets).take()

    def _waiting_for(self, pod: Pod) -> Iterable[Key]:
        """A Deployment with strategy Recreate waits until the last old pod is gone."""
        for place in controller_of(pod, "ReplicaSet"):
            if (one := self._sets.get(place)) is not None:
                for key in controller_of(one, "Deployment"):
                    deployment = self._deployments.get(key)
                    if deployment is not None and not is_rolling(deployment):
                        yield key

    def _concerned(self, item: ReplicaSet) -> Iterable[Key]:
        """The managing Deployment; of an orphan all that would adopt it."""
        if any(owner.controller for owner in item.metadata.owner_references):
            return controller_of(item, "Deployment")
        return [
            one.key
            for one in self._deployments
            if one.namespace == item.namespace
            and selects(selector_of(one.spec.selector), item.metadata.labels)
        ]
