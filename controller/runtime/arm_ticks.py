"""What was read of both arms for one metric around a tick, as its counter takes it.

Here it is settled which answers without a series are zeros that were seen. It must not know steps,
evidence or clocks. Called by `folding`.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.ticks import Interval
from controller.metrics.counting import ArmTick
from controller.metrics.port import ARMS, Arm
from controller.runtime.attendance import Attendance
from controller.runtime.questions import Counter
from controller.runtime.samples import SampleBuffer


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
        return ArmTick(events, exposures, attendance.presence[arm])

    return {arm: read(arm) for arm in ARMS}
