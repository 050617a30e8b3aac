"""Targets that belong to neither arm come, go and fall silent, for both arms or for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.metrics.port import Wanted
from tests.unit.controller.runtime.judged import judged, rate
from tests.unit.controller.runtime.targets import Target, Targets, losing, steady

pytestmark = pytest.mark.looptime


def three_gateways(
    third: Callable[[float], bool], lost_from_s: float
) -> Callable[[Wanted], list[Target]]:
    """A third of the exposures each, counted by gateways; the canary loses orders in the end."""

    def selected(wanted: Wanted) -> list[Target]:
        if wanted.role == "exposures":
            each = steady(rate(wanted) / 3)
            here = lambda at_s: True  # noqa: E731
            ups = (here, here, third)
            return [Target(f"gw{i}", each, 3.0 + i, up=up) for i, up in enumerate(ups)]
        kept = 0.01 if wanted.arm == "canary" else 1.0
        return [Target(wanted.arm, losing(rate(wanted), kept, lost_from_s), 7.0)]

    return selected


async def test_a_gateway_that_is_scaled_away_blinds_a_release_for_a_few_scrapes_only() -> None:
    selected = three_gateways(lambda at_s: at_s < 200.0, 210.0)
    view, rolled_back = await judged(Targets(selected, 15.0), 900.0, bake="900s")
    assert rolled_back is not None
    assert 210.0 < rolled_back <= 290.0
    assert view.no_data == ()


async def test_a_gateway_that_comes_back_counts_from_then_on_and_brings_no_lifetime() -> None:
    selected = three_gateways(lambda at_s: not 200.0 < at_s < 400.0, 1e9)
    view, rolled_back = await judged(Targets(selected, 15.0), 800.0, bake="900s")
    assert rolled_back is None
    assert view.no_data == ()
    (report,) = view.reports
    assert report.stable_exposures == pytest.approx(9 * report.canary_exposures)
    assert report.stable_events == pytest.approx(9 * report.canary_events)
    assert 50_000 < report.canary_exposures < 80_000


async def test_a_gateway_that_is_silent_for_one_arm_alone_is_waited_for() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        dark = wanted.arm == "canary"
        return three_gateways(lambda at_s: not (dark and at_s > 200.0), 1e9)(wanted)

    view, rolled_back = await judged(Targets(selected, 15.0), 450.0, bake="900s")
    assert rolled_back is None
    (note,) = view.no_data
    assert note.reason == "canary arm: pod=gw2 shows nothing any more"
