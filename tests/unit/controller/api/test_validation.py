"""A spec that makes no sense is answered with every problem, each by field, value and remedy."""

from typing import Any

import msgspec
import pytest

from controller.api.change import ChangeSpec, Version
from controller.api.rollout import RolloutSpec
from controller.api.signoff import SignoffSpec
from controller.api.template import AnalysisTemplateSpec
from controller.api.validation import (
    check_change,
    check_rollout,
    check_signoff,
    check_template,
    check_together,
)


def rollout(**spec: Any) -> RolloutSpec:
    whole = {"workload": {"name": "checkout"}, "traffic": {"service": "checkout"}} | spec
    return msgspec.convert(whole, RolloutSpec)


def metric(**fields: Any) -> dict[str, Any]:
    return {"name": "orders", "events": "orders_total", "exposures": "requests_total"} | fields


def template(*metrics: dict[str, Any], **spec: Any) -> AnalysisTemplateSpec:
    whole = {"provider": {"scrape": {"port": 80}}, "metrics": metrics or [metric()]} | spec
    return msgspec.convert(whole, AnalysisTemplateSpec)


def test_the_least_that_can_be_written_is_right() -> None:
    assert check_rollout(rollout(), routers=["HTTPRoute"]) == ()
    assert check_template(template(), providers=["scrape"]) == ()


def test_a_weight_that_does_not_rise_names_the_step_before() -> None:
    (problem,) = check_rollout(rollout(steps=[{"weight": 10}, {"weight": 5}]))
    said = problem.of("Rollout", "shop/checkout")
    assert said == (
        "Rollout shop/checkout: spec.steps[1].weight: got 5, must be over the step before (10)"
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"steps": [{"weight": 100}]},
            "spec.steps[0].weight: got 100, must be under 100: without stable there is no"
            " comparison",
        ),
        (
            {"steps": [{"weight": 99}]},
            "spec.steps[0].weight: got 99, must be at most 98, as promotion.holdback keeps the"
            " rest on stable",
        ),
        (
            {"promotion": {"holdback": 0}},
            "spec.promotion.holdback: got 0, must be over 0, or promotion.watch 0s: the watch"
            " compares with the holdback",
        ),
        ({"limits": {"hold": "0s"}}, 'spec.limits.hold: got "0s", must be over 0s'),
        (
            {"steps": [{"weight": 5, "hold": "2h"}], "limits": {"hold": "1h"}},
            'spec.steps[0].hold: got "2h", must be under limits.hold (1h), which ends the wait',
        ),
        (
            {"promotion": {"watch": "2h"}, "limits": {"hold": "2h"}},
            'spec.promotion.watch: got "2h", must be under limits.hold (2h), which ends every wait',
        ),
        (
            {"limits": {"supersede": "Queue"}},
            "spec.limits.supersede: got Queue, needs a route and promotion.mode ShiftThenAbsorb:"
            " the run in hand is absorbed behind the full canary",
        ),
        (
            {
                "limits": {"supersede": "Queue"},
                "traffic": {"service": "checkout", "routes": [{"name": "shop"}]},
                "promotion": {"mode": "InPlace"},
            },
            "spec.limits.supersede: got Queue, needs a route and promotion.mode ShiftThenAbsorb:"
            " the run in hand is absorbed behind the full canary",
        ),
        (
            {"traffic": {"service": "s" * 57}},
            'spec.traffic.service: got "' + "s" * 57 + '", must have at most 56 characters, as'
            " `-canary` is added",
        ),
        (
            {"traffic": {"service": "s", "routes": [{"name": "a", "kind": "Ingress"}]}},
            'spec.traffic.routes[0].kind: got "Ingress", must be one of HTTPRoute',
        ),
        (
            {"traffic": {"service": "s", "routes": [{"name": "a"}, {"name": "a"}]}},
            'spec.traffic.routes[1]: got "a", must be named once',
        ),
        (
            {"analysis": [{"template": "a"}, {"template": "a"}]},
            'spec.analysis[1].template: got "a", must be named once',
        ),
        (
            {"killSwitch": {"configMap": "flags", "key": ""}},
            "spec.killSwitch.key: got nothing, must be given",
        ),
    ],
)
def test_each_bad_field_of_a_rollout_has_its_sentence(spec: dict[str, Any], said: str) -> None:
    assert [str(p) for p in check_rollout(rollout(**spec), routers=["HTTPRoute"])] == [said]


def test_a_last_step_of_99_is_right_when_nothing_is_held_back() -> None:
    spec = rollout(steps=[{"weight": 99}], promotion={"mode": "InPlace"})
    assert check_rollout(spec) == ()


