"""The questions about the run in hand."""

from __future__ import annotations

import pytest

from controller.core.phases import Outcome, Phase
from controller.core.run import enter, phase, running, stable_of, step_of
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import NOW, STABLE, TARGET, ago, replicaset


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


def test_a_phase_begins_with_fresh_clocks() -> None:
    before = release().stepping(2).status(drain_until=ago(1)).change.status
    status = enter(before, Phase.SHIFTING, NOW, step=3)
    assert (status.phase, status.entered_at, status.step) == ("Shifting", NOW, 3)
    assert (status.in_force_since, status.drain_until) == (None, None)


def test_of_two_replicasets_with_one_template_the_larger_counts() -> None:
    look = release().sets(replicaset(STABLE, 1, name="a"), replicaset(STABLE, 3, name="b"))
    assert look.o.workload is not None
    found = look.o.workload.of_digest(STABLE)
    assert found is not None
    assert found.name == "b"
