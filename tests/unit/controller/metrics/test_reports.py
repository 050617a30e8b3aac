"""An assessment as text and numbers that fit into a status."""

from dataclasses import replace

import msgspec

from analysis import Counts, Interval, Margin, MetricSpec, ReleaseSpec, ReleaseTick, assess, update
from analysis.verdict import Assessment
from controller.metrics.reports import evidence_column, reports


def assessed(canary_orders: int | None, step: int = 0) -> Assessment:
    orders = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7), None))
    spec = ReleaseSpec((orders,), shares=(0.02, 0.98))
    state = spec.start()
    if canary_orders is not None:
        counts = {"orders": Counts(canary_orders, 600, 2940, 29_400)}
        state = update(spec, state, ReleaseTick(Interval(0, 10), step, 0.02, counts))
    return assess(spec, state, step=step, step_elapsed_s=10)


def test_the_column_shows_the_strongest_metric_its_ratio_and_interval() -> None:
    text = evidence_column(assessed(2))
    assert text.startswith("orders 0.03x [0.00, 0.")


def test_before_any_event_the_column_shows_no_number() -> None:
    assert evidence_column(assessed(None)) == "orders -"


def test_reports_are_json_whatever_the_numbers_are() -> None:
    for found in (assessed(None), assessed(0), assessed(60), assessed(60, step=1)):
        (report,) = reports(found)
        text = msgspec.json.encode(report)
        assert b"null" not in text.replace(b'"high":null', b"").replace(b'"low":null', b"")
    (unread,) = reports(assessed(None))
    assert unread.high is None
    assert unread.note == "nothing measured yet"
    (watch,) = reports(assessed(60, step=1))
    assert watch.note == "not asked for at this step"


def test_a_metric_that_cannot_show_harm_says_so_in_its_note() -> None:
    found = assessed(60)
    (metric,) = found.metrics
    (report,) = reports(replace(found, metrics=(replace(metric, saturated=0.954),)))
    assert report.note == "95% of stable's are beyond the bound: the margin is out of sight"
