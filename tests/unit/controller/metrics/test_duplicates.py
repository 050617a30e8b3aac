"""A counter that is read twice is told from two counters."""

import itertools

import pytest

from controller.metrics.duplicates import read_twice
from controller.metrics.port import Series


def series(*values: float, phase: float = 0.0, **labels: str) -> Series:
    """One sample each 15 s."""
    named = tuple(sorted({"pod": "a-1", **labels}.items()))
    return Series("x_total", named, tuple((15.0 * i + phase, v) for i, v in enumerate(values)))


@pytest.mark.parametrize("label", ["job", "replica", "prometheus_replica", "prometheus"])
def test_what_differs_only_in_its_reader_is_one_counter(label: str) -> None:
    said = read_twice([series(5, 7, **{label: "one"}), series(900, phase=3, **{label: "two"})])
    assert said is not None
    assert said == (
        f"x_total {{'pod': 'a-1'}} is read twice, by {label} one and {label} two;"
        " choose one in the query"
    )


def test_a_pod_behind_a_job_of_pods_and_one_of_services_is_read_twice() -> None:
    said = read_twice([
        series(5, job="pods"), series(5, job="web", service="checkout", endpoint="http"),
    ])  # fmt: skip
    assert said is not None
    assert (
        "by endpoint http, job web, service checkout and endpoint (none), job pods, service (none)"
    ) in said


def test_other_labels_make_two_counters() -> None:
    every = [series(5, 7, job="a", code="200"), series(5, 7, job="b", code="500")]
    assert read_twice(every) is None
    assert read_twice([series(5, 7, pod=f"a-{i}") for i in range(3)]) is None
    assert read_twice([]) is None


TARGET_LABELS = [
    "endpoint", "service", "cluster", "container", "instance", "metrics_path", "receive"
]  # fmt: skip


@pytest.mark.parametrize("label", TARGET_LABELS)
def test_two_ways_to_one_target_are_told_by_a_common_course(label: str) -> None:
    one = series(100, 130, 161, 190, **{label: "a"})
    other = series(110, 140, 171, 200, phase=5.0, **{label: "b"})
    assert read_twice([one, other]) is not None
    restarted = (
        series(100, 130, 2, 31, **{label: "a"}),
        series(110, 140, 12, 41, phase=5.0, **{label: "b"}),
    )
    assert read_twice(restarted) is not None
    at_once = (
        series(100, 131, 160, 190, **{label: "a"}),
        series(100, 130, 160, 190, phase=0.1, **{label: "b"}),
    )
    assert read_twice(at_once) is not None


@pytest.mark.parametrize("label", TARGET_LABELS)
def test_a_programs_own_label_of_that_name_is_no_second_read(label: str) -> None:
    paths = [series(*(base + 3 * base * i for i in range(4)), phase=0.0, **{label: f"/{base}"})
             for base in (1, 2, 40, 900)]  # fmt: skip
    for order in itertools.permutations(paths):
        assert read_twice(order) is None


def test_a_pod_that_is_found_once_for_each_of_its_containers_is_read_twice() -> None:
    said = read_twice([
        series(100, 130, 161, container="app", instance="10.0.0.1:80"),
        series(110, 140, 171, container="istio-proxy", instance="10.0.0.1:90", phase=5.0),
    ])  # fmt: skip
    assert said is not None
    assert "by container app, instance 10.0.0.1:80 and container istio-proxy, instance" in said


def test_targets_of_equal_traffic_are_not_one_where_no_pod_is_named() -> None:
    every = [series(100, 130, 161, pod="", instance="a"),
             series(110, 140, 171, pod="", instance="b", phase=5.0)]  # fmt: skip
    assert read_twice(every) is None


@pytest.mark.parametrize("label", TARGET_LABELS)
def test_what_one_page_shows_at_once_with_other_values_is_two_counters(label: str) -> None:
    near = [series(100, 130, 161, **{label: "a"}), series(101, 131, 162, **{label: "b"})]
    assert read_twice(near) is None
    same = [series(100, 130, 161, **{label: "a"}), series(100, 130, 161, **{label: "b"})]
    assert read_twice(same) is not None


def test_counters_that_stand_still_add_nothing_and_are_not_told_apart() -> None:
    assert read_twice([series(0, 0, 0, endpoint="/a"), series(0, 0, 0, endpoint="/b")]) is None
    assert read_twice([series(4, 5, 5, endpoint="/a"), series(4, 4, 4, endpoint="/b")]) is None
