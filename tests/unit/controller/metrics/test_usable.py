"""A template is judged by itself, before a release comes to need it."""

import pytest

from controller.metrics.usable import problems_of
from tests.unit.controller.metrics.test_judging import (
    ERRORS,
    LATENCY,
    ORDERS,
    PROVIDERS,
    changed,
    template,
)


def test_nothing_is_wrong_with_a_good_template() -> None:
    assert problems_of(template(ORDERS, ERRORS, LATENCY), PROVIDERS) == ()


@pytest.mark.parametrize(("made", "path"), [
    (template(), "spec.metrics"),
    (template(ORDERS, bake="soon"), "spec.bake"),
    (template(ORDERS, ORDERS), "spec.metrics[1].name"),
    (template(ORDERS, provider={"graphite": {}}), "spec.provider.graphite"),
    (template(ORDERS, provider={"scrape": {}}), "spec.provider.scrape.port"),
    (template(changed(ORDERS, events="orders_total{")), "spec.metrics[0].events"),
    (template(changed(ORDERS, events="orders_{{arm.color}}")), "spec.metrics[0].events"),
    (template(changed(ORDERS, tolerated="30%", margin={"5": "10%"})), "spec.metrics[0].margin[5]"),
], ids=lambda x: x if isinstance(x, str) else "")  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(made: object, path: str) -> None:
    assert [p.path for p in problems_of(made, PROVIDERS)] == [path]  # type: ignore[arg-type]


def test_all_problems_come_at_once() -> None:
    many = template(changed(ORDERS, weight=2.0), bake="soon", tick="0s")
    assert {"spec.bake", "spec.tick"} < {p.path for p in problems_of(many, PROVIDERS)}
