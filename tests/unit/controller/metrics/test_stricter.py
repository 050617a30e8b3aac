"""Of an edit in mid-run only what asks for more counts at once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analysis.margins import Margin
from controller.api.template import AnalysisTemplateSpec, Tolerance
from controller.metrics.plans import Plan
from controller.metrics.stricter import stricter_margins, stricter_template
from tests.unit.controller.metrics.test_judging import ERRORS, ORDERS, changed, planned, template

FROZEN = template(ORDERS).spec


@pytest.mark.parametrize(
    ("field", "loose", "strict"),
    [("bake", "1m", "9m"), ("min_evidence", 5, 50), ("false_promote", 0.2, 0.01),
     ("false_rollback", 0.001, 0.05)],
)  # fmt: skip
def test_budgets_and_waits(field: str, loose: object, strict: object) -> None:
    asks_more: AnalysisTemplateSpec = replace(FROZEN, **{field: strict})
    asks_less: AnalysisTemplateSpec = replace(FROZEN, **{field: loose})
    assert getattr(stricter_template(FROZEN, asks_more), field) == strict
    assert stricter_template(asks_more, asks_less) == asks_more


def margins(plan: Plan) -> list[Margin | None]:
    return list(plan.release.metrics[0].margins)


def orders(**margin: str) -> Plan:
    return planned(template(changed(ORDERS, margin={f"{k[1:]}": v for k, v in margin.items()})))


def test_a_narrower_margin_counts_and_a_wider_one_does_not() -> None:
    frozen, live = orders(w1="30%", w5="20%", w50="5%"), orders(w1="10%", w5="25%", w50="5%")
    narrowed = stricter_margins(frozen, live)
    ratios = [round(m.ratio or 0, 9) for m in margins(narrowed) if m]
    assert ratios == [0.9, 0.8, 0.95]
    assert margins(narrowed)[-1] is None


def test_both_parts_of_a_margin_are_narrowed_by_themselves() -> None:
    def errors(ratio: float, difference: str) -> Plan:
        one = Tolerance(ratio=ratio, difference=difference)
        return planned(template(changed(ERRORS, margin={"1": one})))

    (first, *_) = margins(stricter_margins(errors(3.0, "1%"), errors(2.0, "5%")))
    assert first == Margin(2.0, 0.01)


def test_margins_of_two_kinds_are_not_mixed() -> None:
    one = Tolerance(ratio=1.1)
    only = changed(ERRORS, tolerated=one, margin={"1": Tolerance(ratio=3.0)})
    ratio = planned(template(only))
    both = planned(template(ERRORS))
    assert margins(stricter_margins(both, ratio)) == margins(both)


def test_a_metric_that_is_new_or_gone_changes_nothing() -> None:
    frozen = planned(template(ORDERS))
    assert stricter_margins(frozen, planned(template(ERRORS))) == frozen


def test_a_margin_inside_what_the_plan_tolerates_waits() -> None:
    frozen = planned(template(changed(ORDERS, tolerated="5%", margin={"1": "20%"})))
    live = planned(template(changed(ORDERS, tolerated="1%", margin={"1": "2%"})))
    assert stricter_margins(frozen, live) == frozen
