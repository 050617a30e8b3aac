"""The phases of a Change and the ways it can end."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a Change is. The order is the good release's way; the last three are the ways out."""

    PROPOSED = "Proposed"
    """Known and recorded; nothing runs yet."""
    STEPPING = "Stepping"
    """On a rung of the ladder: scale, route, wait until in force, gather evidence."""
    SHIFTING = "Shifting"
    """The canary grows to full size and takes all traffic but the holdback."""
    WATCHING = "Watching"
    """Full share, the holdback as live control."""
    ABSORBING = "Absorbing"
    """The Deployment runs its own rolling update to the new template."""
    SETTLING = "Settling"
    """Absorbed: traffic goes back to the apex, the canary drains and goes."""
    REVERTING = "Reverting"
    """An absorb is undone: the Deployment refills stable while the canary still serves."""
    RETREATING = "Retreating"
    """Weight 0; the canary drains and goes."""
    FINISHED = "Finished"
    """Over; `outcome` says how."""


class Outcome(StrEnum):
    """How a Change ended."""

    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    INCONCLUSIVE = "Inconclusive"
    SUPERSEDED = "Superseded"
    WITHDRAWN = "Withdrawn"
    ABORTED = "Aborted"


CARRYING = frozenset({Phase.STEPPING, Phase.SHIFTING, Phase.WATCHING})
"""The canary may carry traffic beside a complete stable: weight 0 is one patch away."""
REVERSIBLE = CARRYING | {Phase.ABSORBING}
"""Harm, a crash or a person can still take the release back. In mid-absorb nothing is left beside
it to compare with: what was seen before stands, and a crash, a lost canary or a person decide."""
ABSORBED = frozenset({Phase.ABSORBING, Phase.SETTLING})
"""The Deployment itself is changing, or has changed."""
GOING_BACK = frozenset({Phase.REVERTING, Phase.RETREATING})
REJECTING = frozenset({Outcome.ROLLED_BACK, Outcome.INCONCLUSIVE, Outcome.ABORTED})
"""Outcomes after which the same template is not tried again until it is edited or retried."""
