import json
import math
from typing import Any

import pytest

from analysis.counters import Sample
from analysis.recording import Feed, HistogramRecord, MetricRecord, Recording

EMPTY: dict[str, Any] = {"canary": {}, "baseline": {}}


def test_steps_are_those_of_the_recording() -> None:
    recording = Recording.parse(
        {"start_s": 0, "end_s": 60, "steps": [[0, 0], [30, 1]], "metrics": {"orders": EMPTY}}
    )
    assert [recording.step_at(t) for t in (0, 29, 30)] == [(0, 0), (0, 0), (1, 30)]
    assert recording.stable_pods() == []


def test_a_metric_with_buckets_is_a_histogram_whichever_arm_has_them() -> None:
    buckets = {"buckets": {"a/le=1": [[0, 1]]}}
    for arm in ("canary", "baseline"):
        document = {"start_s": 0, "end_s": 1, "metrics": {"slow": {**EMPTY, arm: buckets}}}
        found = Recording.parse(json.loads(json.dumps(document))).metrics["slow"]
        assert isinstance(found, HistogramRecord)


def test_a_split_plays_chosen_stable_pods_as_the_canary_and_forgets_the_canary() -> None:
    sample = (Sample(0.0, 1.0),)
    events = {"a/x": sample, "b/x": sample}
    recording = Recording(
        0,
        1,
        {
            "orders": MetricRecord({"c/x": sample}, {"c/y": sample}, events, events),
            "slow": HistogramRecord({"c/le=1": sample}, {"a/le=1": sample, "b/le=1": sample}),
        },
    )
    split = recording.split(["b"])
    assert [sorted(group) for group in split.metrics["orders"].groups] == [
        ["b/x"], ["b/x"], ["a/x"], ["a/x"],
    ]  # fmt: skip
    assert [sorted(group) for group in split.metrics["slow"].groups] == [["b/le=1"], ["a/le=1"]]
    assert recording.stable_pods() == ["a", "b"]


def test_samples_are_dealt_out_once_in_order_and_a_series_that_stops_is_marked_ended() -> None:
    alive = tuple(Sample(t, t) for t in (0.0, 10.0, 20.0, 30.0))
    record = HistogramRecord({"a/le=1": alive[:2]}, {"b/le=1": alive})
    feed = Feed(record, recording_end_s=30.0, ends_after_s=15.0)
    first = list(feed.until(10.0))
    assert first == [{"a/le=1": alive[:2]}, {"b/le=1": alive[:2]}]
    ours, theirs = feed.until(30.0)
    assert [math.isnan(sample.value) for sample in ours["a/le=1"]] == [True]
    assert theirs == {"b/le=1": alive[2:]}
    assert list(feed.until(40.0)) == [{}, {}]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Recording.parse({"end_s": 1}), "must have start_s in seconds; came None"),
        (lambda: Recording.parse({"start_s": "0", "end_s": 1}), "start_s in seconds; came '0'"),
        (lambda: Recording.parse({"start_s": 0, "end_s": 1, "metrics": [1]}), "no metrics by name"),
        (
            lambda: Recording.parse({"start_s": 0, "end_s": 1, "metrics": {"o": [1]}}),
            "metric o of the recording has no canary",
        ),
        (
            lambda: Recording.parse(
                {"start_s": 0, "end_s": 1, "metrics": {"o": EMPTY}, "steps": [3]}
            ),
            "steps must be",
        ),
        (lambda: Recording.parse({"start_s": 0, "end_s": 1}), "has no metrics"),
        (lambda: Recording(1.0, 1.0, {}), "must end after it starts"),
        (lambda: Recording(0.0, math.nan, {}), "must have finite ends"),
        (lambda: Recording(0.0, 1.0, {}, ((5.0, 0), (5.0, 1))), "in order of time"),
        (lambda: Recording(0.0, 1.0, {}, ()), "in order of time"),
        (lambda: Recording(0.0, 1.0, {}, ((0.0, -1),)), "indexes >= 0"),
        (
            lambda: Recording.parse(
                {"start_s": 0, "end_s": 1, "metrics": {"o": {**EMPTY, "canary": {"events": [1]}}}}
            ),
            "series of metric o must be",
        ),
        (
            lambda: Recording.parse(
                {
                    "start_s": 0,
                    "end_s": 1,
                    "metrics": {"o": {**EMPTY, "canary": {"events": {"a": [1]}}}},
                }
            ),
            "series of metric o must be",
        ),
    ],
)
def test_bad_recordings_say_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
