"""Targets are scraped at moments of their own, come late, fall silent, come and go: what counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from analysis.verdict import Verdict
from controller.metrics.port import NoData, Pod, Reading, Wanted, Window
from controller.runtime.clock import loop_now
from controller.runtime.evidence import Arm, EvidenceView
from controller.runtime.sampler import Sampler
from tests.unit.controller.runtime.scripted import EPOCH, EPOCH_S, no_tools, plan, run
from tests.unit.controller.runtime.targets import Target, Targets, losing, steady

pytestmark = pytest.mark.looptime

ORDERS, REQUESTS = 50.0, 1000.0


def share(wanted: Wanted) -> float:
    return 0.1 if wanted.arm == "canary" else 0.9


def rate(wanted: Wanted) -> float:
    return (ORDERS if wanted.role == "events" else REQUESTS) * share(wanted)


async def judged(
    provider: Targets,
    seconds: float,
    *,
    tick: str = "10s",
    since_s: float = 0.0,
    pods: Any = lambda at_s: ("s0",),
    bake: str = "0s",
) -> tuple[EvidenceView, float | None]:
    """The evidence after so long, or at the rollback, and when that was."""
    made = plan(provider, tick=tick, bake=bake, cover_harm_after="60s")  # type: ignore[arg-type]
    step_s = made.tick_s
    async with Sampler(no_tools(), loop_now(EPOCH), lambda key: None) as sampler:
        await asyncio.sleep(since_s)
        at_s = since_s
        while True:
            stable = Arm("old", "checkout", tuple(Pod(name, "10.64.0.9") for name in pods(at_s)))
            sampler.watch(run(made, step=1, share=0.1, since_s=since_s, stable=stable))
            view = sampler.evidence("uid-checkout")
            assert view is not None
            found = view.assessment
            if found is not None and found.verdict is Verdict.ROLLBACK:
                return view, at_s
            if at_s >= seconds:
                return view, None
            await asyncio.sleep(step_s)
            at_s += step_s


def counted(view: EvidenceView) -> tuple[float, float, float, float]:
    (report,) = view.reports
    return (
        report.canary_events, report.canary_exposures,
        report.stable_events, report.stable_exposures,
    )  # fmt: skip


# -- a target that is first seen when others have a base already ----------------------------------


def two_gateways(wanted: Wanted) -> list[Target]:
    """Two gateway pods with a long past that is split otherwise, scraped at :04 and :01."""
    if wanted.role == "events":
        return [Target(wanted.arm, steady(rate(wanted)), 5.0)]
    before_s = 600.0 if wanted.arm == "canary" else 86_400.0
    value = steady(rate(wanted) / 2, before_s)
    return [Target("gw-a", value, 4.0), Target("gw-b", value, 1.0)]


async def test_a_gateway_that_is_scraped_later_than_another_does_not_bring_its_lifetime() -> None:
    view, rolled_back = await judged(Targets(two_gateways, 10.0), 120.0, since_s=3.0)
    assert rolled_back is None
    orders, requests, stable_orders, stable_requests = counted(view)
    assert stable_requests == pytest.approx(9 * requests)
    assert stable_orders == pytest.approx(9 * orders)
    assert requests == pytest.approx(20 * orders)
    assert requests >= 7000


async def test_a_pod_that_misses_the_first_look_does_not_hide_a_loss_behind_its_past() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        half = rate(wanted) / 2
        kept = 0.6 if (wanted.arm, wanted.role) == ("canary", "events") else 1.0
        value = losing(half, kept, 0.0)
        return [
            Target(f"{wanted.arm}1", value, up=lambda at_s: at_s > 2.5),
            Target(f"{wanted.arm}2", value),
        ]

    view, rolled_back = await judged(Targets(selected), 60.0, tick="1s")
    assert rolled_back is not None
    assert rolled_back <= 30.0
    assert counted(view)[1] <= 100 * rolled_back


async def test_a_pod_that_was_silent_for_long_counts_from_its_return_on() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        third = Target(f"{wanted.arm}0", steady(rate(wanted) / 3))
        rest = Target(f"{wanted.arm}1", steady(2 * rate(wanted) / 3))
        silent = lambda at_s: not 10 < at_s < 340  # noqa: E731
        if wanted.arm == "stable":
            third = Target(third.name, third.value, up=silent)
        return [third, rest]

    view, rolled_back = await judged(Targets(selected), 360.0, tick="1s")
    assert rolled_back is None
    _, requests, _, stable_requests = counted(view)
    assert requests >= 35_000
    assert stable_requests <= 9 * requests


# -- pods come and go -----------------------------------------------------------------------------


@pytest.mark.parametrize("each_s", [20, 30, 60])
async def test_pods_that_come_and_go_do_not_hide_a_loss(each_s: int) -> None:
    def selected(wanted: Wanted) -> list[Target]:
        lost = (wanted.arm, wanted.role) == ("canary", "events")
        return [Target(f"{wanted.arm}0", losing(rate(wanted), 0.01 if lost else 1.0, 280.0), 5.0)]

    changing = lambda at_s: [f"s{i}" for i in range(2 + int(at_s // each_s) % 2)]  # noqa: E731
    _, rolled_back = await judged(Targets(selected, 15.0), 900.0, pods=changing, bake="600s")
    assert rolled_back is not None
    assert 280 < rolled_back <= 340


async def test_a_tick_that_cannot_be_counted_ends_a_verdict_to_go_on() -> None:
    dark = False

    class Dimmed(Targets):
        def _answer(self, one: Wanted, window: Window) -> Reading:
            return NoData("no series", True) if dark else super()._answer(one, window)

    def selected(wanted: Wanted) -> list[Target]:
        return [Target(f"{wanted.arm}0", steady(rate(wanted)))]

    made = plan(Dimmed(selected), tick="1s", cover_harm_after="60s")  # type: ignore[arg-type]
    async with Sampler(no_tools(), loop_now(EPOCH), lambda key: None) as sampler:
        first = run(made, step=1, share=0.1)
        sampler.watch(first)
        await asyncio.sleep(200)
        view = sampler.evidence("uid-checkout")
        assert view is not None
        assert view.assessment is not None
        assert view.assessment.verdict is Verdict.STEP_UP
        dark = True
        sampler.watch(run(made, step=1, share=0.1, stable=Arm("newer", "checkout", ())))
        await asyncio.sleep(2.5)
        view = sampler.evidence("uid-checkout")
        assert view is not None
        assert view.assessment is not None
        assert view.assessment.verdict is Verdict.HOLD


async def test_a_pod_that_leaves_takes_nothing_from_its_arm_where_a_gateway_counts_exposures() -> (
    None
):
    def selected(wanted: Wanted) -> list[Target]:
        if wanted.role == "exposures":
            return [Target("gw", steady(rate(wanted)), 3.0)]
        if wanted.arm == "canary":
            return [Target("c0", steady(rate(wanted)), 11.0)]
        names = [pod.name for pod in wanted.pods]
        there = lambda at_s: at_s <= 100  # noqa: E731
        whole = steady(rate(wanted) / 2)
        s0 = lambda at_s: whole(at_s) + max(0.0, ORDERS * 0.45 * (at_s - 100))  # noqa: E731
        both = [Target("s0", s0, 4.0), Target("s1", whole, 9.0, up=there)]
        return [target for target in both if target.name in names]

    pods = lambda at_s: ("s0", "s1") if at_s < 100 else ("s0",)  # noqa: E731
    view, _ = await judged(Targets(selected, 15.0), 300.0, pods=pods)
    orders, requests, stable_orders, stable_requests = counted(view)
    assert requests >= 20_000
    assert orders == pytest.approx(requests / 20)
    assert stable_orders == pytest.approx(stable_requests / 20, rel=1e-2)


# -- scrape phases against ticks ------------------------------------------------------------------


@pytest.mark.parametrize("each_s", [15.0, 30.0])
async def test_an_identical_release_stands_whatever_the_scrape_phases_are(each_s: float) -> None:
    def selected(wanted: Wanted) -> list[Target]:
        if wanted.role == "exposures":
            return [Target("gw", steady(rate(wanted)), 3.0)]
        phases = [11.0] if wanted.arm == "canary" else [3.0, 4.0, 8.0]
        each = steady(rate(wanted) / len(phases))
        return [Target(f"{wanted.arm}{i}", each, phase) for i, phase in enumerate(phases)]

    view, rolled_back = await judged(Targets(selected, each_s), 360.0)
    assert rolled_back is None
    orders, requests, stable_orders, stable_requests = counted(view)
    assert orders == pytest.approx(requests / 20)
    assert stable_orders == pytest.approx(stable_requests / 20, rel=1e-3)
    assert requests >= 100 * (360 - 3 * each_s - 20)


async def test_a_loss_is_found_one_scrape_interval_later_at_most() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        lost = (wanted.arm, wanted.role) == ("canary", "events")
        phase_s = 14.0 if wanted.arm == "canary" else 4.0
        value = losing(rate(wanted), 0.01 if lost else 1.0, 200.0)
        return [Target(wanted.arm, value, phase_s)]

    view, rolled_back = await judged(Targets(selected, 30.0), 600.0)
    assert rolled_back is not None
    assert 200 < rolled_back <= 200 + 10 + 30 + 30
    assert counted(view)[1] >= 15_000


# -- silence --------------------------------------------------------------------------------------


async def test_a_pod_that_hangs_is_left_out_and_the_others_find_the_loss() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        if wanted.arm == "canary":
            lost = wanted.role == "events"
            return [Target("c0", losing(rate(wanted), 0.01 if lost else 1.0, 20.0))]
        each = steady(rate(wanted) / 10)
        hangs = lambda at_s: at_s < 19  # noqa: E731
        return [Target("s0", each, up=hangs), *(Target(f"s{i}", each) for i in range(1, 10))]

    _, rolled_back = await judged(Targets(selected), 600.0, tick="1s")
    assert rolled_back is not None
    assert rolled_back <= 33.0


async def test_a_role_that_is_unreadable_now_and_then_never_looks_like_a_loss() -> None:
    class Flickering(Targets):
        def _answer(self, one: Wanted, window: Window) -> Reading:
            odd = round(window.end_s - EPOCH_S) % 3 == 0
            if odd and (one.arm, one.role) == ("stable", "events"):
                return NoData("a sample is NaN")
            return super()._answer(one, window)

    def selected(wanted: Wanted) -> list[Target]:
        return [Target(wanted.arm, steady(rate(wanted)))]

    view, rolled_back = await judged(Flickering(selected), 300.0, tick="1s")
    assert rolled_back is None
    orders, requests, stable_orders, stable_requests = counted(view)
    assert requests >= 5_000
    assert orders == pytest.approx(requests / 20)
    assert stable_orders == pytest.approx(stable_requests / 20)


# -- the pace of scrapes --------------------------------------------------------------------------


async def test_events_and_exposures_may_be_scraped_at_another_pace() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        each_s = 60.0 if wanted.role == "exposures" else 15.0
        return [Target(wanted.arm, steady(rate(wanted)), 5.0, each_s)]

    view, _ = await judged(Targets(selected, 15.0), 600.0)
    orders, requests, _, stable_requests = counted(view)
    assert view.no_data == ()
    assert requests >= 40_000
    assert orders == pytest.approx(requests / 20)
    assert stable_requests == pytest.approx(9 * requests)


async def test_a_scrape_interval_that_grows_in_mid_run_is_learnt_anew() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        slower = lambda at_s: at_s < 300 or int(at_s - 5) % 60 == 0  # noqa: E731
        return [Target(wanted.arm, steady(rate(wanted)), 5.0, up=slower)]

    view, _ = await judged(Targets(selected, 15.0), 1500.0)
    assert view.no_data == ()
    assert counted(view)[1] >= 120_000
