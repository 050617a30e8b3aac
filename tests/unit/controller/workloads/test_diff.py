"""A diff names fields as a person does, is bounded, and keeps secrets out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.workloads.diff import LINES, VALUE_LENGTH, diff
from tests.unit.controller.workloads.objects import raw, template

SECRET = "hunter2-hunter2"


def with_container(**fields: Any) -> dict[str, Any]:
    document = template()
    document["spec"]["containers"][0].update(fields)
    return document


def lines(old: Any, new: Any) -> list[tuple[str, str, str]]:
    return [(line.path, line.old, line.new) for line in diff(raw(old), raw(new))]


def env(**variables: str) -> dict[str, Any]:
    return with_container(env=[{"name": k, "value": v} for k, v in variables.items()])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            template("shop:v1"), template("shop:v2"),
            [("spec.containers[shop].image", "shop:v1", "shop:v2")], id="image",
        ),
        pytest.param(
            env(MODE="a"), env(MODE="b"), [("spec.containers[shop].env[MODE]", "a", "b")], id="env",
        ),
        pytest.param(
            env(A="1", B="2"), env(B="2", A="1"), [], id="moved variables",
        ),
        pytest.param(
            env(A="1"), env(A="1", B=""), [("spec.containers[shop].env[B]", "", '""')],
            id="an empty value is not an absent one",
        ),
        pytest.param(
            with_container(args=["--a"]), with_container(args=["--a", "--b"]),
            [("spec.containers[shop].args[1]", "", "--b")], id="argument",
        ),
        pytest.param(
            template(), template(tier="web"), [("metadata.labels.tier", "", "web")], id="label",
        ),
        pytest.param(
            with_container(resources={"limits": {"cpu": 1}}), template(),
            [("spec.containers[shop].resources.limits.cpu", "1", "")], id="removed",
        ),
    ],
)  # fmt: skip
def test_a_field_that_differs_is_one_line(old: Any, new: Any, expected: Any) -> None:
    assert lines(old, new) == expected


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(env(DB_PASSWORD=SECRET), id="variable name"),
        pytest.param(env(API_KEY=SECRET), id="key"),
        pytest.param(env(SIGNING_KEY=SECRET), id="any key"),
        pytest.param(env(DB=f"postgres://shop:{SECRET}@db/shop"), id="user info of a URL"),
        pytest.param(env(OPTS=f"mode=a password={SECRET}"), id="assignment inside a value"),
        pytest.param(with_container(args=[f"--token={SECRET}"]), id="flag"),
        pytest.param(with_container(args=["--token", SECRET]), id="flag and argument"),
        pytest.param(env(X=f"-----BEGIN PRIVATE KEY----- {SECRET}"), id="PEM"),
    ],
)
def test_what_looks_like_a_secret_is_masked(document: Any) -> None:
    shown = lines(template(), document)
    assert shown
    assert SECRET not in str(shown)
    assert "***" in str(shown)


def test_the_name_of_a_secret_is_shown() -> None:
    source = {"secretKeyRef": {"name": "db", "key": "password"}}
    document = with_container(env=[{"name": "DB_PASSWORD", "valueFrom": source}])
    assert ("spec.containers[shop].env[DB_PASSWORD].valueFrom.secretKeyRef.key") in {
        path for path, _, _ in lines(template(), document)
    }


def test_a_secret_that_changed_is_still_a_line() -> None:
    assert lines(env(TOKEN="a"), env(TOKEN="b")) == [
        ("spec.containers[shop].env[TOKEN]", "***", "***")
    ]


@given(st.dictionaries(st.text("abcdef", min_size=1), st.text(max_size=400), max_size=120))
def test_a_diff_is_bounded_in_lines_and_in_length(labels: dict[str, str]) -> None:
    found = diff(raw(template()), raw(template(**labels)))
    assert len(found) <= LINES
    assert all(len(v) <= VALUE_LENGTH for line in found for v in (line.path, line.old, line.new))


def test_the_last_line_of_a_cut_diff_counts_the_rest() -> None:
    found = diff(raw(template()), raw(template(**{f"k{n}": "v" for n in range(80)})))
    assert found[-1].new == "31 more fields differ"
