"""What is cut from JSON that is nested too deep, and that nothing else is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.depth import MARK, cut

VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def pruned(value: Any, levels: int) -> Any:
    """The same, said for values."""
    if isinstance(value, dict | list) and levels == 0:
        return MARK.decode()
    if isinstance(value, dict):
        return {key: pruned(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [pruned(item, levels - 1) for item in value]
    return value


@given(VALUES, st.integers(0, 4))
def test_every_value_below_the_levels_is_cut_and_no_other(value: Any, levels: int) -> None:
    body = json.dumps(value).encode()
    assert json.loads(cut(body, levels)) == pruned(value, levels)
    if depth(value) <= levels:
        assert cut(body, levels) == body


@given(st.binary())
def test_what_is_no_json_is_cut_without_a_fault(body: bytes) -> None:
    assert isinstance(cut(body), bytes)
