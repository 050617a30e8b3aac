"""One look from outside, without live caches: what the operator would see of one Rollout right now.

For `blastdoor explain`. Reads each kind once, in the Rollout's namespace, with the reader's own
rights; writes nothing. The evidence is that of the Change's status, as only the operator samples.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from controller.api.change import Change
from controller.api.rollout import Rollout
from controller.core.observed import Evidence, HoldMode, Observed, Verdict
from controller.core.phases import CARRYING
from controller.core.run import phase, running
from controller.kube.port import Cluster
from controller.runtime.facts import last_hold_mode, observe
from controller.runtime.judgement import Judgement
from controller.runtime.objects import look
from controller.runtime.plugins import Registry
from controller.runtime.world import World


@dataclass(frozen=True)
class Glance:
    """What was seen, and which kinds could not be read: those count as absent."""

    observed: Observed
    unread: tuple[str, ...] = ()


async def glance(cluster: Cluster, rollout: Rollout, plugins: Registry) -> Glance:
    """The facts about one Rollout as they stand; `unread` says what the reader may not list."""
    world = World(cluster, plugins, namespace=rollout.namespace)
    unread = await world.read_once()
    objects = look(world, rollout)
    seen = observe(
        objects,
        blocks=Judgement(plugins).blocks(objects),
        hold_mode=last_hold_mode(rollout) or HoldMode.ON_CHANGE,
    )
    change = running(seen)
    if change is not None and phase(seen) in CARRYING:
        seen = dataclasses.replace(seen, evidence=recorded_evidence(change))
    return Glance(seen, unread)


def recorded_evidence(change: Change) -> Evidence | None:
    """The evidence as the operator last wrote it down; None before the first tick."""
    status = change.status
    if not status.verdict:
        return None
    silent = f"no data since {status.no_data_since:%H:%M:%S}Z" if status.no_data_since else ""
    return Evidence(
        verdict=Verdict(status.verdict),
        explain=f"evidence as of {status.window_end:%H:%M:%S}Z" if status.window_end else "",
        no_data=silent,
        no_data_since=status.no_data_since,
        doubt=status.doubt,
        window_end=status.window_end,
        seen_until=status.window_end,
        reports=status.metrics,
        log_harm=status.log_harm,
        log_threshold=status.log_threshold,
        orders_lost=status.orders_lost,
    )
