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


def test_a_service_of_the_arm_is_good_by_itself_and_a_query_without_any_arm_is_not() -> None:
    server = {"prometheus": {"address": "http://prometheus:9090"}}
    query = 'orders_total{service="{{arm.service}}"}'
    by_service = template(changed(ORDERS, events=query, exposures=query), provider=server)
    assert problems_of(by_service, PROVIDERS) == ()
    (found, _) = problems_of(template(ORDERS, provider=server), PROVIDERS)
    assert found.path == "spec.metrics[0].events"


def test_all_problems_come_at_once() -> None:
    many = template(changed(ORDERS, weight=2.0), bake="soon", tick="0s")
    assert {"spec.bake", "spec.tick"} < {p.path for p in problems_of(many, PROVIDERS)}
