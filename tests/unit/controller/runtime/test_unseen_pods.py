"""Pods that are in an arm and not in the evidence: what is held against a release, and what not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.verdict import Verdict
from controller.metrics.port import Wanted
from controller.runtime.evidence import EvidenceView
from tests.unit.controller.runtime.judged import judged, rate, verdict
from tests.unit.controller.runtime.targets import Target, Targets, losing, steady

pytestmark = pytest.mark.looptime

# -- both counters are the pods' ------------------------------------------------------------------


def halves(lost_from_s: float, up: Callable[[float], bool]) -> Callable[[Wanted], list[Target]]:
    """Two canary pods: the second answers when it is up, the first loses orders in the end."""

    def selected(wanted: Wanted) -> list[Target]:
        if wanted.arm == "stable":
            return [Target("s1", steady(rate(wanted)))]
        kept = 0.01 if wanted.role == "events" else 1.0
        first = Target("c1", losing(rate(wanted) / 2, kept, lost_from_s))
        return [first, Target("c2", steady(rate(wanted) / 2), up=up)]

    return selected


async def test_a_canary_goes_up_once_all_its_pods_are_seen() -> None:
    view, at_s = await judged(Targets(halves(1e9, lambda at_s: True)), 900.0)
    assert verdict(view) is Verdict.STEP_UP
    assert at_s is not None


@pytest.mark.parametrize("each_s", [None, 15.0])
@pytest.mark.parametrize("up", ["now and then", "never", "at first"])
async def test_nothing_goes_up_while_a_canary_pod_is_silent(up: str, each_s: float | None) -> None:
    period_s = 30.0 if each_s is None else 120.0
    answers = {
        "now and then": lambda at_s: at_s % period_s < period_s / 3,
        "never": lambda at_s: False,
        "at first": lambda at_s: at_s < 20.0,
    }
    view, at_s = await judged(Targets(halves(1e9, answers[up]), each_s), 840.0)
    assert at_s is None
    (report,) = view.reports
    assert "a part of the canary is not seen: c2 " in report.note
    assert view.assessment is not None
    assert view.assessment.missing > 0.5


async def test_harm_is_found_in_what_is_seen_while_a_canary_pod_is_silent() -> None:
    view, at_s = await judged(Targets(halves(200.0, lambda at_s: at_s < 20.0)), 900.0)
    assert verdict(view) is Verdict.ROLLBACK
    assert at_s is not None
    assert at_s <= 240.0


async def test_a_stable_pod_that_is_silent_does_not_hold_a_release() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        if wanted.arm == "canary":
            return [Target("c1", steady(rate(wanted)))]
        half = steady(rate(wanted) / 2)
        return [Target("s1", half), Target("s2", half, up=lambda at_s: at_s < 20.0)]

    view, _ = await judged(
        Targets(selected), 900.0, canary=lambda at_s: ("c1",), stable=lambda at_s: ("s1", "s2")
    )
    assert verdict(view) is Verdict.STEP_UP


# -- exposures are the gateway's ------------------------------------------------------------------


def at_gateway(**sold: Callable[[float], float]) -> Callable[[Wanted], list[Target]]:
    """Exposures of a gateway, and what each pod that is scraped has sold; c... are the canary's."""

    def selected(wanted: Wanted) -> list[Target]:
        if wanted.role == "exposures":
            return [Target("gw", steady(rate(wanted)), 3.0)]
        first = wanted.arm[0]
        return [Target(name, value, 7.0) for name, value in sold.items() if name[0] == first]

    return selected


def reason(view: EvidenceView) -> str:
    (note,) = view.no_data
    return note.reason


async def test_a_canary_pod_that_nobody_scrapes_is_no_loss() -> None:
    provider = Targets(at_gateway(c1=steady(2.5), s1=steady(45.0)), 15.0)
    view, at_s = await judged(provider, 900.0)
    assert at_s is None
    assert reason(view).startswith(
        "canary arm: c2 shows nothing, while its traffic is counted elsewhere"
    )


async def test_a_canary_pod_that_joins_and_is_not_scraped_is_no_loss() -> None:
    provider = Targets(at_gateway(c1=losing(5.0, 0.5, 30.0), s1=steady(45.0)), 15.0)
    pods = lambda at_s: ("c1",) if at_s < 30.0 else ("c1", "c2")  # noqa: E731
    view, at_s = await judged(provider, 900.0, canary=pods)
    assert at_s is None
    assert reason(view).startswith(
        "canary arm: c2 shows nothing, while its traffic is counted elsewhere"
    )
    (report,) = view.reports
    assert report.canary_events <= 5.0 * 30.0


async def test_a_stable_pod_that_nobody_scrapes_does_not_hide_a_loss_of_the_canary() -> None:
    provider = Targets(at_gateway(c1=steady(2.75), s1=steady(22.5)), 15.0)
    view, at_s = await judged(
        provider, 900.0, canary=lambda at_s: ("c1",), stable=lambda at_s: ("s1", "s2")
    )
    assert at_s is None
    assert reason(view).startswith(
        "stable arm: s2 shows nothing, while its traffic is counted elsewhere"
    )


async def test_a_pod_that_was_silent_for_long_is_not_forgotten_while_it_is_in_the_arm() -> None:
    def selected(wanted: Wanted) -> list[Target]:
        found = at_gateway(c1=steady(2.5), s1=steady(45.0))(wanted)
        hung = Target("c2", steady(2.5), 7.0, up=lambda at_s: at_s < 25.0)
        return [*found, hung] if (wanted.arm, wanted.role) == ("canary", "events") else found

    view, at_s = await judged(Targets(selected, 15.0), 900.0)
    assert at_s is None
    assert reason(view).startswith(
        "canary arm: c2 shows nothing, while its traffic is counted elsewhere"
    )


async def test_a_release_of_which_all_pods_are_scraped_goes_up() -> None:
    provider = Targets(at_gateway(c1=steady(2.5), c2=steady(2.5), s1=steady(45.0)), 15.0)
    view, _ = await judged(provider, 900.0)
    assert verdict(view) is Verdict.STEP_UP
