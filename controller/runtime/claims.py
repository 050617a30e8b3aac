"""By which Service and routes a Rollout's traffic goes. Pure.

A run keeps those that its Change froze, so that what it has written is taken back where it was
written; before and after it the Rollout's own word counts. Called by `objects`, once for each look.
"""

from __future__ import annotations

from msgspec.structs import replace

from controller.api.kinds import Change, Rollout
from controller.core.phases import Phase


def in_hand(change: Change | None) -> bool:
    """Whether it has been recorded and has not ended."""
    return change is not None and change.status.phase != Phase.FINISHED


def has_begun(change: Change | None) -> bool:
    """Whether a canary of it may be there, and traffic for it. A restart makes none."""
    waits = ("", Phase.PROPOSED, Phase.FINISHED)
    return change is not None and change.status.phase not in waits and not change.spec.restart


def as_in_hand(rollout: Rollout, change: Change | None) -> Rollout:
    """The Rollout with the traffic of the run in hand; Changes of before froze none."""
    frozen = change.spec.plan.traffic if change is not None and in_hand(change) else None
    if frozen is None or frozen == rollout.spec.traffic:
        return rollout
    return replace(rollout, spec=replace(rollout.spec, traffic=frozen))


def remedy(change: Change | None, field: str) -> str:
    """What helps when something that the traffic needs is missing."""
    if change is not None and in_hand(change) and change.spec.plan.traffic is not None:
        return "create it again, or sign an Abort"
    return f"create it, or mend {field}"
