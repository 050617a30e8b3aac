"""Objects of the owner's that have the names of what we would make for a canary. Pure.

They are neither written nor deleted: each is a Block that says what to do. Called by
`traffic_facts`, and by `acts.canary` before it writes.
"""

from __future__ import annotations

from controller.core.observed import Block
from controller.core.reasons import Reason
from controller.runtime.objects import Objects, RouteObject
from controller.runtime.proposal_facts import run_deployment
from controller.workloads.arms import Arm, canary_name
from controller.workloads.network import taken_names


def strangers(o: Objects, arm: Arm | Block) -> tuple[Block, ...]:
    """What stands where the canary's objects would be written and is not ours."""
    found = list(o.strangers)
    released = run_deployment(o)
    if o.routed and isinstance(arm, Arm) and released is not None:
        names = taken_names(o.policies, released, arm)
        found += [f"NetworkPolicy {name}" for name in names]
    text = "has the name that Blastdoor needs for the canary, and is not its own"
    return tuple(_block(f"{title} {text}; rename or delete it") for title in found)


def strange_backends(o: Objects, r: RouteObject) -> tuple[Block, ...]:
    """A route in which the owner sends to a Service of the canary's name."""
    canary = canary_name(o.rollout.spec.traffic.service)
    text = f"sends to {canary}, which is the name that Blastdoor needs for the canary"
    return (_block(f"{r.kind} {r.name} {text}; rename that Service, or take it out"),)


def _block(message: str) -> Block:
    return Block(Reason.CANARY_NAME_TAKEN, message)
