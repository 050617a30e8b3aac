import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.margins import Margin
from analysis.metric import (
    MetricSpec,
    metric_log_harm,
    metric_log_promote,
    mirrored,
)
from analysis.totals import Totals
from tests.unit.analysis.cases import tick
from tests.unit.analysis.releases import ERRORS, LATENCY, ORDERS, folded, spec, ticks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"direction": "Down"}, "Decrease, Increase or Both"),
        ({"weight": -1.0}, "weight of orders"),
        ({"weight": math.nan}, "weight of orders"),
        ({"dispersion_before": 0.5}, "dispersion"),
        ({"edges": 0}, "edges"),
        ({"promotion_edges": (3,)}, "edges"),
        ({"margins": (Margin(0.995),)}, "tighter than the tolerated ratio"),
        ({"margins": (Margin(1.2),)}, "below 1"),
        ({"tolerated_difference": 0.1, "margins": (Margin(difference=0.05),)}, "tighter"),
        ({"excess_margins": (Margin(1.2),)}, "one excess margin per step"),
    ],
)
def test_a_metric_that_makes_no_sense_says_what_is_allowed(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace(ORDERS, **change)


def test_a_margin_equal_to_what_is_tolerated_is_allowed() -> None:
    assert MetricSpec("e", "Increase", 1.1, (Margin(1.1),)).main_direction == "Increase"


def test_a_margin_has_its_mirror_on_the_other_side() -> None:
    assert mirrored(Margin(0.8, 0.1)) == Margin(1.25, 0.1)
    assert mirrored(None) is None


@pytest.mark.parametrize(
    ("tolerated", "margins", "side"),
    [
        (0.9, (None,), "Decrease"),
        (1.2, (None,), "Increase"),
        (1.0, (Margin(1.5),), "Increase"),
        (1.0, (None,), "Decrease"),
    ],
)
def test_a_two_sided_metric_speaks_of_the_side_of_its_numbers(
    tolerated: float, margins: Any, side: str
) -> None:
    assert MetricSpec("m", "Both", tolerated, margins).main_direction == side


def test_a_two_sided_metric_finds_harm_on_either_side_and_promotes_within_both() -> None:
    both = replace(ORDERS, direction="Both")
    of = spec(both)
    for faults, harmful in (({"orders": 0.5}, True), ({"orders": 1.8}, True), ({}, False)):
        state = folded(of, ticks(1, seconds=150, **faults)).metrics["orders"]
        assert (metric_log_harm(both, state) > math.log(100)) == harmful
        assert (metric_log_promote(both, state) > math.log(20)) != harmful


def test_more_orders_are_no_harm_but_may_bar_promotion() -> None:
    """Duplicate orders: suspicious, not a reason to roll back."""
    guarded = replace(ORDERS, excess_margins=(Margin(1.5), Margin(1.3), Margin(1.2), None))
    of = spec(guarded)
    state = folded(of, ticks(2, orders=2.0)).metrics["orders"]
    assert metric_log_harm(guarded, state) < 0.0
    assert metric_log_promote(guarded, state) < 0.0


def test_a_histogram_finds_slowness_at_any_edge_and_promotes_by_its_named_ones() -> None:
    of = spec(LATENCY, warm_up_s=2.0)
    well = folded(of, ticks(3, seconds=120)).metrics["latency"]
    slow = folded(of, ticks(3, seconds=120, slower=2.0)).metrics["latency"]
    assert metric_log_harm(LATENCY, well) < 0.0 < math.log(100) < metric_log_harm(LATENCY, slow)
    assert metric_log_promote(LATENCY, slow) < 0.0
    every = replace(LATENCY, promotion_edges=None)
    assert metric_log_promote(every, well) <= metric_log_promote(LATENCY, well)
    assert LATENCY.shown(np.array([1.0, 2.0, 3.0])) == 2.0


def test_batches_of_unknown_size_may_not_roll_back() -> None:
    assert not replace(ERRORS, batched=True).may_roll_back
    assert replace(ERRORS, batched=True, dispersion_before=3.0).may_roll_back
    assert not replace(ERRORS, weight=0.0).may_roll_back


def test_the_ratio_over_steps_is_not_fooled_by_a_changed_share() -> None:
    """Pooled rates would say 0.87 here though both steps say 1 (Simpson)."""
    totals = Totals.zero()
    for one in (tick(0, (10, 100), (900, 9000)), tick(10, (200, 4000), (200, 4000))):
        totals = totals.with_tick(one)
    assert float(totals.ratio()) == pytest.approx(1.0)
    assert float(totals.expected) == pytest.approx(210.0)


def test_totals_merge_as_one_pass() -> None:
    first, second = tick(0, (10, 100), (900, 9000)), tick(10, (200, 4000), (200, 4000))
    parts = Totals.zero().with_tick(first).merge(Totals.zero().with_tick(second))
    assert parts == Totals.zero().with_tick(first).with_tick(second)
    assert math.isnan(float(Totals.zero().ratio()))
