import math
from typing import Any

import pytest

from analysis.judge import JudgeOptions, Label, classify, group_score, judge_samples, summary_score

CALM = [10.0, 11.0, 12.0, 10.5, 11.5, 12.5]
HIGH = [value + 20.0 for value in CALM]


@pytest.mark.parametrize(
    ("direction", "baseline", "canary", "label"),
    [
        ("increase", CALM, HIGH, Label.HIGH),
        ("either", CALM, HIGH, Label.HIGH),
        ("decrease", CALM, HIGH, Label.PASS),
        ("decrease", HIGH, CALM, Label.LOW),
        ("increase", HIGH, CALM, Label.PASS),
        ("either", CALM, CALM[::-1], Label.PASS),
        ("either", [3.0] * 5, [3.0] * 9, Label.PASS),
        ("either", [], CALM, Label.NODATA),
    ],
)
def test_a_metric_is_labelled_by_direction(direction, baseline, canary, label) -> None:
    assert classify(baseline, canary, JudgeOptions(direction=direction)) is label


def test_nan_is_dropped_or_becomes_zero() -> None:
    absent = [math.nan] * 6
    assert classify(CALM, absent, JudgeOptions(nan="remove")) is Label.NODATA
    assert classify(CALM, absent, JudgeOptions(nan="replace")) is Label.LOW


def test_a_shift_within_the_tolerance_passes() -> None:
    noisy = [10.0, 14.0, 6.0, 18.0, 2.0, 12.0, 8.0, 16.0, 4.0, 11.0]
    up = [value + 9.0 for value in noisy]
    assert classify(noisy, up, JudgeOptions(tolerance=0.0)) is Label.HIGH
    assert classify(noisy, up, JudgeOptions(tolerance=0.9)) is Label.PASS


def test_outliers_are_removed_on_request_only() -> None:
    samples = list(range(100, 300)) + [100_000.0] * 2
    kept = JudgeOptions(outliers="remove", outlier_factor=1.0)
    assert classify(samples, samples[:200], kept) is Label.PASS
    assert classify([], samples, kept) is Label.NODATA


def test_scores_are_shares_of_pass_weighted_by_group() -> None:
    found = judge_samples(
        {"errors": (CALM, HIGH), "orders": (CALM, CALM), "cpu": ([], CALM)},
        {
            "errors": JudgeOptions(groups=("a",)),
            "orders": JudgeOptions(groups=("a", "b")),
            "cpu": JudgeOptions(groups=("c",)),
        },
        group_weights={"a": 50.0, "b": 30.0},
    )
    assert dict(found.groups) == {"a": 50.0, "b": 100.0, "c": None}
    assert found.score == 55.0
    assert found.verdict == "Fail"
    assert found.labels["cpu"] is Label.NODATA


def test_a_critical_failure_makes_the_score_zero() -> None:
    samples = {"errors": (CALM, HIGH), "orders": (CALM, CALM)}
    assert judge_samples(samples).score == 50.0
    assert judge_samples(samples, {"errors": JudgeOptions(critical=True)}).score == 0.0
    assert judge_samples(samples, marginal=40.0).verdict == "Marginal"
    assert judge_samples({"orders": (CALM, CALM)}).verdict == "Pass"


def test_a_group_of_nodata_has_no_score() -> None:
    assert group_score([Label.NODATA]) is None
    assert summary_score({"a": None}, {}) == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: JudgeOptions(nan="keep"), "nan must be one of"),  # type: ignore[arg-type]
        (lambda: JudgeOptions(outlier_factor=0.0), "outlier_factor must"),
        (lambda: summary_score({}, {"a": 120.0}), "percent"),
    ],
)
def test_bad_options_say_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
