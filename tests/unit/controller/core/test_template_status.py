"""A template says of itself whether it can be used."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from controller.api.kinds import AnalysisTemplate
from controller.api.meta import ObjectMeta
from controller.api.template import AnalysisTemplateSpec, AnalysisTemplateStatus, Metric
from controller.core.template_status import template_status

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEMPLATE = AnalysisTemplate(
    metadata=ObjectMeta(name="shop", namespace="shop", generation=4),
    spec=AnalysisTemplateSpec(
        provider={"scrape": {"port": 8080}}, metrics=(Metric(name="orders"), Metric(name="errors"))
    ),
)


def said(status: AnalysisTemplateStatus) -> dict[str, tuple[str, str, str]]:
    return {c.type: (c.status, c.reason, c.message) for c in status.conditions}


def test_a_usable_template_is_ready_and_names_all_its_metrics() -> None:
    status = template_status(TEMPLATE, "", NOW)
    assert said(status) == {"Ready": ("True", "Usable", ""), "Stalled": ("False", "Usable", "")}
    assert (status.provider, status.metrics) == ("scrape", "orders, errors")
    assert status.observed_generation == 4


def test_one_that_breaks_a_rule_is_stalled_until_it_is_edited() -> None:
    wrong = 'spec.bake: got "soon", must be a duration'
    assert said(template_status(TEMPLATE, wrong, NOW)) == {
        "Ready": ("False", "InvalidSpec", wrong),
        "Stalled": ("True", "InvalidSpec", wrong),
    }


def test_a_second_review_of_the_same_template_says_the_same() -> None:
    first = template_status(TEMPLATE, "", NOW)
    told = replace(TEMPLATE, status=first)
    assert template_status(told, "", NOW + timedelta(hours=1)) == first
