"""The two patch formats on plain JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.memory_patch import (
    PatchFailed,
    copy_json,
    json_patch,
    merge_patch,
    pointer,
    same_json,
)

KEYS = st.sampled_from(["a", "b", "c/d", "e~f"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"])
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
OBJECTS = st.dictionaries(KEYS, DOCUMENTS, max_size=4)


def as_pointer(parts: list[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_applied_twice_changes_no_more(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@given(OBJECTS, OBJECTS)
def test_patches_leave_the_document_and_the_patch_alone(document: Any, patch: Any) -> None:
    before = copy_json(document), copy_json(patch)
    merge_patch(document, patch)
    json_patch(document, [{"op": "add", "path": "/new", "value": patch}])
    assert (document, patch) == before


@given(OBJECTS, KEYS, DOCUMENTS)
def test_what_was_added_passes_a_test_and_is_gone_when_removed(
    document: dict[str, Any], key: str, value: Any
) -> None:
    path = as_pointer([key])
    added = json_patch(
        document,
        [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}],
    )
    removed = json_patch(added, [{"op": "remove", "path": path}])
    assert removed == {name: item for name, item in document.items() if name != key}


@given(st.lists(st.sampled_from(["a", "/", "~", "~1", ""]), max_size=4))
def test_a_pointer_is_read_back_as_it_was_meant(parts: list[str]) -> None:
    assert pointer(as_pointer(parts)) == parts


def test_arrays_grow_at_an_index_and_at_the_end() -> None:
    operations = [
        {"op": "add", "path": "/l/1", "value": "x"},
        {"op": "add", "path": "/l/-", "value": "z"},
        {"op": "remove", "path": "/l/0"},
    ]
    assert json_patch({"l": ["a", "b"]}, operations) == {"l": ["x", "b", "z"]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "test", "path": "/none", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "remove", "path": "/l/2"},
        {"op": "replace", "path": "/l/x", "value": 1},
        {"op": "add", "path": "/l/3", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/none/b", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "move", "path": "/a", "from": "/l"},
    ],
)
def test_what_does_not_fit_fails(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchFailed):
        json_patch({"a": 1, "l": [1, 2]}, [operation])


def test_true_is_not_one() -> None:
    assert not same_json({"a": [True]}, {"a": [1]})
    assert same_json({"a": [1.0]}, {"a": [1]})
    assert not same_json({"a": 1}, {"a": 1, "b": None})
