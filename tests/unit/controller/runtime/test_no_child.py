"""A canary whose events have no series yet, as a counter with labels has before its first event."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.verdict import Verdict
from controller.metrics.port import Wanted
from tests.unit.controller.runtime.judged import judged, rate, verdict
from tests.unit.controller.runtime.targets import Target, Targets, steady

pytestmark = pytest.mark.looptime


def sells(from_s: float, canary: Callable[[float], float]) -> Callable[[Wanted], list[Target]]:
    """The canary's orders have a series from a moment on."""

    def selected(wanted: Wanted) -> list[Target]:
        value = steady(rate(wanted))
        if (wanted.arm, wanted.role) == ("canary", "events"):
            return [Target("c1", canary, up=lambda at_s: at_s >= from_s)]
        return [Target(f"{wanted.arm[0]}1", value)]

    return selected


async def test_a_canary_that_never_takes_an_order_is_taken_back() -> None:
    view, at_s = await judged(
        Targets(sells(1e9, steady(0.0)), 15.0), 900.0, canary=lambda at_s: ("c1",)
    )
    assert verdict(view) is Verdict.ROLLBACK
    assert at_s is not None
    assert at_s <= 60.0


async def test_the_first_orders_of_a_canary_are_counted_from_zero() -> None:
    sold = lambda at_s: max(0.0, 5.0 * at_s)  # noqa: E731
    provider = Targets(sells(15.0, sold), 15.0)
    view, _ = await judged(provider, 100.0, canary=lambda at_s: ("c1",), bake="900s")
    (report,) = view.reports
    assert report.canary_events == pytest.approx(report.canary_exposures / 20)
    assert view.no_data == ()
