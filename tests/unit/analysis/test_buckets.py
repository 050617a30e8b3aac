import math
from typing import Any

import numpy as np
import pytest

from analysis.buckets import BucketState, bound_of, fold_buckets, pair_buckets, slower
from analysis.counters import CounterPolicy, CounterState, Sample
from analysis.ticks import Counts, Interval, NoData

POLICY = CounterPolicy(stale_s=15.0)
ONE, TWO = Interval(0, 10), Interval(10, 20)
WANTED = (0.1, 0.3)


def pod(name: str, at_s: float, **counts: float) -> dict[str, list[Sample]]:
    """Bucket samples of one pod; fast: up to 0.1 s, fair: up to 0.3 s, all."""
    bounds = {"fast": "0.1", "fair": "0.3", "all": "+Inf"}
    return {f"{name}/le={bounds[k]}": [Sample(at_s, v)] for k, v in counts.items()}


def folded(canary: Any, baseline: Any) -> Counts | NoData:
    """The second of two ticks; the first is the base."""
    zero = {"fast": 0.0, "fair": 0.0, "all": 0.0}
    base = [pod(name, 10.0, **zero) for name in ("c", "s")]
    state, first = pair_buckets(BucketState(), base[0], base[1], ONE, POLICY, WANTED)
    assert isinstance(first, NoData)
    return pair_buckets(state, canary, baseline, TWO, POLICY, WANTED)[1]


def test_requests_above_each_bound_are_counted_over_all_requests() -> None:
    found = folded(
        pod("c", 20.0, fast=5.0, fair=8.0, all=10.0), pod("s", 20.0, fast=50.0, fair=95.0, all=100)
    )
    assert isinstance(found, Counts)
    assert found.canary_events.tolist() == [5.0, 2.0]
    assert found.baseline_events.tolist() == [50.0, 5.0]
    assert found.canary_exposures.tolist() == [10.0, 10.0]


def test_pods_of_one_arm_are_summed_by_bound_after_their_own_restarts() -> None:
    group, _ = fold_buckets(
        CounterState(),
        {**pod("a", 10.0, fair=100.0, all=200.0), **pod("b", 10.0, fair=7.0, all=9.0)},
        ONE,
        POLICY,
    )
    later = {**pod("a", 20.0, fair=3.0, all=5.0), **pod("b", 20.0, fair=8.0, all=11.0)}
    _, found = fold_buckets(group, later, TWO, POLICY)
    assert found == {0.3: 4.0, math.inf: 7.0}


def histogram(name: str, at_s: float, **counts: float) -> dict[str, list[Sample]]:
    """Samples of one histogram by bound, as `_0_3=5` for five requests up to 0.3 s."""
    bounds = {key: key[1:].replace("_", ".") for key in counts if key != "all"} | {"all": "+Inf"}
    return {f'x{{h="{name}",le="{bounds[k]}"}}': [Sample(at_s, v)] for k, v in counts.items()}


def test_a_bound_that_one_histogram_of_an_arm_lacks_is_left_out_for_both_arms() -> None:
    def arm(at_s: float, n: float, **b: float) -> dict[str, list[Sample]]:
        return histogram("a", at_s, _0_1=n, _0_3=n, _1=n, all=n) | histogram("b", at_s, **b)

    state, _ = pair_buckets(
        BucketState(), arm(10.0, 0.0, _0_25=0.0, _1=0.0, all=0.0),
        arm(10.0, 0.0, _0_1=0.0, _0_3=0.0, _1=0.0, all=0.0), ONE, POLICY, WANTED,
    )  # fmt: skip
    _, found = pair_buckets(
        state, arm(20.0, 100.0, _0_25=100.0, _1=100.0, all=100.0),
        arm(20.0, 100.0, _0_1=100.0, _0_3=100.0, _1=100.0, all=100.0), TWO, POLICY, WANTED,
    )  # fmt: skip
    assert isinstance(found, Counts)
    assert found.canary_exposures.tolist() == [200.0, 200.0]
    assert found.canary_events.tolist() == [0.0, 0.0]


def test_histograms_without_a_bound_in_common_cannot_be_compared() -> None:
    base = histogram("a", 10.0, _0_1=0.0, all=0.0) | histogram("b", 10.0, _0_3=0.0, all=0.0)
    later = histogram("a", 20.0, _0_1=9.0, all=9.0) | histogram("b", 20.0, _0_3=9.0, all=9.0)
    state, _ = pair_buckets(BucketState(), base, base, ONE, POLICY, WANTED)
    _, found = pair_buckets(state, later, later, TWO, POLICY, WANTED)
    assert found == NoData("the arms share no finite bucket")


def test_a_histogram_that_counted_nothing_takes_no_bound_away() -> None:
    idle = histogram("b", 10.0, _5=7.0, all=7.0)
    group, _ = fold_buckets(
        CounterState(), histogram("a", 10.0, _0_3=1.0, all=1.0) | idle, ONE, POLICY
    )
    idle = histogram("b", 20.0, _5=7.0, all=7.0)
    _, found = fold_buckets(group, histogram("a", 20.0, _0_3=4.0, all=6.0) | idle, TWO, POLICY)
    assert found == {0.3: 3.0, math.inf: 5.0}


def test_a_torn_scrape_never_gives_a_negative_count() -> None:
    torn = {0.1: 9.0, 0.3: 7.0, math.inf: 8.0}
    found = slower(torn, torn, WANTED)
    assert isinstance(found, Counts)
    assert (found.canary_events >= 0.0).all()
    assert np.all(found.canary_events <= found.canary_exposures)


@pytest.mark.parametrize("arm", ["canary", "baseline"])
def test_what_one_arm_lacks_both_lack_and_the_reason_names_the_arm(arm: str) -> None:
    seen = pod("c", 20.0, fast=1.0, fair=1.0, all=1.0)
    gone = NoData("HTTP 503")
    found = folded(gone, seen) if arm == "canary" else folded(seen, gone)
    assert found == NoData(f"{arm} buckets: HTTP 503")


def test_a_series_that_is_no_bucket_is_named() -> None:
    odd = {"c/code=200": [Sample(10.0, 1.0)]}
    group, _ = fold_buckets(CounterState(), odd, ONE, POLICY)
    _, found = fold_buckets(group, {"c/code=200": [Sample(20.0, 2.0)]}, TWO, POLICY)
    assert isinstance(found, NoData)
    assert "c/code=200 is no bucket" in found.reason


def test_the_bound_is_the_last_le_of_the_key_and_must_be_a_number() -> None:
    assert bound_of('x{path=",le=9",le="0.25"}') == 0.25
    assert bound_of("x{le=fast}") is None
    assert bound_of("handle=0.5") is None
    nan = {"c/le=NaN": [Sample(10.0, 1.0)]}
    group, _ = fold_buckets(CounterState(), nan, ONE, POLICY)
    _, found = fold_buckets(group, {"c/le=NaN": [Sample(20.0, 2.0)]}, TWO, POLICY)
    assert isinstance(found, NoData)
