"""The Rollout to judge by, also when the one on the server cannot be read any more.

An edit that an older or a newer server let through must not leave a release in hand unjudged: it
goes on by the last Rollout that could be read, and after a restart by what its Change has frozen.
Called by the reconciler; it writes nothing.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from controller.api.kinds import Rollout
from controller.api.meta import Key
from controller.api.rollout import RolloutSpec, RolloutStatus, WorkloadRef
from controller.core.phases import Phase
from controller.kube.port import Cluster, Malformed, NotFound
from controller.runtime.ledger import UNREAD
from controller.runtime.world import World


class LastGood:
    """Rollouts as they were when they could last be read."""

    def __init__(self, world: World, cluster: Cluster) -> None:
        self._world, self._cluster = world, cluster
        self._known: dict[Key, Rollout] = {}

    def of(self, key: Key) -> tuple[Rollout | None, Malformed | None]:
        """The Rollout; with what is wrong with it, when this is the last one that could be read."""
        store = self._world.rollouts.store
        wrong = store.malformed.get(key)
        if wrong is not None:
            known = self._known.get(key)
            return (replace(known, metadata=wrong.metadata) if known else None), wrong
        rollout = store.get(key)
        if rollout is not None:
            self._known[key] = rollout
        return rollout, None

    async def rebuild(self, wrong: Malformed) -> Rollout | None:
        """From its status and the Change in hand; None when none is, or they do not say enough."""
        meta = wrong.metadata
        key = Key(meta.namespace, meta.name)
        try:
            seen = await self._cluster.get(UNREAD, key.namespace, key.name)
            status = msgspec.convert(seen.status, RolloutStatus)
        except (NotFound, msgspec.ValidationError):
            return None
        spec = self._frozen(key.namespace, status.change)
        if spec is None:
            return None
        made = self._known[key] = Rollout(metadata=meta, spec=spec, status=status)
        return made

    def _frozen(self, namespace: str, name: str) -> RolloutSpec | None:
        change = self._world.changes.store.get(Key(namespace, name))
        if change is None or change.status.phase == Phase.FINISHED:
            return None
        plan, uid = change.spec.plan, change.spec.workload_uid
        deployments = self._world.deployments.store
        workload = next((d.name for d in deployments if d.metadata.uid == uid), "")
        if plan.traffic is None or not workload:
            return None
        return RolloutSpec(
            workload=WorkloadRef(name=workload), traffic=plan.traffic, steps=plan.steps,
            promotion=plan.promotion, limits=plan.limits,
        )  # fmt: skip

    def wrote(self, key: Key, status: RolloutStatus) -> None:
        """A status of ours stands on the server now; one that cannot be read shows none."""
        known = self._known.get(key)
        if known is not None:
            self._known[key] = replace(known, status=status)

    def forget(self, key: Key) -> None:
        """The Rollout is gone."""
        self._known.pop(key, None)
