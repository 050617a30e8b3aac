"""The order is the specification: the first rule that answers wins. A test pins this table."""

from __future__ import annotations

from controller.core.decision import Guard
from controller.core.guards import (
    adoption,
    back,
    canary,
    climb,
    edits,
    holding,
    leaving,
    promotion,
    rest,
    watch,
)

ORDER: tuple[Guard, ...] = (
    leaving.namespace_ending,      # a terminating namespace: everything is let go
    leaving.leaving,               # a deleted Rollout undoes its traces
    back.aborted_by_person,        # one person can always stop a release
    back.harm_found,               # harm goes before all but letting go and a person's Abort
    back.canary_crashing,          # the hard rule beside the statistics
    back.contained_already,        # a crash between containment and its record
    adoption.recreated,            # a new Deployment under the old name inherits nothing
    back.reverting,                # an absorb that is being undone
    back.retreating,               # the way back, to its end
    leaving.finalizer_missing,     # the way out is certain before anything is touched
    rest.invalid,                  # a broken spec starts nothing
    adoption.workload_missing,
    adoption.workload_taken,
    adoption.adoption,
    edits.withdrawn,               # back to the stable template: nothing left to release
    edits.superseded,              # a newer edit replaces the run in hand
    edits.person_decides,          # Hold, Release, Promote
    canary.scaled_to_zero,
    canary.canary_lost,            # no pods under traffic: weight 0 until they are back
    promotion.settling,
    promotion.absorbing_underneath,
    promotion.absorbing,
    canary.canary_starting,        # pods before traffic
    climb.traffic_lags,            # written, then shown, then it counts
    holding.weight_held,           # people, broken references and missing data hold
    rest.start,
    climb.gathering,               # evidence moves a step, or a deadline ends the wait
    watch.shifted,
    watch.watching,
    rest.leftovers,                # traces of a run that is not recorded
    rest.blocked,                  # broken references are shown at rest
    rest.proposal,
    rest.at_rest,
)  # fmt: skip


def asks(guard: Guard) -> str:
    """What a rule says it does, for people: the first paragraph of its docstring, on one line."""
    return " ".join((guard.__doc__ or "").strip().split("\n\n")[0].split())
