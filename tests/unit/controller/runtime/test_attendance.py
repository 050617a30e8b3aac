"""Who was in an arm when, from looks alone; and whose samples are still to come."""

from __future__ import annotations

from controller.metrics.port import Pod
from controller.runtime.attendance import Attendance
from controller.runtime.evidence import Arm, Run
from tests.unit.controller.runtime.scripted import Scripted, Shop, plan, run

PLAN = plan(Scripted(Shop(), rereads=True))


def with_stable(*names: str) -> Run:
    return run(PLAN, stable=Arm("old", "checkout", tuple(Pod(name, "10.0.0.1") for name in names)))


def test_a_pod_joined_after_the_look_before_and_left_before_the_look_that_misses_it() -> None:
    seen = Attendance.of(with_stable("a", "b"), 10.0).at(with_stable("a", "b"), 20.0)
    changed = seen.at(with_stable("b", "c"), 30.0)
    assert changed.presence["stable"].joined == {"c": 20.0}
    assert changed.presence["stable"].left == {"a": 30.0}
    assert changed.presence["canary"].left == {}
    assert changed.at(with_stable("b", "c"), 40.0).presence == changed.presence


def test_a_pod_that_is_back_has_not_left() -> None:
    seen = Attendance.of(with_stable("a", "b"), 10.0).at(with_stable("b"), 20.0)
    back = seen.at(with_stable("a", "b"), 30.0)
    assert back.presence["stable"].left == {}
    assert back.presence["stable"].joined == {"a": 20.0}


def test_a_target_is_late_until_it_shows_a_sample_after_the_tick() -> None:
    seen = Attendance.of(with_stable("a", "b"), 10.0)
    answered = {"pod=a": [11.0, 26.0], "pod=b": [9.0]}
    assert seen.late("stable", answered, 20.0) == [9.0]
    assert seen.late("stable", answered, 30.0) == [26.0, 9.0]
    assert seen.at(with_stable("a"), 20.0).late("stable", answered, 20.0) == []


def test_a_pod_that_joined_is_late_where_others_of_its_arm_show_themselves() -> None:
    seen = Attendance.of(with_stable("a"), 10.0).at(with_stable("a", "c"), 20.0)
    assert seen.late("stable", {"pod=a": [11.0, 26.0]}, 20.0) == [10.0]
    assert seen.late("stable", {"instance=gateway": [11.0, 26.0]}, 20.0) == []
