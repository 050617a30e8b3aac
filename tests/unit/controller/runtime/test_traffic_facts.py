"""What several routes say together: the most that the canary may get, and the least."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from controller.core.observed import Traffic
from controller.routers.port import RouteView
from controller.runtime.objects import Objects, RouteObject
from controller.runtime.traffic_facts import traffic
from tests.unit.controller.runtime.test_objects import nothing_cached

ROUTES = tuple(RouteObject("HTTPRoute", name, None, None) for name in ("shop", "second"))


def told(*views: RouteView | None, **more: Any) -> Traffic:
    o: Objects = dataclasses.replace(nothing_cached(), routes=ROUTES, **more)
    assert o.routed
    return traffic(o, views)


def saying(weight: float, **more: Any) -> RouteView:
    return RouteView(weight_pct=weight, in_force=True, **more)


def test_routes_that_agree_say_the_weight() -> None:
    seen = told(saying(5), saying(5))
    assert seen.says(5)
    assert seen.behind == ""


def test_a_route_that_says_less_is_named_and_the_weight_is_not_said() -> None:
    seen = told(saying(5), saying(0))
    assert (seen.weight, seen.least) == (5, 0)
    assert seen.behind == "HTTPRoute second says 0%"
    assert not seen.says(5)
    assert not seen.says(0)


def test_backends_that_somebody_changed_say_no_weight() -> None:
    assert not told(saying(5), saying(5, foreign=True)).says(5)


@pytest.mark.parametrize("weight", [0.0, 98.0])
def test_a_route_without_the_apex_counts_for_what_it_sends_to_the_canary_only(
    weight: float,
) -> None:
    seen = told(saying(5), saying(weight, carries=False))
    assert (seen.weight, seen.least) == (max(5, weight), 5)


@pytest.mark.parametrize("views", [(None, None), (saying(0, carries=False), None)])
def test_without_any_route_that_carries_the_apex_there_is_no_least(
    views: tuple[RouteView | None, ...],
) -> None:
    assert told(*views).least is None
