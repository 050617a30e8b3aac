from typing import Any

import numpy as np
import pytest

from analysis.backtest import replay, turning_points
from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.recording import MetricRecord, Recording
from analysis.release import ReleaseSpec
from analysis.verdict import Reason, Verdict
from tests.unit.analysis.recordings import recorded, recorded_document

ORDERS = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7),), expected_rate=50.0)
SPEC = ReleaseSpec((ORDERS,), shares=(0.1,), tick_s=10.0)
EDGES = (0.1, 0.3)
SLOW = MetricSpec("latency", "Increase", 1.1, margins=(Margin(1.5),), edges=2, promotion_edges=(1,))
LATENCY = ReleaseSpec((SLOW,), shares=(0.1,), tick_s=10.0)


def slow_recording(worse: float, seconds: int = 900) -> Recording:
    """Histograms of one canary pod and nine stable ones; ``worse``: factor on its slow share."""
    rng, at = np.random.default_rng(3), range(0, seconds + 1, 10)

    def pod(name: str, factor: float) -> dict[str, list[list[float]]]:
        cells = rng.multinomial(1000, [1 - 0.3 * factor, 0.2 * factor, 0.1 * factor], len(at))
        bounds = ("0.1", "0.3", "+Inf")
        return {
            f"{name}/job=x,le={bound}": [[t, float(v)] for t, v in zip(at, column, strict=True)]
            for bound, column in zip(bounds, np.cumsum(np.cumsum(cells, 1), 0).T, strict=True)
        }

    stable = {key: one for i in range(9) for key, one in pod(f"s{i}", 1.0).items()}
    arms = {"canary": {"buckets": pod("c", worse)}, "baseline": {"buckets": stable}}
    return Recording.parse({"start_s": 0, "end_s": seconds, "metrics": {"latency": arms}})


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


def test_a_recorded_histogram_is_judged_at_its_edges() -> None:
    bad = list(replay(LATENCY, slow_recording(2.0), edges={"latency": EDGES}))
    assert bad[-1].assessment.verdict is Verdict.ROLLBACK
    good = list(replay(LATENCY, slow_recording(1.0), edges={"latency": EDGES}))
    assert good[-1].assessment.verdict is Verdict.STEP_UP
    (shown,) = good[-1].assessment.metrics
    # the edge of the objective: a tenth of the requests is slower
    assert 0.09 < shown.canary_events / shown.canary_exposures < 0.11


def test_pods_that_end_for_good_do_not_blind_the_rest() -> None:
    document = recorded_document(seconds=900)
    gone = document["metrics"]["orders"]["baseline"]
    for part in gone.values():
        part["s0/a"] = [sample for sample in part["s0/a"] if sample[0] <= 300]
    looks = list(replay(SPEC, Recording.parse(document)))
    assert looks[-1].assessment.verdict is Verdict.STEP_UP
    missing = [look.assessment.missing for look in looks[1:]]
    assert missing == sorted(missing, reverse=True)


def test_pods_that_come_back_leave_a_gap_in_both_arms() -> None:
    document = recorded_document(seconds=900)
    for part in document["metrics"]["orders"]["baseline"].values():
        part["s0/a"] = [sample for sample in part["s0/a"] if not 300 < sample[0] < 420]
    looks = {look.end_s: look for look in replay(SPEC, Recording.parse(document))}
    assert looks[300].assessment.missing < looks[420].assessment.missing


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: replay(LATENCY, slow_recording(1.0)), "needs 2 edges"),
        (lambda: replay(LATENCY, slow_recording(1.0), edges={"latency": (0.3,)}), "came 1"),
        (
            lambda: replay(
                ReleaseSpec((SLOW,), shares=(0.1,)),
                Recording(0, 20, {"latency": MetricRecord({}, {}, {}, {})}),
            ),
            "its spec has 2 edges",
        ),
        (lambda: replay(SPEC, Recording(0, 20, {}, ((0.0, 1),))), "the ladder has 1 shares"),
    ],
)
def test_a_recording_that_does_not_fit_its_spec_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(call())
