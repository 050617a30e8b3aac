import math
from typing import Any

import numpy as np
import pytest

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.segments import (
    SegmentsSpec,
    guilty_segments,
    log_evidence_of_segments,
    update_segments,
)
from analysis.ticks import Counts, Interval, Tick

RATES = (40.0, 8.0, 2.0)
SPEC = SegmentsSpec(("card", "invoice", "voucher"), RATES, "Decrease", 0.99)
SHARE = 0.05


def played(
    spec: SegmentsSpec, ratios: Any, ticks: int, runs: int = 1, *, mix: Any = 1.0, seed: int = 1
) -> Any:
    """Evidence after ``ticks`` of 10 s; mix: factor on the canary's exposures by segment."""
    rng, state = np.random.default_rng(seed), spec.start((runs,))
    n = 10.0 * np.array(spec.expected_rates) / 0.03
    for t in range(ticks):
        ours = rng.poisson(n * SHARE * np.asarray(mix), (runs, n.size))
        theirs = rng.poisson(n * (1 - SHARE), (runs, n.size))
        counts = Counts(
            rng.binomial(ours, 0.03 * np.asarray(ratios)), ours, rng.binomial(theirs, 0.03), theirs
        )
        state = update_segments(spec, state, Tick(Interval(10 * t, 10 * t + 10), counts, SHARE))
    return state


def test_no_data_is_exactly_one() -> None:
    state = SPEC.start()
    empty = Counts(np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3))
    for t in range(5):
        state = update_segments(SPEC, state, Tick(Interval(t, t + 1), empty, SHARE))
        missing = Counts([0, 0, 0], [9, 9, 9], [50, 50, 50], [90, 90, 90])
        state = (
            update_segments(
                SPEC, state, Tick(Interval(t + 1, t + 1.5), missing, SHARE, missing=True)
            )
            if t == 4
            else state
        )
    assert float(log_evidence_of_segments(SPEC, state)) == 0.0
    assert guilty_segments(SPEC, state) == ()


def test_one_dead_segment_is_found_where_the_total_hides_it_and_is_named() -> None:
    state = played(SPEC, (1.0, 1.0, 0.0), 120, 60)
    found = log_evidence_of_segments(SPEC, state) >= math.log(100)
    assert found.mean() > 0.95
    total = HarmSpec("Decrease", 0.99, expected_rate=50.0)
    kept = total.start((60,))
    rng, n = np.random.default_rng(1), 10.0 * np.array(RATES) / 0.03
    for t in range(120):
        ours, theirs = rng.poisson(n * SHARE, (60, 3)), rng.poisson(n * (1 - SHARE), (60, 3))
        c = (rng.binomial(ours, [0.03, 0.03, 0.0]), ours, rng.binomial(theirs, 0.03), theirs)
        tick = Tick(Interval(10 * t, 10 * t + 10), Counts(*(a.sum(-1) for a in c)), SHARE)
        kept = update_harm(total, kept, tick)
    assert (log_evidence(kept) >= math.log(100)).mean() < 0.3
    assert guilty_segments(SPEC, played(SPEC, (1.0, 1.0, 0.0), 120)) == ("voucher",)


def test_harm_common_to_all_segments_is_found_nearly_as_fast_as_by_the_total() -> None:
    state = played(SPEC, (0.7, 0.7, 0.7), 20, 100)
    assert (log_evidence_of_segments(SPEC, state) >= math.log(100)).mean() > 0.95


def test_another_mix_of_segments_on_the_canary_is_not_harm() -> None:
    """A total would see a loss of a third: more of the traffic that converts with 0.3%."""
    rng, state = np.random.default_rng(3), SPEC.start((200,))
    p, n = np.array([0.03, 0.003, 0.01]), np.array([1000.0, 1000.0, 500.0])
    for t in range(100):
        ours = rng.poisson(n * SHARE * np.array([0.5, 1.5, 1.0]), (200, 3))
        theirs = rng.poisson(n * (1 - SHARE), (200, 3))
        counts = Counts(rng.binomial(ours, p), ours, rng.binomial(theirs, p), theirs)
        state = update_segments(SPEC, state, Tick(Interval(10 * t, 10 * t + 10), counts, SHARE))
    assert (log_evidence_of_segments(SPEC, state) >= math.log(100)).mean() <= 0.02


