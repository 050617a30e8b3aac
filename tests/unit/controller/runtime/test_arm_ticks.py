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


# -- a counter that has no series before its first event ------------------------------------------

ORDERS = RatioCounter()


def shop(**more: Reading) -> dict[tuple[Role, Arm], Reading]:
    """All answers, but those of the canary's events."""
    found: dict[tuple[Role, Arm], Reading] = {
        ("events", "canary"): NONE,
        ("exposures", "canary"): series(pod="c"),
        ("events", "stable"): series(pod="s"),
        ("exposures", "stable"): series(pod="s"),
    }
    return found | {
        (role, arm): more[f"{arm}_{role}"] for role, arm in found if f"{arm}_{role}" in more
    }


def test_a_canary_that_shows_no_events_beside_its_exposures_has_counted_none() -> None:
    canary = read(ORDERS, shop())["canary"]
    assert canary.events.samples == {}
    assert canary.events.answered == {"pod=c": [*TIMES]}
    assert "nothing goes up on that; query: r{" in canary.doubt


@pytest.mark.parametrize(
    "other",
    [
        {"stable_events": NONE},  # nobody knows the counter
        {"stable_exposures": series(pod="gateway")},  # it says nothing of the pods
        {"canary_exposures": NONE},
        {"canary_events": NoData("HTTP 503")},
        {"stable_exposures": Samples((Series("r", (("pod", "s"),), ((3.0, 1.0), (8.0, 1.0))),))},
    ],
)
def test_it_is_no_data_where_the_answers_prove_less(other: dict[str, Reading]) -> None:
    canary = read(ORDERS, shop(**other))["canary"]
    assert isinstance(canary.events.samples, MissingTick)
    assert canary.doubt == ""


def test_stable_without_a_series_of_events_is_no_data() -> None:
    arms = read(ORDERS, shop(canary_events=series(pod="c"), stable_events=NONE))
    assert isinstance(arms["stable"].events.samples, MissingTick)


def test_no_errors_among_requests_are_not_doubted() -> None:
    answers = shop(
        canary_exposures=series(pod="c", code="200"), stable_exposures=series(pod="s", code="200")
    )
    assert read(PART, answers)["canary"].doubt == ""


def test_the_first_event_of_a_target_that_is_read_in_one_go_is_counted_from_zero() -> None:
    born = Samples((Series("r", (("pod", "c"),), ((9.0, 3.0), (14.0, 4.0))),))
    events = read(ORDERS, shop(canary_events=born))["canary"].events
    assert events.answered == {"pod=c": [*TIMES]}
    other = Samples((Series("r", (("pod", "c"),), ((8.0, 3.0), (14.0, 4.0))),))
    events = read(ORDERS, shop(canary_events=other))["canary"].events
    assert events.answered == {"pod=c": [8.0, 14.0]}
