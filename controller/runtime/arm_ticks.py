"""What was read of both arms for one metric around a tick, as its counter takes it.

Here it is settled which answers without a series are zeros that were seen. It must not know steps,
evidence or clocks. Called by `folding`.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.ticks import Interval
from analysis.ticks import NoData as MissingTick
from controller.metrics.counting import ArmTick
from controller.metrics.port import ARMS, Arm
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
        if counter.part and rereads:
            events = replace(events, answered=exposures.answered)
        label = label_unknown(counter.labels, exposures.series)
        if label is not None and _shows_nothing(events) and exposures.series:
            slot = (metric, counter.roles[0], arm)
            events = replace(events, samples=_never_matches(slot, label, samples.query(slot)))
        return ArmTick(events, exposures, attendance.presence[arm])

    return {arm: read(arm) for arm in ARMS}


def _shows_nothing(role: RoleTick) -> bool:
    """Whether an answer came, and it was that there is no series."""
    return not isinstance(role.samples, MissingTick) and not any(role.samples.values())


def _never_matches(slot: Slot, label: str, query: str) -> MissingTick:
    metric, role, arm = slot
    return MissingTick(
        f"metric {metric}, {role} of the {arm} arm: no series, and none of the exposures has the "
        f"label {label}; is it named otherwise? query: {query:.{SHOWN}}"
    )
