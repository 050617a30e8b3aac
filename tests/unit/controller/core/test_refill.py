"""One ReplicaSet of the Deployment takes all its pods, whatever the Deployment's text says."""

from __future__ import annotations

from controller.core.actions import Pause, RecreateReplicaSet, ScaleReplicaSet
from controller.core.observed import ReplicaSetFact, Workload
from controller.core.refill import refill, refilled
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import STABLE, TARGET, replicaset


def workload(*sets: ReplicaSetFact, paused: bool = True, replicas: int = 4) -> Workload:
    look = release().workload(paused=paused, replicas=replicas).sets(*sets).observed()
    assert look.workload is not None
    return look.workload


def test_the_one_that_grows_comes_before_those_that_go() -> None:
    w = workload(replicaset(TARGET, 3, name="t"), replicaset(STABLE, 1, name="s"))
    assert refill(w, STABLE, kept=True) == (ScaleReplicaSet("s", 4), ScaleReplicaSet("t", 0))


def test_a_deployment_that_rolls_something_else_is_paused_first() -> None:
    w = workload(replicaset(TARGET, 4, name="t"), replicaset(STABLE, 0, name="s"), paused=False)
    assert refill(w, STABLE, kept=True)[0] == Pause()


def test_a_lost_one_is_made_from_its_revision_only_if_there_is_one() -> None:
    w = workload(replicaset(TARGET, 4, name="t"))
    assert refill(w, STABLE, kept=True) == (RecreateReplicaSet(STABLE, 4),)
    assert refill(w, STABLE, kept=False) == ()


def test_a_workload_without_replicas_has_nothing_to_wait_for() -> None:
    w = workload(replicaset(STABLE, 0, name="s"), replicas=0)
    assert refilled(w, STABLE)


def test_when_all_is_as_wanted_nothing_is_asked_for() -> None:
    w = workload(replicaset(STABLE, 4, name="s"), replicaset(TARGET, 0, name="t"))
    assert refill(w, STABLE, kept=True) == ()
    assert refilled(w, STABLE)


def test_it_is_not_done_while_pods_are_missing_or_others_want_some() -> None:
    assert not refilled(workload(replicaset(STABLE, 3, name="s", wanted=4)), STABLE)
    both = workload(replicaset(STABLE, 4, name="s"), replicaset(TARGET, 1, name="t"))
    assert not refilled(both, STABLE)
    assert not refilled(workload(), STABLE)
