"""Which answers without a series are zeros that were seen."""

from __future__ import annotations

import pytest

from analysis.ticks import Interval
from analysis.ticks import NoData as MissingTick
from controller.metrics.counting import ArmTick, RatioCounter
from controller.metrics.port import ARMS, Arm, NoData, Reading, Role, Samples, Series, Wanted
from controller.runtime.arm_ticks import arm_ticks
from controller.runtime.attendance import Attendance
from controller.runtime.samples import SampleBuffer

PART = RatioCounter(part=True, labels=frozenset({"code"}))
NONE = NoData("no series in the window", empty=True)
TIMES = (4.0, 9.0, 14.0)


def series(**labels: str) -> Samples:
    return Samples((Series("r", tuple(sorted(labels.items())), tuple((at, at) for at in TIMES)),))


def read(
    counter: RatioCounter, answers: dict[tuple[Role, Arm], Reading], *, rereads: bool = True
) -> dict[Arm, ArmTick]:
    buffer = SampleBuffer()
    asked = {
        Wanted("errors", role, arm, f'r{{code=~"5..",arm="{arm}"}}'): answer
        for (role, arm), answer in answers.items()
    }
    buffer.add(asked, 0.0, paged=not rereads)
    interval = Interval(5.0, 10.0)
    return arm_ticks(buffer, Attendance(), "errors", counter, interval, rereads=rereads)


@pytest.mark.parametrize("rereads", [True, False])
@pytest.mark.parametrize("answer", [NONE, Samples(())])
def test_no_errors_are_a_zero_where_requests_carry_the_label_and_no_data_where_none_does(
    answer: Reading, rereads: bool
) -> None:
    answers: dict[tuple[Role, Arm], Reading] = {
        ("events", "canary"): answer,
        ("exposures", "canary"): series(pod="c", status="200"),
        ("events", "stable"): answer,
        ("exposures", "stable"): series(pod="s", code="200"),
    }
    arms = read(PART, answers, rereads=rereads)
    assert arms["stable"].events.samples == {}
    assert arms["canary"].events.samples == MissingTick(
        "metric errors, events of the canary arm: no series, and none of the exposures has the "
        'label code; is it named otherwise? query: r{code=~"5..",arm="canary"}'
    )


def test_a_question_that_met_trouble_keeps_its_own_reason() -> None:
    answers: dict[tuple[Role, Arm], Reading] = {
        (role, arm): series(pod=arm) for role in PART.roles for arm in ARMS
    }
    answers["events", "canary"] = NoData("HTTP 503")
    arms = read(PART, answers)
    assert arms["canary"].events.samples == MissingTick("HTTP 503")
    assert arms["stable"].events.series  # what shows a series needs no proof
