import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.release import ReleaseTick, update
from analysis.signals import signals
from analysis.ticks import Counts, Interval, NoData
from analysis.verdict import Reason, assess
from tests.unit.analysis.releases import ERRORS, LATENCY, ORDERS, SPEC, folded, spec, ticks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": ()}, "names of their own"),
        ({"metrics": (ORDERS, ORDERS)}, "names of their own"),
        ({"shares": ()}, "inside"),
        ({"shares": (0.1, 0.2, 0.3, 1.0)}, "inside"),
        ({"shares": (0.1,)}, "one margin"),
        ({"false_rollback": 0.0}, "false_rollback"),
        ({"false_promote": 1.0}, "false_promote"),
        ({"max_missing": 0.0}, "max_missing"),
        ({"tick_s": 0.0}, "tick_s"),
        ({"bake_s": -1.0}, "bake_s"),
        ({"bake_s": math.nan}, "bake_s"),
        ({"risk_metric": "money"}, "risk_metric"),
    ],
)
def test_a_release_that_makes_no_sense_says_what_is_allowed(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SPEC, **change)


def test_no_data_is_exactly_one_in_both_directions() -> None:
    state = folded(SPEC, ticks(0, dark=True, seconds=300))
    found = signals(SPEC, state)
    assert float(found.log_e) == 0.0
    assert found.log_promote.tolist() == [0.0, 0.0]
    assert float(found.to_promote) == 0.0
    assert not found.crossed
    assert not found.enough
    assert float(found.missing) == 1.0


def test_a_metric_that_no_tick_speaks_of_has_no_data() -> None:
    empty = ReleaseTick(Interval(0, 1), 0, 0.02, {})
    state = update(SPEC, SPEC.start(), empty)
    assert state.metrics["orders"].no_data == "not measured in this tick"


def test_a_tick_folded_before_changes_nothing_and_an_overlap_is_refused() -> None:
    one = next(ticks(0))
    state = folded(SPEC, iter([one]))
    assert update(SPEC, state, one) is state
    with pytest.raises(ValueError, match="overlaps"):
        update(SPEC, state, replace(one, interval=Interval(0.5, 1.5)))


def test_a_step_beyond_the_ladder_is_refused() -> None:
    with pytest.raises(ValueError, match="below 4"):
        update(SPEC, SPEC.start(), replace(next(ticks(0)), step=4))


def test_the_order_of_metrics_changes_nothing() -> None:
    turned = spec(ERRORS, ORDERS)
    a = signals(SPEC, folded(SPEC, ticks(3, orders=0.8)))
    b = signals(turned, folded(turned, ticks(3, orders=0.8)))
    assert float(a.log_e) == pytest.approx(float(b.log_e), abs=1e-12)
    assert a.log_promote[::-1].tolist() == b.log_promote.tolist()


def test_a_crossing_is_not_undone_by_what_comes_after() -> None:
    bad = folded(SPEC, ticks(4, orders=0.0, seconds=5))
    assert signals(SPEC, bad).crossed
    after = folded(SPEC, ticks(5, from_s=5, seconds=600), state=bad)
    assert signals(SPEC, after).crossed
    assert float(after.highest_log_e) >= SPEC.log_rollback


def test_a_metric_without_data_does_not_stop_the_others() -> None:
    def half_dark() -> Any:
        for one in ticks(6, orders=0.0, seconds=8):
            yield replace(one, counts={**one.counts, "errors": NoData("down")})

    assert signals(SPEC, folded(SPEC, half_dark())).crossed


def test_what_is_not_seen_of_the_canary_is_missing_and_does_not_hide_harm() -> None:
    def in_part(orders: float) -> Any:
        for one in ticks(6, orders=orders, seconds=30):
            yield replace(one, unseen={"orders": "pod c2 is silent"})

    well = folded(SPEC, in_part(1.0))
    assert well.metrics["orders"].no_data == "pod c2 is silent"
    assert float(well.metrics["orders"].gaps.missing_share()) == 1.0
    assert float(well.metrics["errors"].gaps.missing_share()) == 0.0
    assert assess(SPEC, well, step=0, step_elapsed_s=30.0).waiting is Reason.NO_DATA
    assert signals(SPEC, folded(SPEC, in_part(0.0))).crossed
    again = update(SPEC, well, next(ticks(7, from_s=30)))
    assert assess(SPEC, again, step=0, step_elapsed_s=31.0).waiting is Reason.DATA_MISSING


def test_warm_up_leaves_out_latency_and_is_no_gap() -> None:
    of = spec(ORDERS, LATENCY, warm_up_s=30.0)
    state = folded(of, ticks(7, slower=4.0, seconds=25))
    assert float(signals(of, state).log_harm[1]) == 0.0
    assert float(state.metrics["latency"].gaps.missing_share()) == 0.0
    assert float(state.metrics["orders"].totals.canary_exposures) > 0.0


def test_a_process_that_started_in_mid_step_is_warmed_up_like_the_first() -> None:
    of = spec(ORDERS, LATENCY, warm_up_s=30.0)
    late = (replace(one, youngest_s=100.0) for one in ticks(7, slower=4.0, seconds=25, from_s=100))
    state = folded(of, ticks(1, seconds=100), late)
    assert float(signals(of, state).log_harm[1]) < 1.0
    assert float(state.metrics["latency"].gaps.missing_share()) == 0.0


def test_metrics_that_may_only_hold_never_cross() -> None:
    silent = replace(ORDERS, weight=0.0)
    of = spec(silent)
    found = signals(of, folded(of, ticks(8, orders=0.0, seconds=20)))
    assert float(found.log_harm[0]) > of.log_rollback
    assert float(found.log_e) == 0.0
    assert not found.crossed


def test_many_runs_at_once_are_each_alone() -> None:
    """The simulator's code is production's: a leading shape, missing ticks run by run."""
    of = spec(ORDERS, LATENCY, warm_up_s=3.0)
    together, alone = of.start((2,)), of.start()
    for i, (a, b) in enumerate(zip(ticks(1, orders=0.9), ticks(2, slower=1.3), strict=True)):
        gone = i % 7 == 3
        counts = {}
        for name in ("orders", "latency"):
            pair = [t.counts[name] for t in (a, b)]
            fields = ("canary_events", "canary_exposures", "baseline_events", "baseline_exposures")
            counts[name] = Counts(*(np.stack([getattr(c, f) for c in pair]) for f in fields))
        missing = {"orders": np.array([False, gone])}
        together = update(
            of,
            together,
            ReleaseTick(a.interval, np.array([0, 0]), np.array([0.02, 0.02]), counts, missing),
        )
        single = {**b.counts, "orders": NoData("gone")} if gone else b.counts
        alone = update(of, alone, replace(b, counts=single))
    many, one = signals(of, together), signals(of, alone)
    assert many.log_harm[1] == pytest.approx(one.log_harm, abs=1e-12)
    assert many.log_promote[1] == pytest.approx(one.log_promote, abs=1e-12)
    assert many.missing[1] == pytest.approx(float(one.missing))
    assert many.enough.tolist() == [True, bool(one.enough)]


def test_the_weights_leave_out_who_may_not_roll_back() -> None:
    of = spec(ORDERS, replace(ERRORS, batched=True))
    assert of.weights().tolist() == [0.4, 0.0]


def test_orders_lost_are_those_of_the_risk_metric() -> None:
    assert SPEC.loss_counted_by() is ORDERS
    assert spec(risk_metric="errors").loss_counted_by() is ERRORS
    assert spec(ERRORS).loss_counted_by() is None
