"""Raw samples of both arms become counts: zero that was seen, restarts, buckets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from analysis.counters import CounterPolicy, Sample
from analysis.ticks import Counts, Interval, NoData
from controller.metrics import counting
from controller.metrics.counting import ArmTick, BucketCounter, RatioCounter
from controller.metrics.port import Series
from controller.metrics.targets import RoleTick

POLICY = CounterPolicy(stale_s=5.0)


def samples(**values: list[float]) -> dict[str, list[Sample]]:
    return {
        f'x{{pod="{pod}"}}': [Sample(float(t), v) for t, v in enumerate(some)]
        for pod, some in values.items()
    }


def arm(events: object, exposures: object, until: int = 3) -> ArmTick:
    answered = {"pod=a": [float(t) for t in range(until + 1)]}
    return ArmTick(
        RoleTick(events, answered),  # type: ignore[arg-type]
        RoleTick(exposures, answered),  # type: ignore[arg-type]
    )


def fold(
    counter: RatioCounter, canary: ArmTick, stable: ArmTick, end: int
) -> tuple[RatioCounter, Counts | NoData]:
    after, counts = counter.fold(
        {"canary": canary, "stable": stable}, Interval(end - 1.0, float(end)), POLICY
    )
    return after, counts


def test_a_key_shows_the_series_and_keeps_le_last() -> None:
    series = Series("x_bucket", (("le", "0.5"), ("pod", "a")), ())
    assert counting.series_key(series) == 'x_bucket{pod="a",le="0.5"}'


def test_errors_that_never_happened_beside_living_requests_are_zero() -> None:
    counter = RatioCounter(part=True)
    good = arm({}, samples(a=[0, 10, 20]))
    _, counts = fold(counter, good, good, 1)
    assert repr(counts) == "Counts(canary 0/10, baseline 0/10)"


def test_the_first_error_of_a_child_that_is_born_is_counted() -> None:
    good = arm({}, samples(a=[0, 10, 20]))
    bad = arm({'x{pod="a"}': [Sample(2.0, 1.0)]}, samples(a=[0, 10, 20]))
    counter, _ = fold(RatioCounter(part=True), good, good, 1)
    _, counts = fold(counter, bad, good, 2)
    assert repr(counts) == "Counts(canary 1/10, baseline 0/10)"


def test_a_child_that_is_gone_after_a_restart_adds_nothing_and_never_counts_twice() -> None:
    def errors(**at: float) -> dict[str, list[Sample]]:
        return {'x{pod="a"}': [Sample(float(t[1:]), value) for t, value in at.items()]}

    requests = samples(a=[0, 10, 20, 30, 40])
    good = arm(samples(a=[0, 0, 0, 0, 0]), requests, 4)
    counter, _ = fold(RatioCounter(), arm(errors(t0=40, t1=40), requests, 4), good, 1)
    counter, gone = fold(counter, arm(errors(t0=40, t1=40), requests, 4), good, 2)
    counter, still = fold(counter, arm(errors(t1=40), requests, 4), good, 3)
    _, back = fold(counter, arm(errors(t1=40, t4=43), requests, 4), good, 4)
    assert [repr(gone), repr(still)] == ["Counts(canary 0/10, baseline 0/10)"] * 2
    assert repr(back) == "Counts(canary 3/10, baseline 0/10)"


def test_what_may_speak_of_harm_alone_is_counted_and_said() -> None:
    good = arm(samples(a=[0, 1]), samples(a=[0, 10]))
    counter, counts = fold(RatioCounter(), replace(good, doubt="never sold"), good, 1)
    assert repr(counts) == "Counts(canary 1/10, baseline 1/10)"
    assert counter.unseen == "never sold"
    counter, _ = fold(counter, good, replace(good, doubt="stable's is no matter"), 1)
    assert counter.unseen == ""


def test_what_one_role_of_one_arm_could_not_be_asked_is_missing_for_both() -> None:
    good = arm(samples(a=[0, 1, 2, 3]), samples(a=[0, 10, 20, 30]))
    dark = arm(NoData("503"), samples(a=[0, 10, 20, 30]))
    counter, _ = fold(RatioCounter(), good, good, 1)
    counter, counts = fold(counter, dark, good, 2)
    assert counts == NoData("503")
    _, counts = fold(counter, good, good, 3)
    assert repr(counts) == "Counts(canary 1/10, baseline 1/10)"


def test_more_events_than_what_they_are_a_part_of_is_no_data() -> None:
    good = arm(samples(a=[0, 1]), samples(a=[0, 10]))
    bad = arm(samples(a=[40, 30]), samples(a=[0, 10]))
    _, counts = fold(RatioCounter(part=True), bad, good, 1)
    assert isinstance(counts, NoData)
    assert "more events than exposures" in counts.reason
    _, counts = fold(RatioCounter(), bad, good, 1)
    assert repr(counts) == "Counts(canary 30/10, baseline 1/10)"


def buckets(*rows: tuple[str, list[float]]) -> ArmTick:
    known = {
        f'w_bucket{{pod="a",le="{le}"}}': [Sample(float(t), v) for t, v in enumerate(values)]
        for le, values in rows
    }
    read = RoleTick(known, {"pod=a": [0.0, 1.0]})
    return ArmTick(read, read)


def test_buckets_become_requests_slower_than_each_edge() -> None:
    canary = buckets(("0.1", [0, 5]), ("0.3", [0, 8]), ("1", [0, 9]), ("+Inf", [0, 10]))
    stable = buckets(("0.3", [0, 95]), ("1", [0, 99]), ("+Inf", [0, 100]))
    arms = {"canary": canary, "stable": stable}
    _, counts = BucketCounter(0.3).fold(arms, Interval(0.0, 1.0), POLICY)  # type: ignore[arg-type]
    assert isinstance(counts, Counts)
    assert counts.canary_events.tolist() == [2, 2, 2, 1, 1]
    assert counts.baseline_events.tolist() == [5, 5, 5, 1, 1]
    assert counts.canary_exposures.tolist() == [10] * 5


def test_a_histogram_in_milliseconds_is_no_data_with_both_numbers() -> None:
    arm = buckets(("5", [0, 5]), ("300", [0, 8]), ("1000", [0, 9]), ("+Inf", [0, 10]))
    arms = {"canary": arm, "stable": arm}
    _, counts = BucketCounter(0.3).fold(arms, Interval(0.0, 1.0), POLICY)  # type: ignore[arg-type]
    assert isinstance(counts, NoData)
    assert "no bucket's bound is near 0.3: 5 would stand for it" in counts.reason
    assert "in another unit" in counts.reason


def test_a_series_that_is_no_bucket_is_no_data_that_names_it() -> None:
    odd = arm(samples(a=[0, 1]), samples(a=[0, 1]))
    arms = {"canary": odd, "stable": odd}
    _, counts = BucketCounter(0.3).fold(arms, Interval(0.0, 1.0), POLICY)  # type: ignore[arg-type]
    assert isinstance(counts, NoData)
    assert 'x{pod="a"} is no bucket' in counts.reason


@given(
    st.lists(
        st.tuples(st.floats(5.0, 20.0), st.floats(0.0, 1e7), st.floats(0.0, 1e7)),
        min_size=4,
        max_size=12,
    ),
    st.floats(0.5, 30.0),
)
def test_events_that_are_all_of_the_exposures_are_never_more_than_they_are(
    steps: list[tuple[float, float, float]], tick_s: float
) -> None:
    """Were every request an error, rounding must not make it no data."""
    at_s, totals, read = 0.0, [0.0, 0.0], []
    for gap_s, one, other in steps:
        at_s += gap_s
        totals = [totals[0] + one, totals[1] + other if other < 9e6 else other]
        read.append((at_s, *totals))
    failed = {
        f'x{{code="{code}",pod="a"}}': [Sample(row[0], row[i]) for row in read]
        for i, code in enumerate(("500", "503"), start=1)
    }
    whole = {**failed, 'x{code="200",pod="a"}': [Sample(row[0], 7.0) for row in read]}
    times = {"pod=a": [row[0] for row in read]}
    both = ArmTick(RoleTick(failed, times), RoleTick(whole, times))
    policy = CounterPolicy(stale_s=40.0, forget_s=300.0, interpolate=True)
    counter, start_s = RatioCounter(part=True), read[0][0]
    while start_s + tick_s < at_s:
        interval = Interval(start_s, start_s + tick_s)
        counter, counts = counter.fold({"canary": both, "stable": both}, interval, policy)
        assert isinstance(counts, Counts), counts
        assert counts.canary_events == counts.canary_exposures
        start_s = interval.end_s
