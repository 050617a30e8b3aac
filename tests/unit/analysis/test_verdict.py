import json
import math
from dataclasses import replace
from typing import Any

import pytest

from analysis.codec import from_json, to_json
from analysis.margins import Margin
from analysis.release import update
from analysis.signals import signals
from analysis.ticks import Counts, NoData
from analysis.verdict import Assessment, Reason, Verdict, assess
from tests.unit.analysis.releases import ERRORS, LATENCY, ORDERS, SPEC, folded, spec, ticks


def judged(of: Any = SPEC, *parts: Any, **more: Any) -> Assessment:
    state = folded(of, *parts)
    settings = {"step": 0, "step_elapsed_s": 60.0, **more}
    return assess(of, state, **settings)


def test_orders_that_vanish_roll_back_within_five_seconds_and_are_named() -> None:
    found = judged(SPEC, ticks(1, orders=0.01, seconds=5), step_elapsed_s=5.0)
    assert (found.verdict, found.reason) == (Verdict.ROLLBACK, Reason.HARM_FOUND)
    assert found.guilty == ("orders",)
    assert 15.0 < found.orders_lost < 40.0
    assert found.log_e >= math.log(100)
    assert found.explain.startswith("Rolling back at 2% of the traffic: orders at ")
    assert "orders lost" in found.explain


def test_errors_roll_back_and_are_named() -> None:
    found = judged(SPEC, ticks(2, errors=0.2, seconds=20), step_elapsed_s=20.0)
    assert found.verdict == Verdict.ROLLBACK
    assert found.guilty[0] == "errors"


def test_a_good_release_steps_up_with_its_numbers() -> None:
    found = judged(SPEC, ticks(3, seconds=60))
    assert (found.verdict, found.reason) == (Verdict.STEP_UP, Reason.HARM_EXCLUDED)
    assert found.eta_s == 0.0
    orders = found.metrics[0]
    assert orders.low is not None
    assert orders.high is not None
    assert orders.low < 1.0 < orders.high
    assert orders.expected == pytest.approx(orders.canary_events + orders.lost)
    assert "excluded" in found.explain


def test_evidence_of_another_step_promotes_nothing() -> None:
    found = judged(SPEC, ticks(3, seconds=60), step=1, step_elapsed_s=60.0)
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.TOO_FEW_EVENTS)
    assert found.log_promote == 0.0


def test_before_the_first_tick_there_is_no_data() -> None:
    found = judged(SPEC, step_elapsed_s=0.0)
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.NO_DATA)
    assert "nothing measured yet" in found.explain


def test_a_target_that_goes_dark_holds_at_once_and_says_why() -> None:
    lit, dark = ticks(3, seconds=60), ticks(4, from_s=60, seconds=1, dark=True)
    found = judged(SPEC, lit, dark)
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.NO_DATA)
    assert "orders (target down)" in found.explain


def test_too_much_missing_holds_until_it_is_seen_again() -> None:
    parts = [ticks(3), ticks(4, from_s=60, seconds=20, dark=True), ticks(5, from_s=80, seconds=2)]
    found = judged(SPEC, *parts)
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.DATA_MISSING)
    assert "at most 20% may be" in found.explain
    later = judged(SPEC, ticks(3), ticks(4, from_s=60, seconds=20, dark=True), ticks(5, from_s=80))
    assert later.verdict == Verdict.STEP_UP


def test_bake_time_holds_a_good_release() -> None:
    found = judged(spec(bake_s=300.0), ticks(3, seconds=60))
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.BAKING)
    assert found.eta_s == pytest.approx(240.0)
    assert "4 min of 5 min left" in found.explain
    idle = judged(spec(replace(ORDERS, required=False), bake_s=300.0), ticks(3, seconds=60))
    assert "no metric is required" in idle.explain


def test_too_few_ticks_hold() -> None:
    found = judged(spec(min_ticks=100), ticks(3, seconds=60))
    assert found.reason == Reason.TOO_FEW_EVENTS
    assert "too little seen at this step of orders, errors" in found.explain


def test_pending_evidence_says_how_long_it_needs() -> None:
    found = judged(SPEC, ticks(3, seconds=5), step_elapsed_s=5.0)
    assert found.reason == Reason.EVIDENCE_PENDING
    assert found.eta_s is not None
    assert 0.0 < found.eta_s < 60.0
    assert "more at this pace" in found.explain
    assert " of 3.0 nats" in found.explain


def test_a_canary_at_the_margin_never_gets_there_and_is_told_so() -> None:
    found = judged(spec(ERRORS), ticks(3, errors=0.08, seconds=3), step_elapsed_s=3.0)
    assert found.verdict in (Verdict.HOLD, Verdict.ROLLBACK)
    slow = replace(ORDERS, margins=(*[ORDERS.margins[2]] * 3, None))
    worse = judged(spec(slow, min_ticks=0, min_events=0), ticks(3, orders=0.7, seconds=6))
    assert worse.reason == Reason.EVIDENCE_PENDING
    assert worse.eta_s is None
    assert "never comes" in worse.explain