@pytest.mark.parametrize("difference", [None, 0.0005])
def test_equal_segments_are_within_the_budget_at_every_look(difference: float | None) -> None:
    spec = SegmentsSpec(("a", "b", "c"), RATES, "Increase", 1.0, difference=difference, alpha=0.1)
    crossed = np.zeros(400, dtype=bool)
    rng, state = np.random.default_rng(9), spec.start((400,))
    n = 10.0 * np.array(RATES) / 0.03
    for t in range(150):
        ours, theirs = rng.poisson(n * SHARE, (400, 3)), rng.poisson(n * (1 - SHARE), (400, 3))
        extra = 0.0 if difference is None else difference
        c = (rng.binomial(ours, 0.03 + extra), ours, rng.binomial(theirs, 0.03), theirs)
        state = update_segments(spec, state, Tick(Interval(10 * t, 10 * t + 10), Counts(*c), 0.05))
        crossed |= log_evidence_of_segments(spec, state) >= math.log(10)
    assert crossed.mean() <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / 400)


def test_errors_in_one_segment_beyond_both_tolerances_are_found() -> None:
    spec = SegmentsSpec(("a", "b"), (10.0, 1.0), "Increase", 1.1, difference=0.001)
    state = played(spec, (1.0, 4.0), 60)
    assert float(log_evidence_of_segments(spec, state)[0]) >= math.log(100)


def test_a_single_stratum_in_all_but_name_is_the_process_of_counts() -> None:
    """Two equal halves of each tick give the stratified process the evidence of the whole."""
    spec = SegmentsSpec(("a", "b"), (25.0, 25.0), "Decrease", 0.99)
    whole = HarmSpec("Decrease", 0.99, expected_rate=50.0)
    state, alone = spec.start(), whole.start()
    for t in range(12):
        interval = Interval(10 * t, 10 * t + 10)
        half = Counts([10.0] * 2, [400.0] * 2, [240.0] * 2, [8000.0] * 2)
        state = update_segments(spec, state, Tick(interval, half, 0.05))
        alone = update_harm(whole, alone, Tick(interval, Counts(20, 800, 480, 16_000), 0.05))
    assert float(log_evidence(state.common)) == pytest.approx(float(log_evidence(alone)), abs=1e-12)


def test_a_tick_folded_before_changes_nothing() -> None:
    tick = Tick(Interval(0, 10), Counts([1, 1, 1], [9, 9, 9], [9, 9, 9], [99, 99, 99]), 0.05)
    once = update_segments(SPEC, SPEC.start(), tick)
    assert update_segments(SPEC, once, tick) is once


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SegmentsSpec(("a",), (1.0,), "Decrease", 0.9), "at least two distinct"),
        (lambda: SegmentsSpec(("a", "a"), (1.0, 1.0), "Decrease", 0.9), "at least two distinct"),
        (lambda: SegmentsSpec(("a", "b"), (1.0,), "Decrease", 0.9), "one expected rate"),
        (lambda: SegmentsSpec(("a", "b"), (1.0, 0.0), "Decrease", 0.9), "finite and > 0"),
        (lambda: SegmentsSpec(("a", "b"), (1.0, math.nan), "Decrease", 0.9), "finite and > 0"),
        (lambda: SegmentsSpec(("a", "b"), (1.0, 1.0), "Decrease", 1.2), "edge of a Decrease"),
        (lambda: SegmentsSpec(("a", "b"), (1.0, 1.0), "Down", 0.9), "direction must be"),  # type: ignore[arg-type]
        (
            lambda: SegmentsSpec(("a", "b"), (1.0, 1.0), "Decrease", 0.9, common_part=1.0),
            "common_part must lie",
        ),
        (
            lambda: update_segments(
                SPEC, SPEC.start(), Tick(Interval(0, 1), Counts(1, 1, 1, 1), 0.1)
            ),
            "last axis of 3 segments",
        ),
        (lambda: guilty_segments(SPEC, SPEC.start(), alpha=0.0), "alpha must lie"),
        (lambda: guilty_segments(SPEC, SPEC.start((2,))), "named for one comparison"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_a_whole_comparison_may_be_shared_by_many_and_each_is_alone() -> None:
    many = played(SPEC, (1.0, 1.0, 0.3), 20, 4)
    assert log_evidence_of_segments(SPEC, many).shape == (4,)
