from typing import Any

import numpy as np
import pytest

from analysis.aa import aa_test, pod_effects
from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.recording import HistogramRecord, Recording
from analysis.release import ReleaseSpec
from tests.unit.analysis.recordings import recorded

ORDERS = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7),), expected_rate=50.0)
SPEC = ReleaseSpec((ORDERS,), shares=(0.1,), tick_s=10.0)


def seeded() -> np.random.Generator:
    return np.random.default_rng(1)


def test_equal_pods_give_no_false_alarm() -> None:
    calm = aa_test(SPEC, recorded(), seeded(), splits=5)
    assert (calm.splits, calm.alarms) == (5, 0)
    assert all(split.why == "" and split.alarm_s is None for split in calm.played)
    assert len(calm.highest_log_e) == 5
    assert calm.pods["orders"].p > 0.01


def test_a_biased_pod_is_found_named_and_measured() -> None:
    biased = aa_test(SPEC, recorded(bias=0.6), seeded(), splits=20)
    alarms = [split for split in biased.played if split.alarm_s is not None]
    assert biased.alarms == len(alarms) >= 1
    assert {split.canaries for split in alarms} == {("s0",)}
    assert "orders" in alarms[0].why
    effect = biased.pods["orders"]
    assert effect.p < 1e-6
    assert effect.low > 0.03


def test_more_pods_may_play_the_canary_and_the_seed_decides_which() -> None:
    one = aa_test(SPEC, recorded(seconds=60), seeded(), splits=3, canaries=4)
    two = aa_test(SPEC, recorded(seconds=60), seeded(), splits=3, canaries=4)
    assert one.played == two.played
    assert {len(split.canaries) for split in one.played} == {4}


def test_pods_are_compared_only_where_events_were_counted() -> None:
    silent = recorded(seconds=60).metrics["orders"]
    empty = Recording(0, 60, {"slow": HistogramRecord({}, {}), "orders": silent})
    assert set(pod_effects(empty)) == {"orders"}
    assert pod_effects(recorded(seconds=60, pods=1)) == {}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: aa_test(SPEC, recorded(), seeded(), canaries=9), r"canaries must lie in 1\.\.8"),
        (
            lambda: aa_test(SPEC, recorded(), seeded(), splits=0),
            "splits must be a whole number >= 1; came 0",
        ),
        (
            lambda: aa_test(SPEC, Recording(0, 5, recorded().metrics), seeded(), splits=1),
            "shorter than one tick",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
