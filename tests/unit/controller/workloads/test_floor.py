"""The floor rises and never takes the owner's number away from him."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import HorizontalPodAutoscaler
from controller.workloads import floor
from tests.unit.controller.workloads.objects import patched, read


def autoscaler(least: int = 2, most: int = 20, **metadata: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    spec = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": target}
    return {"metadata": {"name": "checkout", **metadata}, "spec": spec}


def seen(document: dict[str, Any]) -> HorizontalPodAutoscaler:
    return read(document, HorizontalPodAutoscaler)


def raised(document: dict[str, Any], to: int) -> dict[str, Any]:
    return patched(document, floor.raise_floor(seen(document), to))


@given(st.integers(1, 30), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_after_any_number_of_raises_the_owner_gets_his_own_number_back(
    least: int, floors: list[int]
) -> None:
    document = autoscaler(least, most=30)
    before = document
    for replicas in floors:
        document = raised(document, replicas)
        assert floor.raise_floor(seen(document), replicas) == []
    assert document["spec"]["minReplicas"] == max(least, *floors)
    restored = patched(document, floor.restore_floor(seen(document)))
    assert restored["spec"] == before["spec"]
    assert not restored["metadata"].get("annotations")
    assert floor.restore_floor(seen(restored)) == []


def test_a_floor_is_at_most_the_owners_maximum() -> None:
    document = raised(autoscaler(2, most=5), 9)
    assert document["spec"]["minReplicas"] == 5


def test_a_floor_that_somebody_lowered_is_raised_again() -> None:
    document = raised(autoscaler(2), 9)
    document["spec"]["minReplicas"] = 2
    assert raised(document, 9)["spec"]["minReplicas"] == 9


def test_a_new_word_of_the_owner_during_a_run_is_what_he_gets_back() -> None:
    document = raised(autoscaler(2), 9)
    document["spec"]["minReplicas"] = 4
    document = raised(document, 9)
    assert floor.original(seen(document)) == 4
    assert patched(document, floor.restore_floor(seen(document)))["spec"]["minReplicas"] == 4


def test_no_floor_is_in_force_before_one_is_written() -> None:
    assert floor.original(seen(autoscaler())) is None
    assert floor.held(seen(autoscaler())) == 0
    assert floor.held(seen(raised(autoscaler(), 9))) == 9


@pytest.mark.parametrize("text", ["", "many", "\u0663", "9" * 5000], ids=range(4))
def test_a_spoilt_note_of_the_owners_minimum_is_as_none(text: str) -> None:
    broken = autoscaler(annotations={"blastdoor.dev/original-min-replicas": text})
    assert floor.original(seen(broken)) is None
    assert floor.held(seen(broken)) == 0
