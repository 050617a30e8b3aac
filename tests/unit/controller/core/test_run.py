"""The questions about the run in hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.api.rollout import Limits
from controller.core.phases import Outcome, Phase
from controller.core.run import (
    after,
    ahead,
    applicable,
    enter,
    handled,
    hold_deadline,
    phase,
    progress_deadline,
    running,
    speaks_of,
    stable_of,
    step_of,
    stricter,
)
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import CHANGE, NOW, STABLE, TARGET, ago, replicaset


def test_a_change_without_a_status_is_proposed() -> None:
    assert phase(release().status(phase="").observed()) is Phase.PROPOSED
    assert phase(release().no_change().observed()) is None


def test_an_ended_change_is_not_running() -> None:
    assert running(release().finished(Outcome.PROMOTED).observed()) is None
    assert running(release().retreating().observed()) is not None


@pytest.mark.parametrize(
    ("look", "digest", "known"),
    [
        (release().stepping(2), STABLE, "aaa"),
        (release().absorbing(4), STABLE, "aaa"),
        (release().settling(), TARGET, "bbb"),
        (release().promoted(), TARGET, "bbb"),
        (release().finished(Outcome.ROLLED_BACK), STABLE, "aaa"),
        (release().settling().no_workload(), STABLE, "aaa"),
        (release().settling().sets(), TARGET, ""),
        (release().settling().sets().rollout_status(
            stable=stable_of(release().promoted().observed())), TARGET, "bbb"),
    ],
    ids=["a run changes nothing", "nor a rolling update", "what is absorbed is stable",
         "a promoted one is, though the Rollout was not told before a crash",
         "what was taken back is not", "without a Deployment the memory counts",
         "a ReplicaSet that is not seen yet has no hash", "unless its hash is remembered"],
)  # fmt: skip
def test_what_is_stable(look: Release, digest: str, known: str) -> None:
    stable = stable_of(look.observed())
    assert (stable.digest, stable.hash) == (digest, known)


def test_a_step_beyond_the_ladder_is_its_last() -> None:
    assert step_of(release().status(step=9).change).weight == 50


@pytest.mark.parametrize(("frozen", "live", "counts"), [
    ("24h", "1h", "1h"), ("1h", "24h", "1h"), ("1h", "60m", "1h"), ("1h", "99999d", "1h"),
    ("1h", "soon", "1h"),
])  # fmt: skip
def test_the_stricter_limit_counts_and_a_broken_one_does_not(
    frozen: str, live: str, counts: str
) -> None:
    assert stricter(frozen, live) == counts


def test_waits_count_from_their_beginning() -> None:
    look = release().stepping(2).entered(30)
    assert hold_deadline(look.observed(), look.change, NOW) == ago(30) + timedelta(hours=24)
    assert progress_deadline(look.observed(), look.change, NOW) == ago(20)


def test_or_from_when_this_operator_began_to_act() -> None:
    look = release().stepping(2).entered(30).acting_for(3)
    assert progress_deadline(look.observed(), look.change, NOW) == ago(-7)
    early = release().stepping(2).entered(3).acting_for(30)
    assert progress_deadline(early.observed(), early.change, NOW) == ago(-7)


def test_a_stricter_live_hold_counts_at_once() -> None:
    look = release().stepping(2).entered(30).spec(limits=Limits(hold="1h"))
    assert hold_deadline(look.observed(), look.change, NOW) == ago(-30)


def test_a_wait_without_a_beginning_begins_now() -> None:
    assert after(None, "5m", NOW) == ago(-5)


def test_a_passed_deadline_wakes_nobody() -> None:
    assert ahead(ago(-1), NOW) == ago(-1)
    assert ahead(NOW, NOW) is None


def test_a_phase_begins_with_fresh_clocks() -> None:
    before = release().stepping(2).status(drain_until=ago(1)).change.status
    status = enter(before, Phase.SHIFTING, NOW, step=3)
    assert (status.phase, status.entered_at, status.step) == ("Shifting", NOW, 3)
    assert (status.in_force_since, status.drain_until) == (None, None)


def test_sign_offs_come_oldest_first_and_once() -> None:
    look = release().signed("Hold", minutes=0.1).signed("Release").signed("Abort")
    found = applicable(look.observed(), "Hold", "Release")
    assert [c.decision for c in found] == ["Release", "Hold"]
    look.status(handled=("uid-2",))
    assert [c.decision for c in applicable(look.observed(), "Hold", "Release")] == ["Hold"]


def test_nothing_applies_to_what_is_over() -> None:
    assert not applicable(release().finished(Outcome.ABORTED).signed("Hold").observed(), "Hold")


@pytest.mark.parametrize(("named", "minutes", "meant"), [
    (CHANGE, 600, True), ("another", 0, False), ("", 0, True), ("", 60, True), ("", 61, False),
])  # fmt: skip
def test_which_change_a_sign_off_speaks_of(named: str, minutes: float, meant: bool) -> None:
    look = release().signed("Hold", change=named, minutes=minutes)
    assert speaks_of(look.o.commands[0], look.change) is meant


def test_handled_sign_offs_are_added() -> None:
    look = release().status(handled=("before",)).signed("Hold")
    assert handled(look.change.status, look.o.commands[0]).handled == ("before", "uid-1")


def test_of_two_replicasets_with_one_template_the_larger_counts() -> None:
    look = release().sets(replicaset(STABLE, 1, name="a"), replicaset(STABLE, 3, name="b"))
    assert look.o.workload is not None
    found = look.o.workload.of_digest(STABLE)
    assert found is not None
    assert found.name == "b"
