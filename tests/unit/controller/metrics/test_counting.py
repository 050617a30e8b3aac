"""Raw samples of both arms become counts: zero that was seen, restarts, buckets."""

from __future__ import annotations

from analysis.counters import CounterPolicy, CounterState, Sample
from analysis.ticks import Counts, Interval, NoData
from controller.metrics import counting
from controller.metrics.counting import ArmTick, BucketCounter, RatioCounter
from controller.metrics.port import Series

POLICY = CounterPolicy(stale_s=5.0)


def samples(**values: list[float]) -> dict[str, list[Sample]]:
    return {
        f'x{{pod="{pod}"}}': [Sample(float(t), v) for t, v in enumerate(some)]
        for pod, some in values.items()
    }


def arm(events: object, exposures: object, until: int = 3) -> ArmTick:
    answered = {"pod=a": [float(t) for t in range(until + 1)]}
    return ArmTick(events, exposures, answered)  # type: ignore[arg-type]


def fold(counter: RatioCounter, canary: ArmTick, stable: ArmTick, end: int) -> object:
    after, counts = counter.fold(
        {"canary": canary, "stable": stable}, Interval(end - 1.0, float(end)), POLICY
    )
    return after, counts


def test_a_key_shows_the_series_and_keeps_le_last() -> None:
    series = Series("x_bucket", (("le", "0.5"), ("pod", "a")), ())
    assert counting.series_key(series) == 'x_bucket{pod="a",le="0.5"}'
    assert counting.target_of('x{instance="i",job="j",pod="a",code="5"}') == (
        "instance=i,job=j,pod=a"
    )


def test_errors_that_never_happened_beside_living_requests_are_zero() -> None:
    assert counting.events_are_part('r{code=~"5..",pod="a"}', 'r{pod="a"}')
    assert not counting.events_are_part("orders", "r")
    assert not counting.events_are_part("sum(r)", "r")
    counter = RatioCounter(part=True)
    good = arm({}, samples(a=[0, 10, 20]))
    _, counts = fold(counter, good, good, 1)  # type: ignore[misc]
    assert repr(counts) == "Counts(canary 0/10, baseline 0/10)"


def test_the_first_error_of_a_child_that_is_born_is_counted() -> None:
    good = arm({}, samples(a=[0, 10, 20]))
    bad = arm({'x{pod="a"}': [Sample(2.0, 1.0)]}, samples(a=[0, 10, 20]))
    counter, _ = fold(RatioCounter(part=True), good, good, 1)  # type: ignore[misc]
    _, counts = fold(counter, bad, good, 2)  # type: ignore[misc]
    assert repr(counts) == "Counts(canary 1/10, baseline 0/10)"


def test_a_child_that_is_gone_after_a_restart_adds_nothing_and_never_counts_twice() -> None:
    state = CounterState({'x{pod="a",code="500"}': Sample(1.0, 40.0)}, True, 1.0)
    repeated = counting.carried(state, {}, {"pod=a": [1.0, 2.0]}, 2.0)
    assert repeated == {'x{pod="a",code="500"}': [Sample(2.0, 40.0)]}
    assert counting.carried(state, {}, {"pod=a": [1.0]}, 2.0) == {}
    assert counting.carried(state, {}, {"pod=b": [2.0]}, 2.0) == {}


def test_after_a_tick_that_could_not_be_read_counting_begins_anew_for_both_arms() -> None:
    good = arm(samples(a=[0, 1, 2, 3]), samples(a=[0, 10, 20, 30]))
    dark = arm(NoData("503"), samples(a=[0, 10, 20, 30]))
    counter, _ = fold(RatioCounter(), good, good, 1)  # type: ignore[misc]
    counter, counts = fold(counter, dark, good, 2)  # type: ignore[misc]
    assert isinstance(counts, NoData)
    assert counter.pairs is None
    _, counts = fold(counter, good, good, 3)  # type: ignore[misc]
    assert repr(counts) == "Counts(canary 1/10, baseline 1/10)"


def buckets(*rows: tuple[str, list[float]]) -> ArmTick:
    known = {
        f'w_bucket{{pod="a",le="{le}"}}': [Sample(float(t), v) for t, v in enumerate(values)]
        for le, values in rows
    }
    return ArmTick(known, known, {"pod=a": [0.0, 1.0]})


def test_buckets_become_requests_slower_than_each_edge() -> None:
    canary = buckets(("0.1", [0, 5]), ("0.3", [0, 8]), ("1", [0, 9]), ("+Inf", [0, 10]))
    stable = buckets(("0.3", [0, 95]), ("1", [0, 99]), ("+Inf", [0, 100]))
    arms = {"canary": canary, "stable": stable}
    _, counts = BucketCounter(0.3).fold(arms, Interval(0.0, 1.0), POLICY)  # type: ignore[arg-type]
    assert isinstance(counts, Counts)
    assert counts.canary_events.tolist() == [2, 2, 2, 1, 1]
    assert counts.baseline_events.tolist() == [5, 5, 5, 1, 1]
    assert counts.canary_exposures.tolist() == [10] * 5


def test_a_series_that_is_no_bucket_is_no_data_that_names_it() -> None:
    odd = ArmTick(samples(a=[0, 1]), samples(a=[0, 1]), {})
    arms = {"canary": odd, "stable": odd}
    _, counts = BucketCounter(0.3).fold(arms, Interval(0.0, 1.0), POLICY)  # type: ignore[arg-type]
    assert isinstance(counts, NoData)
    assert 'x{pod="a"} is no bucket' in counts.reason
