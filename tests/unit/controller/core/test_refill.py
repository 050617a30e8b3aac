"""One ReplicaSet of the Deployment takes all its pods, whatever the Deployment's text says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.actions import Pause, RecreateReplicaSet, ScaleReplicaSet
from controller.core.observed import ReplicaSetFact, Workload
from controller.core.refill import carried, refill, refilled
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import STABLE, TARGET, replicaset


def workload(
    *sets: ReplicaSetFact, paused: bool = True, replicas: int = 4, surge: int = 1, gap: int = 0
) -> Workload:
    facts = {"paused": paused, "replicas": replicas, "surge": surge, "unavailable": gap}
    look = release().workload(**facts).sets(*sets).observed()
    assert look.workload is not None
    return look.workload


def held(stable: int, other: int, *, ready: int | None = None) -> tuple[ReplicaSetFact, ...]:
    """Stable with that many pods, and the one of the Deployment's template with these (`ready`)."""
    full = other if ready is None else ready
    return replicaset(STABLE, stable, name="s"), replicaset(TARGET, full, name="t", wanted=other)


def sizes(w: Workload, carried: int = 0) -> dict[str, int]:
    intents = refill(w, STABLE, kept=True, carried=carried)
    return {i.name: i.replicas for i in intents if isinstance(i, ScaleReplicaSet)}


def test_the_one_that_grows_comes_before_those_that_go() -> None:
    w = workload(*held(1, 4))
    assert refill(w, STABLE, kept=True) == (ScaleReplicaSet("s", 2), ScaleReplicaSet("t", 3))


def test_behind_a_full_canary_with_all_traffic_the_others_go_at_once() -> None:
    assert sizes(workload(*held(1, 4)), carried=4) == {"s": 4, "t": 0}


def test_what_serves_goes_only_as_far_as_stable_is_ready() -> None:
    starting = replicaset(STABLE, 0, name="s", wanted=2), replicaset(TARGET, 3, name="t")
    assert sizes(workload(*starting)) == {}
    assert sizes(workload(*held(4, 1))) == {"t": 0}


def test_a_canary_with_a_part_of_the_traffic_stands_for_that_part() -> None:
    assert sizes(workload(*held(0, 4)), carried=2) == {"s": 3, "t": 2}


def test_a_full_set_of_the_deployments_own_template_gives_one_pod_up_or_it_empties_the_rest() -> (
    None
):
    assert sizes(workload(*held(0, 4))) == {"s": 2, "t": 3}
    old = replicaset("01d00000", 4, name="o")
    assert sizes(workload(replicaset(STABLE, 0, name="s"), old)) == {"s": 1}


def test_two_sizes_are_never_exchanged_as_the_deployment_would_undo_that() -> None:
    assert sizes(workload(*held(2, 3))) == {"s": 4, "t": 1}
    assert sizes(workload(*held(1, 3), replicas=3, surge=2)) == {"s": 3, "t": 2}


def test_a_single_pod_has_a_gap_only_where_it_is_the_deployments_own_and_full() -> None:
    alone = {"replicas": 1}
    assert sizes(workload(*held(0, 1), **alone)) == {"s": 1, "t": 0}
    old = replicaset("01d00000", 1, name="o")
    assert sizes(workload(replicaset(STABLE, 0, name="s"), old, **alone)) == {"s": 1}


def test_where_no_pod_may_be_above_the_number_some_may_be_missing() -> None:
    assert sizes(workload(*held(1, 3), surge=0, gap=1)) == {"s": 2, "t": 2}
    assert sizes(workload(*held(0, 4), surge=0, gap=4)) == {"s": 4, "t": 0}


def test_of_several_others_those_with_ready_pods_stay_longest() -> None:
    dead = replicaset(TARGET, 0, name="t", wanted=2)
    old = replicaset("01d00000", 2, name="o")
    assert sizes(workload(replicaset(STABLE, 2, name="s"), dead, old)) == {"s": 3, "t": 0}


@settings(max_examples=300)
@given(
    st.integers(1, 12), st.integers(0, 6), st.integers(0, 12), st.integers(0, 12),
    st.integers(0, 12), st.integers(0, 12), st.integers(0, 12),
)  # fmt: skip
def test_never_more_than_a_pod_is_missed_beyond_what_the_owners_strategy_allows(
    replicas: int, surge: int, stable: int, ready: int, other: int, served: int, on_canary: int
) -> None:
    mine = replicaset(STABLE, min(ready, stable), name="s", wanted=stable)
    its = replicaset(TARGET, min(served, other), name="t", wanted=other)
    gap = 0 if surge else 1
    w = workload(mine, its, replicas=replicas, surge=surge, gap=gap)
    asked = sizes(w, on_canary)
    left = min(its.available, asked.get("t", other))
    before = mine.available + its.available
    least = min(replicas - gap - 1, before) - on_canary
    assert min(mine.available, asked.get("s", stable)) + left >= least


def test_a_deployment_that_rolls_something_else_is_paused_first() -> None:
    w = workload(replicaset(TARGET, 4, name="t"), replicaset(STABLE, 0, name="s"), paused=False)
    assert refill(w, STABLE, kept=True)[0] == Pause()


def test_a_lost_one_is_made_from_its_revision_only_if_there_is_one() -> None:
    w = workload(replicaset(TARGET, 4, name="t"))
    assert refill(w, STABLE, kept=True) == (RecreateReplicaSet(STABLE, 2),)
    assert refill(w, STABLE, kept=True, carried=4) == (RecreateReplicaSet(STABLE, 4),)
    assert refill(w, STABLE, kept=False) == ()


def test_the_canary_carries_by_ready_pods_and_by_a_weight_that_the_router_shows() -> None:
    full = release().absorbing()
    assert carried(full.observed()) == 4
    assert carried(release().absorbing().canary(ready=3, wanted=4).observed()) == 3
    assert carried(release().stepping(4).observed()) == 2
    assert carried(release().absorbing().not_shown().observed()) == 0
    assert carried(release().absorbing().by_pods().observed()) == 0
    assert carried(release().absorbing().no_canary().observed()) == 0


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
