"""Which weights a release climbs, and how many pods carry a weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.rollout import DEFAULT_LADDER, Step
from controller.core.ladder import canary_pods, ladder
from tests.unit.controller.core.builders import release

PODS = st.integers(1, 300)
WEIGHTS = st.floats(0.1, 100)


def test_the_owners_steps_are_climbed_as_they_are() -> None:
    steps = (Step(weight=3), Step(weight=30, hold="1h"))
    assert ladder(release().spec(steps=steps).observed().rollout.spec) == steps


def test_without_steps_the_default_ladder_is_climbed() -> None:
    assert [s.weight for s in ladder(release().observed().rollout.spec)] == [1, 5, 10, 25, 50]
    assert list(DEFAULT_LADDER) == sorted(DEFAULT_LADDER)


@pytest.mark.parametrize(("weight", "stable", "routed", "pods"), [
    (1, 4, True, 1), (25, 4, True, 1), (26, 4, True, 2), (50, 4, True, 2), (100, 4, True, 4),
    (10, 10, True, 1), (1, 4, False, 1), (25, 4, False, 1), (50, 4, False, 4), (98, 4, False, 4),
    (100, 0, True, 1), (1, 0, False, 1),
])  # fmt: skip
def test_how_many_pods_carry_a_weight(weight: float, stable: int, routed: bool, pods: int) -> None:
    assert canary_pods(weight, stable, routed=routed) == pods


@given(WEIGHTS, PODS)
def test_with_a_route_the_pods_carry_at_least_the_weight(weight: float, stable: int) -> None:
    pods = canary_pods(weight, stable, routed=True)
    assert pods >= 1
    assert pods + 1e-6 >= stable * weight / 100
    assert pods <= max(1, stable)


@given(st.floats(0.1, 49.9), PODS)
def test_without_a_route_they_make_no_more_than_the_weight(weight: float, stable: int) -> None:
    pods = canary_pods(weight, stable, routed=False)
    assert pods == 1 or 100 * pods / (pods + stable) <= weight + 1e-6


@given(WEIGHTS, WEIGHTS, PODS, st.booleans())
def test_a_higher_weight_never_takes_fewer_pods(
    one: float, other: float, stable: int, routed: bool
) -> None:
    low, high = sorted((one, other))
    assert canary_pods(low, stable, routed=routed) <= canary_pods(high, stable, routed=routed)
