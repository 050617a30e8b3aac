import math
from typing import Any

import numpy as np
import pytest

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.exceedance import (
    chosen_edges,
    coarser,
    common_edges,
    exceedances,
    monotone,
    native_buckets,
    native_counts,
    native_edges,
)
from analysis.ticks import Counts, Interval, NoData, Tick

INF = math.inf
EDGES = (0.05, 0.1, 0.25, 0.5, 1.0)


def histogram(values: Any) -> dict[float, float]:
    return {le: float((values <= le).sum()) for le in (*EDGES, INF)}


def test_exceedances_are_counts_above_each_edge() -> None:
    found = exceedances({0.1: 6, 0.5: 9, INF: 10}, {0.1: 70, 0.5: 95, INF: 100}, (0.1, 0.5))
    assert isinstance(found, Counts)
    assert found.canary_events.tolist() == [4.0, 1.0]
    assert found.baseline_events.tolist() == [30.0, 5.0]
    assert found.canary_exposures.tolist() == [10.0, 10.0]


def test_an_edge_of_one_arm_only_is_no_data() -> None:
    assert exceedances({0.1: 6, INF: 10}, {INF: 10}, (0.1,)) == NoData(
        "bucket 0.1 is not in both arms"
    )
    assert exceedances({0.1: 6}, {0.1: 6}, (0.1,)) == NoData("bucket inf is not in both arms")


def test_a_torn_scrape_never_gives_negative_counts() -> None:
    assert list(monotone({0.1: 5, 0.5: 3, INF: 4}).values()) == [5.0, 5.0, 5.0]
    assert monotone({}) == {}


@pytest.mark.parametrize(
    ("canary", "words"), [({0.3: 1.0}, "share no bucket"), ({INF: 1.0}, "share no finite bucket")]
)
def test_histograms_without_a_common_bound_are_no_data(
    canary: dict[float, float], words: str
) -> None:
    found = common_edges(canary, {0.3: 1.0, INF: 2.0}, (0.3,))
    assert isinstance(found, NoData)
    assert words in found.reason


def test_a_wanted_edge_takes_the_first_shared_bound_above_it_else_the_largest() -> None:
    canary, baseline = {0.1: 1.0, 0.3: 1.0, 1.0: 1.0, INF: 1.0}, {0.3: 1.0, 1.0: 1.0, INF: 1.0}
    wanted = (0.05, 0.30000000000000004, 0.31, 5.0)
    assert common_edges(canary, baseline, wanted) == (0.3, 0.3, 1.0, 1.0)


@pytest.mark.parametrize(
    ("bounds", "bound"),
    [((5.0, 10.0), "5"), ((0.8,), "0.8"), ((0.05, 0.1), "0.1")],
    ids=["milliseconds", "too coarse", "all below"],
)
def test_a_bound_that_is_far_from_a_needed_edge_is_no_data_with_both_numbers(
    bounds: tuple[float, ...], bound: str
) -> None:
    buckets = dict.fromkeys((*bounds, INF), 1.0)
    found = common_edges(buckets, buckets, (0.15, 0.3, 0.6), near=(1,))
    assert isinstance(found, NoData)
    assert f"no bucket's bound is near 0.3: {bound} would stand for it" in found.reason
    assert isinstance(common_edges(buckets, buckets, (0.15, 0.3, 0.6)), tuple)


@pytest.mark.parametrize("wanted", [0.006, 0.0101, 0.0251, 0.11, 0.26, 1.01, 2.6, 9.0, 24.0])
def test_the_usual_buckets_are_near_any_objective_among_them(wanted: float) -> None:
    usual = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, INF)
    buckets = dict.fromkeys(usual, 1.0)
    assert isinstance(common_edges(buckets, buckets, (wanted,), near=(0,)), tuple)


def test_a_slower_canary_is_found_and_an_equal_one_is_not() -> None:
    rng, spec = np.random.default_rng(4), HarmSpec("Increase", 1.0, expected_rate=100.0)
    ends = {}
    for name, factor in (("equal", 1.0), ("slower", 1.3)):
        state = spec.start((len(EDGES),))
        for t in range(60):
            base = np.exp(rng.normal(math.log(0.1), 0.7, 1800))
            slow = factor * np.exp(rng.normal(math.log(0.1), 0.7, 200))
            counts = exceedances(histogram(slow), histogram(base), EDGES)
            assert isinstance(counts, Counts)
            state = update_harm(spec, state, Tick(Interval(10 * t, 10 * t + 10), counts, 0.1))
        ends[name] = np.exp(log_evidence(state)).mean()
    assert ends["equal"] < 20.0
    assert ends["slower"] > 100.0


def test_edges_are_near_the_quantiles_and_none_is_exceeded_by_most() -> None:
    history = {0.01: 10, 0.05: 40, 0.1: 60, 0.25: 90, 0.5: 99, 1.0: 100, INF: 100}
    assert chosen_edges(history) == (0.1, 0.25, 0.5)
    assert chosen_edges(history, slo=2.0) == (0.1, 0.25, 0.5, 1.0)
    assert chosen_edges(history, slo=0.02, most=2) == (0.05, 0.1)


def test_native_buckets_join_to_the_coarser_schema_without_loss() -> None:
    assert native_edges(2, 4, 2).tolist() == pytest.approx([2.0, 2.0**1.25])
    fine = {-3: 1.0, -1: 2.0, 0: 3.0, 1: 4.0, 5: 5.0}
    joined = coarser(fine, 2, 0)
    assert sum(joined.values()) == 15.0
    assert joined == {0: 6.0, 1: 4.0, 2: 5.0}
    assert native_buckets({}, 0, zero=2.0) == {INF: 2.0}


def test_native_counts_are_exact_at_the_shared_edges() -> None:
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(0.0, 1.0, 5000))
    index = np.ceil(np.log2(values) * 4).astype(int)
    fine = {int(k): float((index == k).sum()) for k in np.unique(index)}
    counts = native_counts((2, fine, 0.0), (0, coarser(fine, 2, 0), 0.0), [1.0, 2.0, 4.0])
    expected = [(values > edge).sum() for edge in (1.0, 2.0, 4.0)]
    assert counts.canary_events.tolist() == expected
    assert counts.baseline_events.tolist() == expected


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: monotone({0.1: -1.0}), "increments >= 0"),
        (lambda: chosen_edges({0.1: 1.0}), "needs a \\+Inf bucket"),
        (lambda: chosen_edges({INF: 1.0}, most=9), "most must lie"),
        (lambda: coarser({}, 0, 1), "cannot be made finer"),
        (lambda: native_edges(9, 0, 1), "schema must lie"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