def test_all_problems_come_at_once() -> None:
    spec = rollout(steps=[{"weight": 10}, {"weight": 5}], limits={"hold": "0s"})
    assert [p.path for p in check_rollout(spec)] == ["spec.steps[1].weight", "spec.limits.hold"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"exposures": ""},
            "spec.metrics[0].exposures: got nothing, must be given, or a histogram",
        ),
        ({"slo": "1s"}, 'spec.metrics[0].slo: got "1s", must be left out without a histogram'),
        (
            {"events": "", "exposures": "", "histogram": "h"},
            "spec.metrics[0].slo: got nothing, must be given with a histogram, as 300ms",
        ),
        (
            {"exposures": "", "histogram": "h", "slo": "1s"},
            'spec.metrics[0].events: got "orders_total", must be left out with a histogram',
        ),
        (
            {"events": "", "exposures": "", "histogram": "h", "slo": "1s", "harm": "Decrease"},
            'spec.metrics[0].harm: got "Decrease", must be Increase with a histogram, whose harm is'
            " more slow requests",
        ),
        (
            {"events": "", "exposures": "", "histogram": "h", "slo": "1s", "harm": "Both"},
            'spec.metrics[0].harm: got "Both", must be Increase with a histogram, whose harm is'
            " more slow requests",
        ),
        (
            {"tolerated": {"ratio": 1e-320}, "harm": "Both"},
            "spec.metrics[0].tolerated: got ratio 9.99989e-321, must be from 0.000001 to 1000000",
        ),
        (
            {"margin": {"5": "9" * 400 + "%"}, "harm": "Increase"},
            'spec.metrics[0].margin[5]: got "' + "9" * 76 + "..., must be at most 1000000%",
        ),
        (
            {"tolerated": "1"},
            'spec.metrics[0].tolerated: got "1", must be a percentage such as 5% or 0.05%',
        ),
        (
            {"harm": "Decrease", "margin": {"5": {"ratio": 1.1}}},
            "spec.metrics[0].margin[5]: got ratio 1.1, must be at most 1 as a decrease is the harm",
        ),
        (
            {"margin": {"five": "5%"}},
            'spec.metrics[0].margin: got the key "five", must be a step\'s weight, over 0 to 100',
        ),
        (
            {"margin": {"5": "5%", "5.0": "6%"}},
            'spec.metrics[0].margin: got the key "5.0", must be given once',
        ),
    ],
)
def test_each_bad_field_of_a_metric_has_its_sentence(fields: dict[str, Any], said: str) -> None:
    assert [str(p) for p in check_template(template(metric(**fields)))] == [said]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"provider": {}}, "spec.provider: got nothing, must have one provider"),
        (
            {"provider": {"influx": {}}},
            "spec.provider.influx: got a provider that is not installed, must be one of"
            " prometheus, scrape",
        ),
        (
            {"provider": {"scrape": {"port": 1, "interval": "2m"}}},
            'spec.provider.scrape.interval: got "2m", must be from 1s to 1m',
        ),
        (
            {"provider": {"prometheus": {"address": "http://p", "settle": "6m"}}},
            'spec.provider.prometheus.settle: got "6m", must be from 0s to 5m',
        ),
        (
            {"provider": {"prometheus": {"address": "http://p", "settle": "soon"}}},
            'spec.provider.prometheus.settle: got "soon", must be a duration such as 500ms, 30s,'
            " 10m, 1h30m or 2d",
        ),
        ({"maxMissing": "120%"}, 'spec.maxMissing: got "120%", must be at most 100%'),
        ({"maxMissing": "0%"}, 'spec.maxMissing: got "0%", must be over 0%'),
        ({"tick": "0s"}, 'spec.tick: got "0s", must be over 0s'),
        (
            {"minEvidence": 10**12},
            "spec.minEvidence: got 1e+12, must be from 0 to 1000000000 events",
        ),
    ],
)
def test_each_bad_field_of_a_template_has_its_sentence(spec: dict[str, Any], said: str) -> None:
    found = check_template(template(**spec), providers=["scrape", "prometheus"])
    assert [str(p) for p in found] == [said]


def test_numbers_that_no_type_lets_through_are_refused_too() -> None:
    """As from a status that an older operator wrote, or from a program."""
    odd = msgspec.structs.replace(template(), min_evidence=10**400, false_rollback=0.7)
    assert [str(problem) for problem in check_template(odd)] == [
        "spec.falseRollback: got 0.7, must be over 0 and under 0.5",
        "spec.minEvidence: got a number of more than 300 digits,"
        " must be from 0 to 1000000000 events",
    ]


def test_two_metrics_of_one_name_are_refused() -> None:
    (problem,) = check_template(template(metric(), metric()))
    assert str(problem) == (
        'spec.metrics[1].name: got "orders", must be used once: evidence is kept by name'
    )


def test_weights_share_out_one_budget() -> None:
    too_much = template(metric(weight=0.7), metric(name="errors", weight=0.4))
    nothing_left = template(metric(weight=1), metric(name="errors"))
    assert [p.got for p in check_template(too_much)] == ["weights that add up to 1.1"]
    assert "shares the rest" in check_template(nothing_left)[0].allowed


def test_templates_of_one_rollout_must_not_repeat_a_metric() -> None:
    spec = rollout(analysis=[{"template": "a"}, {"template": "b"}])
    (problem,) = check_together(spec, {"a": template(), "b": template()})
    assert str(problem) == (
        'spec.analysis[1].template: got b with the metric "orders", must not repeat a metric of a'
    )


def test_the_metric_at_risk_must_be_measured() -> None:
    spec = rollout(analysis=[{"template": "a"}], risk={"metric": "sales"})
    (problem,) = check_together(spec, {"a": template()})
    assert str(problem) == 'spec.risk.metric: got "sales", must be one of orders'


def test_a_template_that_is_absent_is_not_yet_a_problem() -> None:
    spec = rollout(analysis=[{"template": "later"}], risk={"metric": "sales"})
    assert check_together(spec, {}) == ()


def test_a_change_names_its_rollout_its_target_and_a_known_origin() -> None:
    assert check_change(ChangeSpec(rollout="a", target=Version(digest="d"))) == ()
    found = check_change(ChangeSpec(rollout="", attempt=0, origin="robot"))
    assert [p.path for p in found] == [
        "spec.rollout", "spec.target.digest", "spec.attempt", "spec.origin",
    ]  # fmt: skip


def test_a_signoff_has_a_known_decision() -> None:
    assert check_signoff(SignoffSpec(rollout="a", decision="Abort")) == ()
    odd = SignoffSpec(rollout="a", decision="Explode")  # type: ignore[arg-type]
    assert [p.path for p in check_signoff(odd)] == ["spec.decision"]
