from typing import Any

import numpy as np
import pytest

from analysis.backtest import Recording, aa_test, replay, stable_pods, turning_points
from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec
from analysis.verdict import Reason, Verdict

ORDERS = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7),), expected_rate=50.0)
SPEC = ReleaseSpec((ORDERS,), shares=(0.1,), tick_s=10.0)


def recorded(
    ratio: float = 1.0, seconds: int = 900, *, pods: int = 9, bias: float = 1.0
) -> Recording:
    """Counters of one canary pod and ``pods`` stable ones, scraped each 10 s."""
    rng = np.random.default_rng(1)

    def pod(name: str, true: float) -> dict[str, dict[str, list[list[float]]]]:
        sessions = np.cumsum(rng.poisson(1667, seconds // 10 + 1))
        orders = np.cumsum(rng.poisson(50 * true, seconds // 10 + 1))
        at = range(0, seconds + 1, 10)
        return {
            "events": {f"{name}/a": [[t, float(v)] for t, v in zip(at, orders, strict=True)]},
            "exposures": {f"{name}/a": [[t, float(v)] for t, v in zip(at, sessions, strict=True)]},
        }

    stable = [pod(f"s{i}", bias if i == 0 else 1.0) for i in range(pods)]
    baseline = {
        part: {key: value for one in stable for key, value in one[part].items()}
        for part in ("events", "exposures")
    }
    arms = {"canary": pod("c", ratio), "baseline": baseline}
    return Recording.parse({"start_s": 0, "end_s": seconds, "metrics": {"orders": arms}})


def test_a_recorded_loss_is_rolled_back_and_a_good_release_steps_up() -> None:
    bad = list(replay(SPEC, recorded(0.5)))
    assert bad[-1].assessment.verdict is Verdict.ROLLBACK
    assert bad[-1].end_s <= 120
    good = list(replay(SPEC, recorded()))
    assert good[-1].assessment.verdict is Verdict.STEP_UP


def test_turning_points_tell_the_story_without_repeating_it() -> None:
    told = turning_points(replay(SPEC, recorded()))
    reasons = [moment.assessment.reason for moment in told]
    assert reasons[0] is Reason.NO_DATA
    assert Reason.BAKING in reasons
    assert len(told) < 10
    assert turning_points([]) == []


def test_a_metric_that_was_not_recorded_holds() -> None:
    errors = MetricSpec("errors", "Increase", 1.1, margins=(Margin(2.0),))
    both = ReleaseSpec((ORDERS, errors), shares=(0.1,))
    last = list(replay(both, recorded()))[-1]
    assert last.assessment.reason is Reason.NO_DATA


def test_equal_pods_give_no_false_alarm_and_a_biased_one_does() -> None:
    calm = aa_test(SPEC, recorded(), np.random.default_rng(1), splits=5)
    assert (calm.splits, calm.alarms) == (5, 0)
    biased = aa_test(SPEC, recorded(bias=0.6), np.random.default_rng(1), splits=20)
    assert biased.alarms >= 1


def test_steps_are_those_of_the_recording() -> None:
    recording = Recording.parse(
        {
            "start_s": 0,
            "end_s": 60,
            "steps": [[0, 0], [30, 1]],
            "metrics": {"orders": {"canary": {}, "baseline": {}}},
        }
    )
    assert [recording.step_at(t) for t in (0, 29, 30)] == [(0, 0), (0, 0), (1, 30)]
    assert stable_pods(recording) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Recording.parse({"start_s": 0, "end_s": 1}), "has no metrics"),
        (lambda: Recording(1.0, 1.0, {}), "must end after it starts"),
        (lambda: Recording(0.0, 1.0, {}, ((5.0, 0), (5.0, 1))), "in order of time"),
        (lambda: aa_test(SPEC, recorded(), np.random.default_rng(1), canaries=9), "canaries must"),
        (lambda: aa_test(SPEC, recorded(), np.random.default_rng(1), splits=0), "splits must"),
    ],
)
def test_bad_recordings_say_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