def test_a_margin_above_a_share_of_nearly_all_is_out_of_sight_and_promotes_nothing() -> None:
    slow = replace(LATENCY, warms_up=False, margins=(Margin(25.0, 0.1), *LATENCY.margins[1:]))
    found = judged(spec(ORDERS, slow), ticks(3, seconds=60))
    assert found.log_promote > found.log_promote_needed
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.HARM_UNSEEN)
    assert found.explain == (
        "Holding at 2% of the traffic: latency cannot show harm, as 5% of the baseline's are beyond"
        " the bound and the margin, 25 times that or 10 points more, would be all of them;"
        " choose a larger objective, or a narrower margin."
    )
    assert found.eta_s is None
    assert not found.metrics[1].excluded
    aside = judged(spec(ORDERS, replace(slow, required=False)), ticks(3, seconds=60))
    assert aside.verdict == Verdict.STEP_UP


def test_no_evidence_in_time_is_inconclusive_and_not_failed() -> None:
    found = judged(spec(max_hold_s=50.0), ticks(3, dark=True), step_elapsed_s=60.0)
    assert (found.verdict, found.reason) == (Verdict.NO_EVIDENCE, Reason.HOLD_EXPIRED)
    assert found.waiting is Reason.NO_DATA  # what made it wait is not forgotten
    assert "inconclusive, not failed" in found.explain


def test_evidence_in_time_is_not_expired() -> None:
    assert judged(spec(max_hold_s=50.0), ticks(3)).verdict == Verdict.STEP_UP


def test_a_hard_rule_rolls_back_and_a_foreign_hold_holds() -> None:
    crash = judged(SPEC, ticks(3), hard_failures=["the canary is in a crash loop"])
    assert (crash.verdict, crash.reason) == (Verdict.ROLLBACK, Reason.HARD_RULE)
    assert "crash loop" in crash.explain
    split = judged(SPEC, ticks(3), holds=["the split is 8% where 10% is meant"])
    assert (split.verdict, split.reason) == (Verdict.HOLD, Reason.HELD)
    assert "8%" in split.explain


def test_harm_is_judged_before_anything_else() -> None:
    dark = ticks(4, from_s=10, seconds=50, dark=True)
    found = judged(
        spec(max_hold_s=1.0),
        ticks(1, orders=0.0, seconds=10),
        dark,
        holds=["x"],
        hard_failures=["y"],
    )
    assert found.reason == Reason.HARM_FOUND


def test_harm_in_batches_of_unknown_size_holds_and_calls_for_a_person() -> None:
    of = spec(replace(ORDERS, batched=True), ERRORS)
    found = judged(of, ticks(1, orders=0.0, seconds=60))
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.HARM_SUSPECTED)
    assert "may hold but not roll back" in found.explain


def test_a_watch_without_margins_needs_no_evidence() -> None:
    found = judged(SPEC, ticks(3, step=3, seconds=2), step=3, step_elapsed_s=5.0)
    assert found.verdict == Verdict.STEP_UP
    alone = judged(spec(replace(ORDERS, required=False)), ticks(3, seconds=2))
    assert alone.verdict == Verdict.STEP_UP
    assert "no metric is required" in alone.explain


def test_several_guilty_metrics_are_all_named() -> None:
    found = judged(SPEC, ticks(1, orders=0.0, errors=0.5, seconds=20))
    assert set(found.guilty) == {"orders", "errors"}
    assert "(also " in found.explain


def test_after_an_alarm_that_faded_the_strongest_metric_is_named() -> None:
    bad = ticks(1, orders=0.0, seconds=4)
    found = judged(SPEC, bad, ticks(5, from_s=4, seconds=900, orders=1.2))
    assert found.verdict == Verdict.ROLLBACK
    assert len(found.guilty) == 1
    assert found.log_e < found.highest_log_e


def test_intervals_can_be_left_out() -> None:
    found = judged(SPEC, ticks(3), intervals=False)
    assert found.metrics[0].low is None
    assert found.verdict == Verdict.STEP_UP


def test_a_histogram_is_shown_by_its_first_promotion_edge() -> None:
    of = spec(ORDERS, LATENCY, warm_up_s=2.0)
    found = judged(of, ticks(3, seconds=200))
    latency = found.metrics[1]
    assert latency.baseline_events / latency.baseline_exposures == pytest.approx(0.05, rel=0.02)
    assert latency.low is not None
    assert latency.promote_nats_per_minute > 0.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"step": 4}, "0..3"),
        ({"step_elapsed_s": -1.0}, ">= 0"),
        ({"step_elapsed_s": math.nan}, ">="),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        judged(SPEC, ticks(3, seconds=1), **settings)


def test_a_restart_between_any_two_ticks_changes_nothing() -> None:
    of = spec(ORDERS, ERRORS, replace(LATENCY, batched=True, dispersion_before=2.0), warm_up_s=2.0)
    kept, restored = of.start(), of.start()
    for one in (*ticks(9, seconds=30), *ticks(9, step=1, from_s=30, seconds=30)):
        kept = update(of, kept, one)
        restored = update(of, from_json(of, json.loads(json.dumps(to_json(restored)))), one)
    a, b = signals(of, kept), signals(of, restored)
    assert a.log_harm == pytest.approx(b.log_harm, abs=1e-12)
    assert a.log_promote == pytest.approx(b.log_promote, abs=1e-12)
    assert assess(of, kept, step=1, step_elapsed_s=30.0) == assess(
        of, restored, step=1, step_elapsed_s=30.0
    )


def test_bad_counts_cannot_be_built_and_so_cannot_pass() -> None:
    with pytest.raises(ValueError, match="canary events"):
        Counts(math.nan, 1, 1, 1)
    dark = replace(next(ticks(0)), counts={"orders": NoData("NaN"), "errors": NoData("NaN")})
    assert judged(SPEC, iter([dark])).verdict == Verdict.HOLD
