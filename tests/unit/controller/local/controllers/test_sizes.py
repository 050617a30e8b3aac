"""The arithmetic of a Deployment, beside the cases of Kubernetes' own tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.api.k8s import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
)
from controller.api.meta import ObjectMeta
from controller.local.controllers import sizes

BORN = datetime(2026, 11, 24, tzinfo=UTC)
SIZES = st.integers(0, 12)
FENCES = st.integers(0, 5) | st.sampled_from(["0%", "25%", "50%", "100%"])


def deployment(
    replicas: int, surge: int | str = "25%", unavailable: int | str = "25%", status: int = 0
) -> Deployment:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return Deployment(
        spec=DeploymentSpec(replicas=replicas, strategy=strategy),
        status=DeploymentStatus(replicas=status),
    )


def one(
    name: str, replicas: int, *, up: int | None = None, age_s: int = 0, was_max: int = 0
) -> ReplicaSet:
    annotations = {sizes.MAX: str(was_max)} if was_max else {}
    return ReplicaSet(
        metadata=ObjectMeta(
            name=name, creation_timestamp=BORN - timedelta(seconds=age_s), annotations=annotations
        ),
        spec=ReplicaSetSpec(replicas=replicas),
        status=ReplicaSetStatus(available_replicas=replicas if up is None else up),
    )


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, 0, "10%", (0, 1)),
        (4, 0, 0, (0, 1)),
        (2, 3, 5, (3, 2)),
        (0, "50%", "50%", (0, 0)),
    ],
)
def test_surge_rounds_up_unavailability_down_and_one_of_them_is_left(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    made = deployment(replicas, surge, unavailable)
    assert (sizes.max_surge(made), sizes.max_unavailable(made)) == expected


@pytest.mark.parametrize(
    ("wanted", "surge", "old", "new", "grown"),
    [
        (10, 2, 10, 0, 2),
        (10, 2, 10, 2, 2),
        (10, 2, 8, 2, 4),
        (10, 0, 8, 0, 2),
        (1, 1, 1, 0, 1),
        (10, 5, 0, 0, 10),
    ],
)
def test_the_new_set_grows_into_the_surge(
    wanted: int, surge: int, old: int, new: int, grown: int
) -> None:
    sets = [one("old", old), one("new", new)]
    assert sizes.grown_new(deployment(wanted, surge, 0), sets, new) == grown


def test_unhealthy_old_pods_go_first_whatever_availability_says() -> None:
    old = [one("a", 8, up=5, age_s=20), one("b", 2, up=0, age_s=10)]
    new = one("new", 2, up=0)
    assert sizes.shrunk_old(deployment(10, 2, 2), new, old) == {"a": 6}


def test_old_sets_do_not_shrink_below_what_must_be_available() -> None:
    assert sizes.shrunk_old(deployment(10, 2, 2), one("new", 4, up=0), [one("old", 8)]) == {}
    assert sizes.shrunk_old(deployment(10, 2, 2), one("new", 4), [one("old", 8)]) == {"old": 4}


# Cases of TestScale in `pkg/controller/deployment/sync_test.go`, Kubernetes 1.37.
@pytest.mark.parametrize(
    ("before", "after", "newest_first", "expected"),
    [
        ((5, 0), (10, 0), [2, 3], [4, 6]),
        ((5, 0), (3, 0), [2, 3], [1, 2]),
        ((9, 0), (4, 0), [8, 1], [4, 0]),
        ((7, 0), (10, 0), [2, 3, 2], [3, 4, 3]),
        ((13, 0), (8, 0), [2, 8, 3], [1, 5, 2]),
        ((3, 0), (4, 0), [1, 1, 1], [2, 1, 1]),
        ((3, 0), (2, 0), [1, 1, 1], [1, 1, 0]),
        ((4, 0), (5, 0), [2, 2], [3, 2]),
        ((6, 0), (0, 0), [3, 2, 1], [0, 0, 0]),
        ((10, 2), (20, 2), [6, 6], [11, 11]),
        ((10, 3), (50, 6), [5, 8], [22, 34]),
        ((10, 0), (14, 0), [7, 3], [10, 4]),
    ],
)
def test_active_sets_share_a_change_of_size_in_proportion(
    before: tuple[int, int],
    after: tuple[int, int],
    newest_first: list[int],
    expected: list[int],
) -> None:
    sets = [
        one(f"set-{at}", size, age_s=at, was_max=sum(before))
        for at, size in enumerate(newest_first)
    ]
    replicas, surge = after
    found = sizes.proportional(deployment(replicas, surge, 1), sets)
    assert [found[f"set-{at}"] for at in range(len(expected))] == expected


@given(SIZES, FENCES, FENCES, st.lists(st.integers(1, 12), min_size=2, max_size=4))
@example(replicas=1, surge=1, unavailable=0, old=[1, 1, 1, 1])
def test_shares_add_up_to_what_is_allowed_unless_rounding_is_cut_at_zero(
    replicas: int, surge: int | str, unavailable: int | str, old: list[int]
) -> None:
    made = deployment(replicas, surge, unavailable, status=sum(old))
    found = sizes.proportional(made, [one(f"s{at}", size) for at, size in enumerate(old)])
    assert min(found.values()) >= 0
    allowed = replicas + sizes.max_surge(made) if replicas else 0
    # What rounding leaves over is taken from the largest set alone, as the real controller does it;
    # when that set has too little for it, the rest stays.
    cut = any(found[f"s{at}"] == 0 for at, size in enumerate(old) if size == max(old))
    assert sum(found.values()) == allowed or (cut and sum(found.values()) > allowed)


@given(SIZES, FENCES, FENCES, SIZES, SIZES, st.data())
def test_a_roll_keeps_within_surge_and_availability(
    replicas: int,
    surge: int | str,
    unavailable: int | str,
    old: int,
    new: int,
    data: st.DataObject,
) -> None:
    made = deployment(replicas, surge, unavailable)
    was = one("old", old, up=data.draw(st.integers(0, old)), age_s=9)
    now = one("new", new, up=data.draw(st.integers(0, new)))
    grown = sizes.grown_new(made, [was, now], new)
    assert new <= grown or grown <= replicas
    assert grown + old <= max(old + new, replicas + sizes.max_surge(made))
    size = sizes.shrunk_old(made, now, [was]).get("old", old)
    least = replicas - sizes.max_unavailable(made)
    left = min(size, was.status.available_replicas) + now.status.available_replicas
    assert left >= min(least, was.status.available_replicas + now.status.available_replicas)


def test_after_zero_the_latest_made_set_is_filled_unless_the_new_one_is_there() -> None:
    older, later, new = one("a", 0, age_s=9), one("b", 0, age_s=5), one("n", 0)
    assert sizes.only_one_to_scale(None, [later, older]) is later
    assert sizes.only_one_to_scale(new, [later, older]) is new
    assert sizes.only_one_to_scale(None, []) is None
    running = one("r", 3, age_s=20)
    assert sizes.only_one_to_scale(new, [running, later]) is running
    assert sizes.only_one_to_scale(one("n", 1), [running]) is None


def test_the_new_set_is_the_one_with_the_template_and_of_several_the_oldest() -> None:
    def with_template(item: ReplicaSet, text: bytes) -> ReplicaSet:
        spec = msgspec.structs.replace(item.spec, template=msgspec.Raw(text))
        return msgspec.structs.replace(item, spec=spec)

    wanted = b'{"metadata":{"labels":{"a":"b"}},"spec":{}}'
    hashed = b'{"spec":{},"metadata":{"labels":{"a":"b","pod-template-hash":"x"}}}'
    made = msgspec.structs.replace(deployment(1), spec=DeploymentSpec(template=msgspec.Raw(wanted)))
    other = with_template(one("other", 1, age_s=9), b'{"spec":{"x":1}}')
    first = with_template(one("first", 1, age_s=5), hashed)
    second = with_template(one("second", 1), wanted)
    assert sizes.new_set(made, [second, first, other]) is first
    assert sizes.new_set(made, [other]) is None
