"""One ReplicaSet of the Deployment takes all its pods, whatever the Deployment's text says.

The way back of an absorb (stable again), and the absorb of a run whose template the Deployment does
not hold any more because a newer edit waits behind it. The Deployment is paused meanwhile, and the
full canary serves: a paused Deployment with one active ReplicaSet only keeps that one's size.
"""

from __future__ import annotations

from controller.core.actions import Intent, Pause, RecreateReplicaSet, ScaleReplicaSet
from controller.core.observed import Workload


def refill(w: Workload, digest: str, *, kept: bool) -> tuple[Intent, ...]:
    """Pause, fill the ReplicaSet of `digest` and empty every other.

    One that is lost, or never was, is made from its revision, if there is one (`kept`), and until
    it is seen the others keep their pods. The one that grows comes first.
    """
    intents: list[Intent] = []
    if not w.paused and w.digest != digest:
        intents.append(Pause())
    if w.of_digest(digest) is None and w.paused and kept:
        intents.append(RecreateReplicaSet(digest, w.replicas))
    grow = [s for s in w.sets if s.digest == digest and s.wanted < w.replicas]
    shrink = [s for s in w.sets if s.digest != digest and s.wanted > 0 and w.of_digest(digest)]
    intents += [ScaleReplicaSet(s.name, w.replicas) for s in grow]
    intents += [ScaleReplicaSet(s.name, 0) for s in shrink]
    return tuple(intents)


def refilled(w: Workload, digest: str) -> bool:
    """The ReplicaSet of `digest` has all pods available and no other wants any."""
    only = w.of_digest(digest)
    others = any(s.wanted for s in w.sets if s.digest != digest)
    return only is not None and only.available >= w.replicas and not others
