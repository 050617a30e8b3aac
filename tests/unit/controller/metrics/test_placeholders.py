"""Placeholders: filled for one arm, refused when unknown."""

import re

import pytest

from controller.metrics import placeholders
from controller.metrics.placeholders import Scope

CANARY = Scope("shop", "checkout", "canary", "5d9f", "checkout-canary", ("c-2", "c-1"))


def test_every_known_placeholder_is_filled() -> None:
    query = "".join(f"[{{{{{name}}}}}]" for name in placeholders.KNOWN)
    filled = placeholders.render(query, CANARY)
    assert filled == "[shop][checkout][canary][5d9f][c-1|c-2][checkout-canary]"


def test_spaces_inside_the_braces_are_allowed() -> None:
    assert placeholders.render("{{ namespace }}", CANARY) == "shop"


def test_a_pattern_matches_its_pods_and_no_other() -> None:
    pattern = placeholders.pods_pattern(["a.b-1", "a.b-2"])
    assert re.fullmatch(pattern, "a.b-1")
    assert not re.fullmatch(pattern, "axb-1")
    assert not re.fullmatch(placeholders.pods_pattern([]), "a")


@pytest.mark.parametrize(
    "query", ['x{a="{{arm.pod}}"}', 'x{a="{{namespace"}', 'x{a="}}"}', 'x{a="{{}}"}']
)
def test_an_unknown_placeholder_names_metric_field_and_the_known_ones(query: str) -> None:
    problem = placeholders.problem("orders", "events", query)
    assert problem is not None
    assert problem.startswith("metric orders, field events: unknown placeholder")
    assert "{{arm.pods}}" in problem
    assert "{{arm.service}}" in problem
