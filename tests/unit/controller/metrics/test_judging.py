"""A Rollout and its templates become a plan, or problems that name field, value and remedy."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.margins import Margin
from controller.api.meta import ObjectMeta
from controller.api.rollout import (
    Promotion,
    Risk,
    Rollout,
    RolloutSpec,
    RouteRef,
    Step,
    Traffic,
    WorkloadRef,
)
from controller.api.template import AnalysisTemplate, AnalysisTemplateSpec, Metric, Tolerance
from controller.metrics.judging import judge
from controller.metrics.plans import Plan, Problems
from controller.metrics.prometheus import PROVIDER as PROMETHEUS
from controller.metrics.scrape import PROVIDER as SCRAPE

PROVIDERS = {"prometheus": PROMETHEUS, "scrape": SCRAPE}
ORDERS = Metric(name="orders", harm="Decrease", events="orders_total", exposures="requests_total")
ERRORS = Metric(
    name="errors",
    harm="Increase",
    events='requests_total{code=~"5.."}',
    exposures="requests_total",
)
LATENCY = Metric(name="latency", histogram="wait_seconds_bucket", slo="300ms")


def rollout(*weights: float, routes: tuple[str, ...] = (), **more: Any) -> Rollout:
    spec = RolloutSpec(
        workload=WorkloadRef(name="checkout"),
        traffic=Traffic(service="checkout", routes=tuple(RouteRef(name=one) for one in routes)),
        steps=tuple(Step(weight=weight) for weight in weights),
        **more,
    )
    return Rollout(metadata=ObjectMeta(name="checkout", namespace="shop"), spec=spec)


def template(*metrics: Metric, **more: Any) -> AnalysisTemplate:
    settings: dict[str, Any] = {"provider": {"scrape": {"port": 9090}}} | more
    return AnalysisTemplate(
        metadata=ObjectMeta(name="shop", namespace="shop"),
        spec=AnalysisTemplateSpec(metrics=metrics, **settings),
    )


def planned(*templates: AnalysisTemplate, of: Rollout | None = None) -> Plan:
    made = judge(of or rollout(1, 5, 50), templates, PROVIDERS)
    assert isinstance(made, Plan), str(made)
    return made


def refused(*templates: AnalysisTemplate, of: Rollout | None = None) -> list[str]:
    made = judge(of or rollout(1, 5, 50), templates, PROVIDERS)
    assert isinstance(made, Problems)
    assert made.problems
    return [str(one) for one in made.problems]


def changed(metric: Metric, **more: Any) -> Metric:
    from msgspec.structs import replace

    return replace(metric, **more)


def test_a_silent_template_gets_the_defaults_of_each_kind_of_metric() -> None:
    orders, errors, latency = planned(template(ORDERS, ERRORS, LATENCY)).release.metrics
    assert orders.tolerated_ratio == 0.99
    assert orders.margins == (Margin(0.7), Margin(0.8), Margin(0.97), None)
    assert errors.tolerated_ratio == 1.1
    assert errors.tolerated_difference == pytest.approx(0.0005)
    assert errors.margins[0] == Margin(2.0, 0.5 / 100)
    assert latency.edges == 5
    assert latency.promotion_edges == (2,)
    assert latency.warms_up
    weights = [metric.weight for metric in (orders, errors, latency)]
    assert weights == pytest.approx([0.4 / 0.9, 0.3 / 0.9, 0.2 / 0.9])


def test_a_step_takes_the_margin_of_the_next_larger_listed_weight() -> None:
    metric = changed(ORDERS, margin={"1": "30%", "10": "10%", "25": "5%"})
    (orders,) = planned(template(metric), of=rollout(1, 2, 10, 11, 60)).release.metrics
    ratios = [margin.ratio for margin in orders.margins if margin is not None]
    assert ratios == pytest.approx([0.7, 0.9, 0.9, 0.95, 0.95])


def test_what_is_tolerated_is_inside_every_margin() -> None:
    metric = changed(
        ERRORS, tolerated=Tolerance(ratio=1.2, difference="0.1%"), margin={"50": "100%"}
    )
    (errors,) = planned(template(metric)).release.metrics
    assert errors.margins[0] == Margin(2.0, 0.1 / 100)


def test_the_watch_is_one_more_step_that_asks_for_no_evidence() -> None:
    release = planned(template(ORDERS)).release
    assert release.shares == pytest.approx((0.01, 0.05, 0.5, 0.98))
    assert release.metrics[0].margins[-1] is None
    in_place = rollout(1, 50, promotion=Promotion(mode="InPlace"))
    assert planned(template(ORDERS), of=in_place).release.shares == pytest.approx((0.01, 0.5))


def test_no_steps_mean_the_default_ladder() -> None:
    assert planned(template(ORDERS), of=rollout()).weights_pct == (1.0, 5.0, 10.0, 25.0, 50.0)


def test_several_templates_judge_together_and_the_strictest_holds() -> None:
    strict = template(ERRORS, false_promote=0.01, bake="10m", tick="30s", max_missing="5%")
    release = planned(template(ORDERS, false_rollback=0.001), strict).release
    assert [metric.name for metric in release.metrics] == ["orders", "errors"]
    assert (release.false_rollback, release.false_promote) == (0.001, 0.01)
    assert (release.bake_s, release.tick_s, release.max_missing) == (600.0, 30.0, 0.05)


def test_the_least_ticks_of_a_step_never_outlast_the_bake() -> None:
    assert planned(template(ORDERS)).release.min_ticks == 30
    assert planned(template(ORDERS, bake="1m")).release.min_ticks == 6
    assert planned(template(ORDERS, bake="0s", tick="1s")).release.min_ticks == 0


def test_the_metric_at_risk_is_counted_if_a_template_has_it() -> None:
    assert planned(template(ORDERS)).release.risk_metric == "orders"
    sales = changed(ORDERS, name="sales")
    assert planned(template(sales)).release.risk_metric is None
    named = rollout(1, risk=Risk(metric="sales"))
    assert planned(template(sales), of=named).release.risk_metric == "sales"


BAD: list[tuple[AnalysisTemplate, str]] = [
    (template(ORDERS, ORDERS), 'spec.metrics[1].name: got "orders", must be used once'),
    (
        template(changed(ORDERS, tolerated="10%", margin={"1": "5%"})),
        "spec.metrics[0].margin[1]: got 0.95x,"
        " must be at least as wide as what is tolerated (0.9x)",
    ),
    (template(changed(ORDERS, harm="Sideways")), 'spec.metrics[0].harm: got "Sideways"'),
    (template(changed(ORDERS, tolerated="lots")), 'spec.metrics[0].tolerated: got "lots"'),
    (template(changed(ORDERS, margin={"1": "0%"})), "margin[1]: got a margin of nothing"),
    (template(Metric(name="x")), "spec.metrics[0].events: got nothing, must be given"),
    (template(changed(LATENCY, slo=None)), "spec.metrics[0].slo: got nothing, must be given"),
    (
        template(changed(ORDERS, events='orders_total{pod="{{pod}}"}')),
        "metric orders, field events: unknown placeholder `pod`; known: {{namespace}}",
    ),
    (
        template(changed(ORDERS, events="sum(orders_total)")),
        "scrape reads only selectors such as",
    ),
    (
        template(ORDERS, provider={"influx": {}}),
        "spec.provider.influx: got a provider that is not installed,"
        " must be one of prometheus, scrape",
    ),
    (template(ORDERS, provider={}), "spec.provider: got nothing, must have one provider"),
    (
        template(ORDERS, provider={"scrape": {"port": "http"}}),
        'spec.provider.scrape.port: got "http", must be a whole number',
    ),
    (template(ORDERS, provider={"scrape": {}}), "spec.provider.scrape.port: got nothing"),
]


@pytest.mark.parametrize(("bad", "words"), BAD, ids=[words for _, words in BAD])
def test_a_bad_template_says_which_field_what_came_and_what_is_allowed(
    bad: AnalysisTemplate, words: str
) -> None:
    said = refused(bad)
    assert any(words in one for one in said), said
    assert all(one.startswith("AnalysisTemplate shop/shop: spec.") for one in said)


def test_every_problem_is_said_at_once() -> None:
    bad = template(changed(ORDERS, tolerated="lots"), Metric(name="x"), provider={"influx": {}})
    assert len(refused(bad)) == 4


PROMETHEUS_AT = {"prometheus": {"address": "http://prometheus:9090"}}


def asked(events: str, exposures: str) -> AnalysisTemplate:
    return template(changed(ORDERS, events=events, exposures=exposures), provider=PROMETHEUS_AT)


def test_a_server_may_not_be_asked_the_same_for_both_arms() -> None:
    (said,) = refused(asked('a{pod=~"{{arm.pods}}"}', 'b{namespace="{{namespace}}"}'))
    assert said == (
        "AnalysisTemplate shop/shop: spec.metrics[0].exposures:"
        ' got "b{namespace=\\"{{namespace}}\\"}", must tell the arms apart with {{arm.pods}} or'
        " {{arm.role}} or {{arm.hash}}: both arms would be asked the same"
    )
    both = refused(asked("a", 'b{app="{{workload}}"}'))
    assert [one.split(": ")[1] for one in both] == [
        "spec.metrics[0].events",
        "spec.metrics[0].exposures",
    ]
    (slow,) = refused(template(LATENCY, provider=PROMETHEUS_AT))
    assert "spec.metrics[0].histogram" in slow


@pytest.mark.parametrize("name", ["arm.pods", "arm.role", "arm.hash"])
def test_any_placeholder_of_the_arm_alone_tells_the_arms_apart(name: str) -> None:
    query = f'a{{x="{{{{ {name} }}}}"}}'
    assert planned(asked(query, query)).sources


def test_a_service_tells_the_arms_apart_only_behind_a_route() -> None:
    by_service = asked('a{pod=~"{{arm.pods}}"}', 'b{service="{{arm.service}}"}')
    assert planned(by_service, of=rollout(1, 50, routes=("shop",))).sources
    (said,) = refused(by_service, of=rollout(1, 50))
    assert "spec.metrics[0].exposures" in said
    assert said.endswith(", as without a route {{arm.service}} is one Service for both")


def test_pages_of_an_arms_own_pods_need_no_placeholder() -> None:
    assert planned(template(ORDERS, provider={"scrape": {"port": 9090}})).sources


PERCENTS = st.sampled_from(
    ["0%", "0.0000000001%", "1%", "99.999%", "100%", "1000000%", "9" * 400 + "%", "-1%", "nan%", ""]
)
RATIOS = st.sampled_from(
    [None, 0.0, 1e-320, 1e-9, 0.5, 0.99, 1.0, 1 + 1e-10, 1.1, 1e300, math.inf, math.nan, -1.0]
)
TOLERANCES = st.one_of(
    PERCENTS, st.builds(Tolerance, ratio=RATIOS, difference=st.none() | PERCENTS)
)
KEYS = st.sampled_from(["1", "5", "50", "100", "0.001", "nan", "inf", "1e-300", " 5 "])
METRICS = st.builds(
    changed,
    st.sampled_from([ERRORS, LATENCY]),
    harm=st.sampled_from(["Increase", "Decrease", "Both"]),
    tolerated=st.none() | TOLERANCES,
    margin=st.dictionaries(KEYS, TOLERANCES, max_size=2),
    weight=st.sampled_from([None, 1e-320, 0.5, 1.0]),
)
LENGTHS = st.sampled_from(["0s", "1ms", "0.0001ms", "10s", "1h", "10000d", "99999d", "soon"])
TEMPLATES = st.builds(
    template,
    METRICS,
    tick=LENGTHS,
    bake=LENGTHS,
    cover_harm_after=LENGTHS,
    warm_up=LENGTHS,
    min_evidence=st.sampled_from([0, 20, 10**400]),
    max_missing=PERCENTS,
    false_rollback=st.sampled_from([1e-320, 0.01, 0.5, 0.99]),
    false_promote=st.sampled_from([1e-320, 0.05, 0.999999999]),
)


@given(TEMPLATES)
@example(template(changed(LATENCY, harm="Decrease")))
@example(template(ORDERS, min_evidence=10**400))
@example(template(changed(ERRORS, tolerated=Tolerance(ratio=0.0))))
@example(template(changed(ERRORS, harm="Both", tolerated=Tolerance(ratio=math.inf))))
@example(template(changed(ERRORS, harm="Both", tolerated=Tolerance(ratio=1e-320))))
@example(template(ORDERS, false_rollback=0.7))
def test_whatever_a_template_says_there_is_a_plan_or_a_problem_of_the_template(
    odd: AnalysisTemplate,
) -> None:
    made = judge(rollout(1, 5, 50), [odd], PROVIDERS)
    if isinstance(made, Problems):
        assert all(
            str(one).startswith("AnalysisTemplate shop/shop: spec.") for one in made.problems
        )
        assert all(len(str(one)) < 500 for one in made.problems)


def test_problems_of_the_rollout_name_the_rollout() -> None:
    (said,) = refused(template(ORDERS), of=rollout(1, 100))
    assert said.startswith("Rollout shop/checkout: spec.steps[1].weight: got 100, must be")
    (twice,) = refused(template(ORDERS), template(ORDERS))
    assert "must give each metric once" in twice
    (nothing,) = refused()
    assert "must name a template" in nothing
