"""Label selectors in both forms."""

import pytest

from controller.api.meta import LabelSelector
from controller.kube.selectors import BadSelector, parse_selector, selector_of, selects

LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app=other", False),
        ("app!=other", True),
        ("none!=x", True),
        ("app in (web, other)", True),
        ("app notin (web,other),tier=front", False),
        ("none notin (x)", True),
        ("tier", True),
        ("!tier", False),
        ("!none , app = web", True),
        ("app=", False),
    ],
)
def test_text_selects_as_a_server_does(text: str, selected: bool) -> None:
    assert selects(parse_selector(text), LABELS) is selected


def test_text_that_no_server_takes_is_refused() -> None:
    with pytest.raises(BadSelector):
        parse_selector("app web")


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["web"], True),
        ("NotIn", ["web"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_expressions_and_labels_must_all_hold(
    operator: str, values: list[str], selected: bool
) -> None:
    expression = {"key": "app", "operator": operator, "values": values}
    selector = LabelSelector(match_labels={"tier": "front"}, match_expressions=(expression,))
    assert selects(selector_of(selector), LABELS) is selected
    assert not selects(selector_of(selector), {"app": "web"})


def test_an_unknown_operator_is_refused_when_it_is_asked() -> None:
    selector = LabelSelector(match_expressions=({"key": "a", "operator": "Near"},))
    with pytest.raises(BadSelector, match="Near"):
        selects(selector_of(selector), {})
