"""Containment of an HTTPRoute lands whatever was decided beside it, and its mark stays."""

from __future__ import annotations

import pytest
from hypothesis import given

from controller.kube.memory_patch import PatchFailed
from controller.routers.httproute import ROUTER
from tests.unit.controller.routers.routes import (
    APEX,
    CANARY,
    at,
    backend,
    owned,
    owners,
    percents,
    restored,
    route,
    seen,
    view,
    weights,
)
from tests.unit.controller.workloads.objects import patched


@given(owners, percents)
def test_containment_is_weight_0_and_the_mark_in_one_patch(ws: list[int], weight: float) -> None:
    after = at(at(owned(ws), weight), 0, "chg-1")
    assert weights(after)[CANARY] == 0
    assert view(after).aborted_for == "chg-1"
    assert view(after).weight_pct == 0
    assert ROUTER.desired(seen(after), APEX, CANARY, 0, "chg-1") == []


def test_containment_of_a_route_without_canary_leaves_only_the_mark() -> None:
    before = route([backend()])
    after = at(before, 0, "chg-1")
    assert after["spec"] == before["spec"]
    assert view(after).aborted_for == "chg-1"


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_raise_that_was_decided_before_a_containment_is_refused(start: float) -> None:
    before = at(route([backend()], annotations={"a": "b"}), start)
    late = ROUTER.desired(seen(before), APEX, CANARY, 25)
    contained = at(before, 0, "chg-1")
    with pytest.raises(PatchFailed, match="aborted"):
        patched(contained, late)


def test_a_containment_that_was_decided_before_a_raise_still_lands() -> None:
    before = at(route([backend()]), 5)
    late = ROUTER.desired(seen(before), APEX, CANARY, 0, "chg-1")
    assert weights(patched(at(before, 25), late)) == {APEX: 10_000, CANARY: 0}


@pytest.mark.parametrize("forget", [True, False])
def test_the_mark_outlives_the_canary_unless_it_is_forgotten(forget: bool) -> None:
    after = restored(at(at(route([backend()]), 5), 0, "chg-1"), forget)
    assert weights(after) == {APEX: 1}
    assert (view(after).aborted_for == "") is forget


def test_backends_that_moved_under_the_patch_refuse_it() -> None:
    before = at(route([backend("cart", 1), backend(APEX, 1)]), 5)
    late = ROUTER.desired(seen(before), APEX, CANARY, 0, "chg-1")
    before["spec"]["rules"][0]["backendRefs"].reverse()
    with pytest.raises(PatchFailed, match="name"):
        patched(before, late)
