"""What does not fit a kind's schema is found with no server, all at once and in plain words."""

from typing import Any

import msgspec
import pytest

from controller.api.conform import nonconformities, refusal
from controller.api.problems import Problem, from_decoding, shown, summary
from controller.api.rollout import Rollout
from controller.api.template import AnalysisTemplate


def document(**spec: Any) -> dict[str, Any]:
    return {"spec": {"workload": {"name": "a"}, "traffic": {"service": "a"}} | spec}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"stepz": []}, "spec.stepz: got an unknown field, did you mean steps?"),
        ({"steps": [{"weight": "five"}]}, 'spec.steps[0].weight: got "five", must be a number'),
        ({"steps": [{"weight": True}]}, "spec.steps[0].weight: got true, must be a number"),
        (
            {"steps": [{"weight": 500}]},
            "spec.steps[0].weight: got 500, must be over 0 and at most 100",
        ),
        ({"steps": [{}]}, "spec.steps[0].weight: got nothing, must be given"),
        ({"steps": {"weight": 5}}, 'spec.steps: got {"weight": 5}, must be a list'),
        (
            {"limits": {"hold": 24}},
            "spec.limits.hold: got 24, must be a duration such as 500ms, 30s, 10m, 1h30m or 2d",
        ),
        (
            {"promotion": {"mode": "Fast"}},
            'spec.promotion.mode: got "Fast", must be one of InPlace, ShiftThenAbsorb',
        ),
        ({"paused": "yes"}, 'spec.paused: got "yes", must be true or false'),
        ({"canary": {"labels": {"a": 1}}}, "spec.canary.labels[a]: got 1, must be text"),
        (
            {"workload": {"name": "A!"}},
            "spec.workload.name: got \"A!\", must be a name of lower-case letters, digits, '-'"
            " and '.'",
        ),
        ({"steps": [{"weight": 1}] * 33}, "spec.steps: got 33 items, must have at most 32"),
    ],
)
def test_each_misfit_is_named_by_field_value_and_remedy(spec: dict[str, Any], said: str) -> None:
    assert [str(p) for p in nonconformities("Rollout", document(**spec))] == [said]


def test_a_null_stands_for_the_default() -> None:
    assert nonconformities("Rollout", document(limits=None)) == ()


def test_settings_of_a_plug_in_that_we_do_not_know_are_left_to_it() -> None:
    spec = {"provider": {"influx": {"any": 1}}, "metrics": [{"name": "a"}]}
    assert nonconformities("AnalysisTemplate", {"spec": spec}) == ()


def test_two_providers_are_one_too_many() -> None:
    spec = {"provider": {"influx": {}, "scrape": {"port": 1}}, "metrics": [{"name": "a"}]}
    (problem,) = nonconformities("AnalysisTemplate", {"spec": spec})
    assert str(problem) == "spec.provider: got influx, scrape, must have only 1 key"


def test_a_malformed_object_is_refused_with_all_its_problems() -> None:
    bad = document(steps=[{"weight": "a"}, {"weight": "b"}])
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(bad, Rollout)
    assert len(refusal("Rollout", bad, caught.value)) == 2


def test_the_decoder_alone_names_path_value_and_remedy() -> None:
    bad = document(steps=[{"weight": "a"}])
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(bad, Rollout)
    problem = from_decoding(caught.value, bad)
    assert str(problem) == 'spec.steps[0].weight: got "a", must be a number'


def test_where_text_or_a_mapping_is_asked_for_a_number_is_refused_in_words() -> None:
    metric = {"name": "a", "margin": {"5": 3}}
    bad = {"spec": {"provider": {"influx": {}}, "metrics": [metric]}}
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(bad, AnalysisTemplate)
    (problem,) = refusal("AnalysisTemplate", bad, caught.value)
    said = "spec.metrics[0].margin[...]: got a whole number, must be text or a mapping"
    assert str(problem) == said


def test_a_long_value_is_cut_in_a_message() -> None:
    assert len(shown("q" * 5000)) == 80


def test_a_summary_is_one_line_for_a_condition() -> None:
    problems = (Problem("spec.a", "1", "must be 2"), Problem("spec.b", "3", "must be 4"))
    said = summary("Rollout", "shop/checkout", problems)
    assert said == "Rollout shop/checkout: spec.a: got 1, must be 2; spec.b: got 3, must be 4"
