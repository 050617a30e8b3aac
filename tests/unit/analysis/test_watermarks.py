import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.pairing import GROUPS
from analysis.ticks import Counts, NoData
from analysis.watermarks import (
    MOST_TICKS_AT_ONCE,
    WatermarkSpec,
    WatermarkState,
    add_arrivals,
    close_ticks,
)

SPEC = WatermarkSpec(tick_s=10.0, lateness_s=20.0, patience_s=100.0)
EVENTS = [("canary events", 3.0), ("baseline events", 40.0)]


def told(*groups: str, upto_s: float, state: WatermarkState | None = None) -> WatermarkState:
    """``groups`` declared complete up to a time, with one unit at 5 s the first time."""
    kept = state or WatermarkState()
    for group in groups or GROUPS:
        at_s = [5.0] if state is None else []
        kept = add_arrivals(SPEC, kept, group, at_s, watermark_s=upto_s)
    return kept


def test_a_tick_closes_when_all_four_watermarks_have_passed_its_end() -> None:
    state, closed = close_ticks(SPEC, told(*GROUPS[:3], upto_s=10.0))
    assert closed == []
    state = add_arrivals(SPEC, state, GROUPS[3], [5.0, 6.0], watermark_s=9.9)
    assert close_ticks(SPEC, state)[1] == []
    state, (one,) = close_ticks(SPEC, add_arrivals(SPEC, state, GROUPS[3], [], watermark_s=10.0))
    assert isinstance(one.counts, Counts)
    assert float(one.counts.baseline_exposures) == 2.0
    assert close_ticks(SPEC, state)[1] == []


def test_what_comes_for_a_closed_tick_is_counted_and_never_added() -> None:
    state, _ = close_ticks(SPEC, told(upto_s=20.0))
    before = state.open
    state = add_arrivals(SPEC, state, "canary events", [9.0, 20.0, 20.1], [2.0, 1.0, 7.0])
    assert state.late == (3.0, 0.0, 0.0, 0.0)
    assert set(state.open) - set(before) == {2}
    canary, baseline = state.late_shares()
    assert canary == pytest.approx(3.0 / 11.0)
    assert baseline == 0.0


def test_the_newest_time_less_the_lateness_is_the_watermark_and_it_never_goes_back() -> None:
    state = WatermarkState()
    for group in GROUPS:
        state = add_arrivals(SPEC, state, group, [35.0])
        state = add_arrivals(SPEC, state, group, [8.0])
    assert state.marks_s == (15.0,) * 4
    state, closed = close_ticks(SPEC, state)
    assert [one.interval.end_s for one in closed] == [10.0]
    assert state.late_shares() == (0.0, 0.0)


def test_a_group_that_stays_behind_makes_its_ticks_missing_for_both_arms() -> None:
    state = told("canary exposures", "baseline events", "baseline exposures", upto_s=130.0)
    state = add_arrivals(SPEC, state, "canary events", [2.0], watermark_s=5.0)
    state, closed = close_ticks(SPEC, state)
    assert [one.counts for one in closed] == [
        NoData("canary events: the watermark is 125 s behind")
    ] * 3
    # what they held is reported as late, in every group
    assert state.late == (1.0, 1.0, 1.0, 1.0)
    caught_up = add_arrivals(SPEC, state, "canary events", [], watermark_s=130.0)
    assert all(isinstance(one.counts, Counts) for one in close_ticks(SPEC, caught_up)[1])


def test_an_outage_is_seen_when_the_source_declares_its_position() -> None:
    state = told("canary exposures", "baseline events", "baseline exposures", upto_s=10.0)
    state = add_arrivals(SPEC, state, "canary events", [], watermark_s=10.0)
    (one,) = close_ticks(SPEC, state)[1]
    assert isinstance(one.counts, Counts)
    assert float(one.counts.canary_events) == 0.0
    assert state.late_shares()[0] is None


@given(st.permutations(range(40)), st.integers(1, 39))
def test_the_order_of_arrival_changes_nothing_while_the_tick_is_open(
    order: list[int], cut: int
) -> None:
    at_s = np.linspace(0.5, 39.5, 40)
    straight = WatermarkState()
    mixed = WatermarkState()
    for group in GROUPS:
        straight = add_arrivals(SPEC, straight, group, at_s, watermark_s=0.0)
        for part in (order[:cut], order[cut:]):
            mixed = add_arrivals(SPEC, mixed, group, at_s[part], watermark_s=0.0)
    assert mixed == straight
    closing = [add_arrivals(SPEC, straight, group, [], watermark_s=40.0) for group in GROUPS]
    assert len(closing) == 4


def test_nothing_is_lost_between_open_closed_and_late() -> None:
    rng = np.random.default_rng(8)
    state, seen = WatermarkState(), 0.0
    for round_ in range(60):
        for group in GROUPS:
            at_s = np.maximum(10.0 * round_ - rng.exponential(15.0, 5), 0.1)
            state = add_arrivals(SPEC, state, group, at_s)
        state, closed = close_ticks(SPEC, state)
        seen += sum(float(c.counts.canary_events) for c in closed if isinstance(c.counts, Counts))
    waiting = sum(sums[0] for sums in state.open.values())
    assert seen + waiting + state.late[0] == pytest.approx(300.0)
    assert state.late[0] > 0.0


def test_the_state_round_trips_through_json() -> None:
    state, _ = close_ticks(SPEC, told(upto_s=20.0))
    state = add_arrivals(SPEC, state, "canary events", [9.0, 31.7], [0.1, 0.2])
    assert WatermarkState.from_json(json.loads(json.dumps(state.to_json()))) == state
    with pytest.raises(ValueError, match="version 1; came 2"):
        WatermarkState.from_json({"v": 2})


def test_ticks_are_those_of_their_origin_and_an_end_belongs_to_its_tick() -> None:
    spec = WatermarkSpec(tick_s=0.25, lateness_s=0.0, origin_s=1e9)
    state = WatermarkState()
    for group in GROUPS:
        state = add_arrivals(spec, state, group, 1e9 + np.arange(8) / 4.0)
    state, closed = close_ticks(spec, state)
    counts = [one.counts for one in closed]
    assert [float(c.canary_events) for c in counts if isinstance(c, Counts)] == [1.0] * 7
    # what happened at the origin itself belongs to no tick
    assert state.late == (1.0,) * 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: WatermarkSpec(math.nan), "tick_s must be finite"),
        (lambda: WatermarkSpec(1.0, lateness_s=-1.0), "lateness_s must be"),
        (lambda: WatermarkSpec(1.0, patience_s=0.0), "patience_s must be"),
        (lambda: WatermarkSpec(1.0, origin_s=math.inf), "origin_s must be"),
        (lambda: add_arrivals(SPEC, WatermarkState(), "orders", 1.0), "group must be one of"),
        (lambda: add_arrivals(SPEC, WatermarkState(), GROUPS[0], math.nan), "times of events"),
        (
            lambda: add_arrivals(SPEC, WatermarkState(), GROUPS[0], 1.0, -1.0),
            "canary events must be",
        ),
        (
            lambda: add_arrivals(SPEC, WatermarkState(), GROUPS[0], 1.0, watermark_s=math.inf),
            "watermark_s must be finite",
        ),
        (lambda: close_ticks(SPEC, told(upto_s=10.0 * MOST_TICKS_AT_ONCE + 20.0)), "at most"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_a_stored_state_that_lacks_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks late, marks, next, open, told"):
        WatermarkState.from_json({"v": 1})
