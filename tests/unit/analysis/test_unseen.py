"""A share of requests so large that the margin above it would be more than all of them."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseTick, update
from analysis.ticks import Counts, Interval
from analysis.unseen import saturated_share
from tests.unit.analysis.releases import ERRORS, LATENCY, spec

SEEN = Margin(2.0)


def share_of(*slow: float, margin: Margin | None = SEEN, of: MetricSpec = LATENCY) -> float | None:
    """Of a tick in which these parts of the baseline's requests are beyond the three edges."""
    metric = replace(of, margins=(margin, *of.margins[1:]), warms_up=False)
    release = spec(metric)
    n_c, n_b = np.full(3, 20.0), np.full(3, 1000.0)
    counts = Counts(0.5 * n_c, n_c, np.array(slow) * n_b, n_b)
    tick = ReleaseTick(Interval(0, 10), 0, 0.02, {metric.name: counts})
    state = update(release, release.start(), tick)
    return saturated_share(metric, state.metrics[metric.name], 0)


def test_a_margin_that_would_be_more_than_all_cannot_be_seen() -> None:
    assert share_of(0.9, 0.6, 0.1) == pytest.approx(0.6)
    assert share_of(0.9, 0.49, 0.1) is None


def test_only_the_edges_that_promotion_needs_are_looked_at() -> None:
    assert share_of(1.0, 0.1, 0.1) is None
    assert share_of(1.0, 0.1, 0.7) == pytest.approx(0.7)


def test_of_a_ratio_and_a_difference_the_wider_one_counts() -> None:
    assert share_of(1.0, 0.8, 0.1, margin=Margin(1.1, 0.3)) == pytest.approx(0.8)
    assert share_of(1.0, 0.8, 0.1, margin=Margin(1.1, 0.1)) is None
    assert share_of(1.0, 0.8, 0.1, margin=Margin(difference=0.2)) == pytest.approx(0.8)


def test_a_step_that_asks_for_nothing_hides_nothing() -> None:
    assert share_of(1.0, 1.0, 1.0, margin=None) is None


def test_a_share_can_always_fall() -> None:
    fewer = replace(LATENCY, direction="Decrease", tolerated_ratio=0.9, margins=(None,) * 4)
    assert share_of(1.0, 1.0, 1.0, margin=Margin(0.5), of=fewer) is None


def test_without_a_tick_nothing_is_known_and_a_metric_without_edges_may_count_more_than_once() -> (
    None
):
    state = spec(LATENCY, ERRORS).start()
    assert saturated_share(LATENCY, state.metrics["latency"], 0) is None
    assert saturated_share(ERRORS, state.metrics["errors"], 0) is None


def test_the_share_is_that_of_the_step() -> None:
    metric = replace(LATENCY, warms_up=False)
    release = spec(metric)
    state, n_c, n_b = release.start(), np.full(3, 100.0), np.full(3, 900.0)
    for number, slow in enumerate((0.1, 0.9)):
        counts = Counts(slow * n_c, n_c, slow * n_b, n_b)
        interval = Interval(10 * number, 10 * number + 10)
        state = update(release, state, ReleaseTick(interval, number, 0.1, {"latency": counts}))
    assert saturated_share(metric, state.metrics["latency"], 1) == pytest.approx(0.9)
