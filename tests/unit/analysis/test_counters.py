import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.counters import (
    CounterPolicy,
    CounterState,
    Sample,
    fold_samples,
    increase,
    total,
    value_at,
)
from analysis.ticks import Interval, NoData

POLICY = CounterPolicy(stale_s=15.0, forget_s=60.0)
Series = dict[str, list[tuple[float, float]]]


def run(*ticks: Series, policy: CounterPolicy = POLICY) -> list[float | NoData]:
    """The totals of ticks of ten seconds; samples as (time, value)."""
    state, found = CounterState(), []
    for i, series in enumerate(ticks):
        samples = {key: [Sample(*pair) for pair in pairs] for key, pairs in series.items()}
        interval = Interval(10.0 * i, 10.0 * (i + 1))
        state, increments = fold_samples(state, samples, interval, policy)
        found.append(total(increments))
    return found


def reason(value: float | NoData) -> str:
    assert isinstance(value, NoData)
    return value.reason


def test_the_first_sight_is_a_base_and_no_count() -> None:
    first, second = run({"a": [(9, 100)]}, {"a": [(19, 130)]})
    assert "first sight" in reason(first)
    assert second == 30.0


def test_a_fall_is_a_restart_and_the_new_value_counts() -> None:
    assert run({"a": [(9, 100)]}, {"a": [(12, 110), (15, 4), (19, 9)]})[1] == 10.0 + 4.0 + 5.0


def test_a_restart_of_one_series_is_no_loss_of_the_sum() -> None:
    start = {"a": [(9.0, 100.0)], "b": [(9.0, 1000.0)]}
    assert run(start, {"a": [(19, 3)], "b": [(19, 1010)]})[1] == 13.0


def test_duplicates_and_late_arrivals_count_once() -> None:
    found = run(
        {"a": [(9, 100)]},
        {"a": [(9, 100), (5, 90), (19, 120), (19, 125), (14, 110)]},
        {"a": [(12, 105), (29, 121)]},
    )
    assert found[1:] == [20.0, 1.0]


def test_samples_after_the_tick_are_left_for_the_next() -> None:
    found = run({"a": [(9, 100)]}, {"a": [(19, 110), (21, 150)]}, {"a": [(21, 150), (29, 160)]})
    assert found[1:] == [10.0, 50.0]


def test_a_series_that_appears_later_counts_from_zero() -> None:
    found = run({"a": [(9, 100)]}, {"a": [(19, 110)]}, {"a": [(29, 120)], "500": [(29, 1)]})
    assert found[2] == 11.0


def test_a_series_that_ends_leaves_the_rest() -> None:
    ends = {"a": [(19.0, 110.0)], "b": [(15.0, 7.0), (19.0, math.nan)]}
    found = run({"a": [(9, 100)], "b": [(9, 5)]}, ends, {"a": [(29, 115)]})
    assert found[1:] == [12.0, 5.0]


def test_a_silent_series_is_a_gap_until_it_is_forgotten() -> None:
    ticks: list[Series] = [{"a": [(9, 100)], "b": [(9, 5)]}]
    ticks += [{"a": [(10 * i + 9, 100 + 10 * i)]} for i in range(1, 9)]
    found = run(*ticks)
    assert found[1] == 10.0
    assert "series b has had no sample for 21 s" in reason(found[2])
    assert all(isinstance(value, NoData) for value in found[2:7])
    assert found[8] == 10.0


def test_what_spans_a_gap_is_dropped() -> None:
    found = run(
        {"a": [(9, 100)]}, {"a": [(19, 110)]}, {}, {}, {"a": [(49, 150)]}, {"a": [(59, 160)]}
    )
    assert "no sample" in reason(found[3])
    assert "gap" in reason(found[4])
    assert found[5] == 10.0


def test_a_tick_that_was_never_folded_is_a_gap_too() -> None:
    policy = CounterPolicy(stale_s=100.0)
    state, _ = fold_samples(CounterState(), {"a": [Sample(9, 1)]}, Interval(0, 10), policy)
    state, after = fold_samples(state, {"a": [Sample(39, 9)]}, Interval(30, 40), policy)
    assert after == NoData("after a gap: counting begins anew")
    assert fold_samples(state, {"a": [Sample(49, 12)]}, Interval(40, 50), policy)[1] == {"a": 3.0}


@pytest.mark.parametrize("bad", [-1.0, math.inf, -math.inf])
def test_a_value_that_is_no_counter_makes_no_data_and_nothing_worse(bad: float) -> None:
    found = run({"a": [(9, 100)]}, {"a": [(19, bad)]}, {"a": [(29, 130)]}, {"a": [(39, 140)]})
    assert "finite and >= 0" in reason(found[1])
    assert isinstance(found[2], NoData)
    assert found[3] == 10.0


def test_nothing_at_all_is_no_data() -> None:
    assert reason(run({})[0]) == "no series"
    assert reason(run({"a": [(9, 1)]}, {"a": [(19, math.nan)]})[1]) == "all series have ended"


