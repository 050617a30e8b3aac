"""Whether all of an arm was seen through a tick: pods that its answers leave out, and why.

A process that fails is the one that falls silent, so what is left out is not like the rest. It
knows pods and their answers; not counts, evidence or providers. Called by `counting`.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence, Set

from analysis.ticks import Interval
from controller.metrics.presence import Presence, pod_of, target_of
from controller.metrics.targets import Begun, Edges, RoleTick

SHOWN = 3
"""Pods that a reason names; the rest is a number."""


def hidden_pods(edges: Edges, role: RoleTick) -> dict[str, str] | None:
    """Pods that can have served something in the tick and do not show all of it, with why; None
    where the question is not told apart by pods of the arm.

    A target that answered, with no series of this question, was seen; but only one of a kind that
    has some: what a sidecar answers says nothing of the program beside it.
    """
    members = edges.presence.members
    counted = {target_of(key) for key in role.series}
    kinds = {_kind(target) for target in counted}
    answered = {
        target: times
        for target, times in role.answered.items()
        if pod_of(target) in members and (not kinds or _kind(target) in kinds)
    }
    if not answered:
        return None
    whys = {target: edges.why_unseen(times) for target, times in answered.items()}
    seen = {pod_of(target) for target, why in whys.items() if why is None}
    silent = {pod_of(target): why for target, why in whys.items() if why is not None}
    concerned = {pod for pod in members if edges.presence.concerns(pod, edges.interval)}
    return {pod: silent.get(pod, "shows nothing") for pod in sorted(concerned - seen)}


def hidden_from_one(edges: Edges, roles: Sequence[RoleTick]) -> dict[str, str]:
    """Pods that one question does not show while another counts their traffic elsewhere, with why.

    Where orders are told apart by pods and exposures are a gateway's, a pod that nobody scrapes
    looks like one that sells nothing: a loss of its arm, or a gain of the other.
    """
    found = [hidden_pods(edges, role) for role in roles]
    if all(one is None for one in found) or None not in found:
        return {}
    return {pod: why for one in found if one for pod, why in one.items()}


def unseen_part(edges: Edges, begun: Begun, role: RoleTick, others: Set[str]) -> dict[str, str]:
    """What of an arm is not seen in a tick that is counted without it, with why.

    role: the question that counts the arm's exposures, begun: how it began. others: targets that
    answer the other arm as well, as gateways do; they are left out of both. What has just come is
    given the time in which a target may be silent.
    """
    found = {
        pod_of(target) or target: why
        for target, why in begun.left_out.items()
        if target not in others
    }
    found |= hidden_pods(edges, role) or {}
    latest_s = edges.interval.start_s - edges.policy.stale_s
    return {
        name: f"{why} ({role.silent[name]})" if name in role.silent else why
        for name, why in found.items()
        if edges.presence.came_s(name) <= latest_s
    }


def ended_for_both(
    arms: Sequence[tuple[Sequence[RoleTick], Presence]], interval: Interval, stale_s: float
) -> frozenset[str]:
    """Targets of neither arm, as gateways, that fell silent for both arms at one moment and have
    been silent for `stale_s` when the tick ends.

    What is no pod of an arm may come and go as it likes. Only moments decide, those of both arms
    alike and never a count, so what is left out does not depend on how either arm fares. Whose
    answers to one arm alone have stopped may be failing, and is waited for.
    """
    newest = [_newest_before(interval.end_s, roles, presence.members) for roles, presence in arms]
    shared = set.intersection(*(set(one) for one in newest))
    ended = {
        target
        for target in shared
        if len({one[target] for one in newest}) == 1
        and interval.end_s - newest[0][target] > stale_s
    }
    # Where none is left it is the reading that fails, not a gateway that went.
    return frozenset(ended if ended != shared else ())


def _newest_before(end_s: float, roles: Sequence[RoleTick], members: Set[str]) -> dict[str, float]:
    """When each target that is no pod of the arm answered any question last, up to a moment."""
    found: dict[str, float] = {}
    for role in roles:
        for target, times in role.answered.items():
            place = bisect.bisect_right(times, end_s)
            if place and pod_of(target) not in members:
                found[target] = max(found.get(target, times[place - 1]), times[place - 1])
    return found


def words(missed: Mapping[str, str]) -> str:
    """The pods with their reasons, the first few by name."""
    named = [f"{name} {why}" for name, why in sorted(missed.items())[:SHOWN]]
    rest = len(missed) - len(named)
    return "; ".join(named) + (f"; and {rest} more" if rest else "")


def _kind(target: str) -> tuple[str, ...]:
    """What targets of one program have in common: the job and the port, not the address."""
    parts = dict(part.split("=", 1) for part in target.split(",") if "=" in part)
    return parts.get("job", ""), parts.get("instance", "").rpartition(":")[2]
