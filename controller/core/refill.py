"""One ReplicaSet of the Deployment takes all its pods, whatever the Deployment's text says.

The way back of an absorb (stable again), the absorb of a run whose template the Deployment does not
hold any more because a newer edit waits behind it, and the end of an edit that nobody held. The
Deployment is paused meanwhile.

What serves is never emptied before the pods of the other are there: others keep as many as are
still missing. All at once they go only where the full canary has all traffic. That holds for a
harmful version as well: a release that loses orders loses some of them, and no pods lose all. What
can be taken from it without that, the route takes at once (`guards.back`).

How far a step may go is ruled by what a *paused* Deployment does (`pkg/controller/deployment`,
sync.go): with two active ReplicaSets it brings their sum to replicas + maxSurge by the size of the
larger one, with one it fills that, and when that of its own template is full it empties all others.
A size that it would change back is never asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.core.actions import Intent, Pause, RecreateReplicaSet, ScaleReplicaSet
from controller.core.observed import Observed, ReplicaSetFact, Workload


def refill(w: Workload, digest: str, *, kept: bool, carried: int = 0) -> tuple[Intent, ...]:
    """Pause, fill the ReplicaSet of `digest` and empty every other as far as its pods are there.

    One that is lost, or never was, is made from its revision, if there is one (`kept`), and until
    it is seen the others keep their pods. The one that grows comes first: should the Deployment's
    controller look in between, no pod that serves is lost. `carried` is how many pods' work the
    canary does meanwhile.
    """
    intents: list[Intent] = []
    if not w.paused and w.digest != digest:
        intents.append(Pause())
    only = w.of_digest(digest)
    others = [s for s in w.sets if s.digest != digest and s.wanted > 0]
    if only is None:
        room = _room(w, others, carried)
        if w.paused and kept:
            intents.append(RecreateReplicaSet(digest, _full(w, room)))
        return tuple(intents)
    sizes = _sizes(others, _untied(only, others, _room(w, others, carried + only.available)))
    full = _full(w, sum(sizes.values()))
    if only.wanted < full or (only.wanted > full and others):
        intents.append(ScaleReplicaSet(only.name, full))
    intents += [ScaleReplicaSet(s.name, sizes[s.name]) for s in others if sizes[s.name] < s.wanted]
    return tuple(intents)


def carried(o: Observed) -> int:
    """How many of the Deployment's pods nobody misses, as ready pods of the canary have their share
    of the traffic by a route. All of them only if it is full and has all traffic."""
    w, c, traffic = o.workload, o.canary, o.traffic
    if w is None or c is None or not traffic.routed or not traffic.in_force:
        return 0
    return min(c.available, int(w.replicas * (traffic.weight or 0.0) / 100))


def refilled(w: Workload, digest: str) -> bool:
    """The ReplicaSet of `digest` has all pods available and no other wants any."""
    only = w.of_digest(digest)
    others = any(s.wanted for s in w.sets if s.digest != digest)
    return only is not None and only.available >= w.replicas and not others


def _room(w: Workload, others: Sequence[ReplicaSetFact], served: int) -> int:
    """How many pods the others may keep in all, as `served` do without them.

    Where the owner's strategy allows no pod above `replicas`, it allows some to be missing. The
    ReplicaSet of the Deployment's own template keeps one less than all: full, it would have every
    other emptied. (So a Deployment with one pod has a gap there, of one start.)
    """
    missing = w.replicas - served - (0 if w.surge else w.unavailable)
    own = any(s.digest == w.digest for s in others)
    wanted = sum(s.wanted for s in others)
    return max(0, min(missing, wanted, w.replicas - 1 if own else w.replicas))


def _full(w: Workload, others_keep: int) -> int:
    """The size beside which the paused Deployment lets the others keep theirs."""
    return w.replicas + w.surge - others_keep if others_keep else w.replicas


def _untied(only: ReplicaSetFact, others: Sequence[ReplicaSetFact], room: int) -> int:
    """Another step where this one would exchange the two sizes: between the two writes they would
    be equal, and the Deployment's controller would undo it, each time. One pod less, then more."""
    if len(others) != 1 or room == 0:
        return room
    (other,) = others
    step = other.wanted - room
    if step == 0 or step != other.wanted - only.wanted:
        return room
    return room + 1 if step > 1 else room - 1


def _sizes(others: Sequence[ReplicaSetFact], room: int) -> dict[str, int]:
    """What each of the others keeps: those with ready pods first."""
    sizes = {}
    for s in sorted(others, key=lambda s: (-s.available, s.name)):
        sizes[s.name] = min(s.wanted, room)
        room -= sizes[s.name]
    return sizes