def test_an_interval_is_folded_once() -> None:
    state, _ = fold_samples(CounterState(), {"a": [Sample(9, 1)]}, Interval(0, 10), POLICY)
    again, found = fold_samples(state, {"a": [Sample(9, 1)]}, Interval(0, 10), POLICY)
    assert again is state
    assert found == NoData("this interval was folded before")
    with pytest.raises(ValueError, match="overlaps"):
        fold_samples(state, {}, Interval(5, 15), POLICY)


def test_the_state_survives_json() -> None:
    state, _ = fold_samples(CounterState(), {"a": [Sample(9, 1.25)]}, Interval(0, 10), POLICY)
    assert CounterState.from_json(state.to_json()) == state
    assert CounterState.from_json(CounterState().to_json()) == CounterState()
    with pytest.raises(ValueError, match="version 1"):
        CounterState.from_json({"v": 2})


@pytest.mark.parametrize("ages", [(0.0, 10.0), (20.0, 10.0)])
def test_ages_that_make_no_sense_are_refused(ages: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="stale_s"):
        CounterPolicy(*ages)


@given(st.lists(st.floats(0, 1e6), min_size=8, max_size=40), st.sets(st.integers(1, 39)))
def test_increments_telescope_over_ticks_and_restarts(
    steps: list[float], restarts: set[int]
) -> None:
    """Whatever was added after the base is counted exactly once, however it is cut into ticks."""
    value, added, ticks = 1000.0, 0.0, [{"a": [(9.0, 1000.0)]}]
    for i, step in enumerate(steps, start=1):
        value = step if i in restarts and step < value else value + step
        added += step
        ticks.append({"a": [(10.0 * i + 9.0, value)]})
    found = run(*ticks)[1:]
    assert math.fsum(v for v in found if not isinstance(v, NoData)) == pytest.approx(added)


@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=8))
def test_no_sample_whatever_raises_past_the_edge(pairs: list[tuple[float, float]]) -> None:
    start: Series = {"a": [(9.0, 5.0)]}
    for value in run(start, {"a": pairs}, {"a": [(29.0, 10.0)]}):
        assert isinstance(value, NoData) or (math.isfinite(value) and value >= 0.0)


def test_a_series_with_fewer_than_two_good_samples_has_added_nothing() -> None:
    odd = [Sample(0, math.nan), Sample(1, -1.0), Sample(2, math.inf), Sample(3, 7.0)]
    assert increase(odd) == 0.0
    assert increase([*odd, Sample(4, 9.0), Sample(2.5, 6.0)]) == 3.0


def test_a_stored_state_that_lacks_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="must have last and watched; came"):
        CounterState.from_json({"v": 1})


BETWEEN = CounterPolicy(stale_s=40.0, forget_s=60.0, interpolate=True)


def test_a_counter_is_read_off_at_both_edges_of_a_tick() -> None:
    samples: Series = {"a": [(4, 100), (19, 130), (34, 190)]}
    found = run({"a": [(-11, 70), *samples["a"]]}, samples, samples, policy=BETWEEN)
    assert found[1:] == [pytest.approx(18.0 + 4.0), pytest.approx(40.0)]


def test_a_tick_that_no_sample_has_followed_yet_is_no_data() -> None:
    found = run({"a": [(4, 100), (12, 140)]}, {"a": [(12, 140), (19, 150)]}, policy=BETWEEN)
    assert reason(found[1]) == "series a has had no sample for 1 s"


def test_no_line_is_drawn_across_a_gap() -> None:
    samples = [Sample(0, 0), Sample(60, 60)]
    assert value_at(samples, 30.0) == Sample(30.0, 30.0)
    assert value_at(samples, 30.0, most_s=59.0) is None
    assert value_at(samples, 61.0) is None
    assert value_at([Sample(0, math.nan), Sample(60, 60)], 30.0) is None
    assert value_at(samples, 60.0, most_s=1.0) == Sample(60, 60)


@given(
    st.lists(st.tuples(st.floats(1.0, 30.0), st.floats(0.0, 1e6)), min_size=2, max_size=30),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
)
def test_increments_between_any_moments_add_up_to_what_the_samples_say(
    steps: list[tuple[float, float]], cuts: list[float]
) -> None:
    """Whatever the phases, restarts and ticks are: nothing is lost, and nothing counted twice."""
    samples, at_s = [], 0.0
    for gap_s, value in steps:
        at_s += gap_s
        samples.append(Sample(at_s, value))
    first_s, last_s = samples[0].at_s, samples[-1].at_s
    edges = sorted({first_s, last_s, *(first_s + cut * (last_s - first_s) for cut in cuts)})
    patient = CounterPolicy(stale_s=1e9, forget_s=1e9, interpolate=True)
    state = CounterState({"a": samples[0]}, True, first_s)
    added = []
    for start_s, end_s in itertools.pairwise(edges):
        if end_s - start_s < 1e-3:
            continue
        interval = Interval(state.window_end_s or 0.0, end_s)
        state, found = fold_samples(state, {"a": samples}, interval, patient)
        value = total(found)
        assert not isinstance(value, NoData)
        assert value >= 0.0
        added.append(value)
    whole = increase([s for s in samples if s.at_s <= (state.window_end_s or 0.0)])
    if state.window_end_s == last_s:
        assert math.fsum(added) == pytest.approx(whole, abs=1e-6)
