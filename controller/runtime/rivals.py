"""Another Rollout that has the Service or a route of this one, looked up in the caches.

A run that has begun keeps what it writes to its end, as containment may never wait; else the older
Rollout has it. Called by `objects`.
"""

from __future__ import annotations

from controller.api import names
from controller.api.kinds import Change, Rollout
from controller.api.meta import Key
from controller.runtime.claims import Claim, has_begun, of_rollout, older, taken_by
from controller.runtime.world import World


def rival(world: World, rollout: Rollout, change: Change | None) -> str:
    """What is in the way, and what helps; empty when nothing is. `rollout` is that of the look."""
    if has_begun(change):
        return ""
    for claim in of_rollout(rollout):
        first = _older(world, rollout, claim)
        if first:
            return taken_by(first, claim, change, in_run=False)
    for claim in of_rollout(rollout):
        running = _in_run(world, rollout, claim)
        if running:
            return taken_by(running, claim, change, in_run=True)
    return ""


def _in_run(world: World, rollout: Rollout, claim: Claim) -> str:
    """Another Rollout whose run has begun on this."""
    for change in world.changes.store.by("traffic", claim):
        owner = world.rollouts.store.get(Key(rollout.namespace, change.spec.rollout))
        if owner is None or owner.name == rollout.name or owner.status.change != change.name:
            continue
        if has_begun(change):
            return owner.name
    return ""


def _older(world: World, rollout: Rollout, claim: Claim) -> str:
    """An older Rollout that names this, and may release at all."""
    for other in world.rollouts.store.by("traffic", claim):
        if other.name != rollout.name and older(other, rollout) and not _idle(world, other):
            return other.name
    return ""


def _idle(world: World, rollout: Rollout) -> bool:
    """Its Deployment is governed by another Rollout."""
    deployment = world.deployments.store.get(Key(rollout.namespace, rollout.spec.workload.name))
    label = deployment.metadata.labels.get(names.ROLLOUT_LABEL, "") if deployment else ""
    return label not in ("", rollout.name)
