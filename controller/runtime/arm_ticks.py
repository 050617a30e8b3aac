"""What was read of both arms for one metric around a tick, as its counter takes it.

Here it is settled which answers without a series are zeros that were seen. It must not know steps,
evidence or clocks. Called by `folding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.ticks import Interval
from analysis.ticks import NoData as MissingTick
from controller.metrics.counting import ArmTick
from controller.metrics.port import ARMS, Arm
from controller.metrics.presence import target_of
from controller.metrics.targets import RoleTick
from controller.metrics.zeros import label_unknown
from controller.runtime.attendance import Attendance
from controller.runtime.questions import Counter
from controller.runtime.samples import SampleBuffer, Slot

SHOWN = 300
"""Characters of a query that a reason shows."""


def arm_ticks(
    samples: SampleBuffer,
    attendance: Attendance,
    metric: str,
    counter: Counter,
    interval: Interval,
    *,
    rereads: bool,
) -> dict[Arm, ArmTick]:
    """Samples of one metric by arm. rereads: they are a server's, not read page by page."""

    def read(arm: Arm) -> ArmTick:
        events, exposures = (
            samples.role((metric, role, arm), interval, zero=counter.part and first)
            for role, first in zip(counter.roles, (True, False), strict=True)
        )
        if rereads:
            answered = exposures.answered if counter.part else _together(events, exposures)
            events = replace(events, answered=answered)
        label = label_unknown(counter.labels, exposures.series)
        if label is not None and _shows_nothing(events) and exposures.series:
            slot = (metric, counter.roles[0], arm)
            events = replace(events, samples=_never_matches(slot, label, samples.query(slot)))
        return ArmTick(events, exposures, attendance.presence[arm])

    canary, stable = (read(arm) for arm in ARMS)
    if rereads and not counter.part and _of_one_page(stable):
        slot = (metric, counter.roles[0], ARMS[0])
        canary = _none_so_far(canary, samples.role(slot, interval, zero=True), samples.query(slot))
    return {"canary": canary, "stable": stable}


def _together(events: RoleTick, exposures: RoleTick) -> dict[str, Sequence[float]]:
    """When each target answered the question of the events, with a series of them or without.

    A target that shows its events, if at all, at the very moments of its exposures is read in one
    go: what it shows of one question only, it would show of the other. Were its first event not
    counted from zero, it would be lost for being the first.
    """
    found = dict(events.answered)
    for target, times in exposures.answered.items():
        own = events.answered.get(target, ())
        if not own or [*own] == [at_s for at_s in times if own[0] <= at_s <= own[-1]]:
            found[target] = times
    return found


def _of_one_page(tick: ArmTick) -> bool:
    """Whether an arm shows events, on targets that show its exposures at the same moments."""
    answered = tick.exposures.answered
    shown = {target_of(key) for key in tick.events.series}
    return bool(shown) and all(
        target in answered and tick.events.answered.get(target) == answered[target]
        for target in shown
    )


def _none_so_far(canary: ArmTick, events: RoleTick, query: str) -> ArmTick:
    """The canary where stable's targets show events and its own, which show exposures, do not.

    A counter with labels has no series before its first event, so this is what a canary looks like
    that has never sold anything. It is also what one looks like that renamed the counter: nothing
    goes up on that.
    """
    if not _shows_nothing(events) or not canary.exposures.series:
        return canary
    doubt = (
        "the canary has no series of the events, which stable has; none is counted, and nothing "
        f"goes up on that; query: {query:.{SHOWN}}"
    )
    return replace(canary, events=RoleTick({}, canary.exposures.answered), doubt=doubt)


def _shows_nothing(role: RoleTick) -> bool:
    """Whether an answer came, and it was that there is no series."""
    return not isinstance(role.samples, MissingTick) and not any(role.samples.values())


def _never_matches(slot: Slot, label: str, query: str) -> MissingTick:
    metric, role, arm = slot
    return MissingTick(
        f"metric {metric}, {role} of the {arm} arm: no series, and none of the exposures has the "
        f"label {label}; is it named otherwise? query: {query:.{SHOWN}}"
    )
