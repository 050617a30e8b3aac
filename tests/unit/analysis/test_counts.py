import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.counts import HarmSpec, HarmState, log_evidence, update_harm
from analysis.logspace import log_sum
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import poisson_ticks, tick

LOSS = HarmSpec("Decrease", edge=0.99, expected_rate=50.0)
ERRORS = HarmSpec("Increase", edge=1.1, difference=0.0005, expected_rate=3.0)
HEALTHY, BROKEN = (25, 800), (0, 800)
BASELINE = (475, 15_200)


def after(spec: HarmSpec, *ticks: Tick) -> HarmState:
    state = spec.start()
    for one in ticks:
        state = update_harm(spec, state, one)
    return state


def evidence(spec: HarmSpec, *ticks: Tick) -> float:
    return float(log_evidence(after(spec, *ticks)))


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"direction": "Sideways"}, "Decrease or Increase"),
        ({"edge": 1.1}, r"\(0, 1\]"),
        ({"edge": 0.0}, r"\(0, 1\]"),
        ({"direction": "Increase", "edge": 0.9}, r"\[1, inf\)"),
        ({"direction": "Increase", "edge": math.inf}, r"\[1, inf\)"),
        ({"alpha": 0.5}, "inside"),
        ({"difference": -1.0}, ">= 0"),
        ({"truncate_nats": 0.0}, "> 0"),
        ({"starts": 0}, ">= 1"),
    ],
)
def test_a_spec_that_makes_no_sense_says_what_is_allowed(
    settings_: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        HarmSpec(**{"direction": "Decrease", "edge": 0.99, **settings_})


@pytest.mark.parametrize("spec", [LOSS, ERRORS], ids=["orders", "errors"])
def test_no_data_is_exactly_one_after_any_time(spec: HarmSpec) -> None:
    state = spec.start()
    assert float(log_evidence(state)) == 0.0
    for minute in range(600):
        state = update_harm(spec, state, tick(60.0 * minute, length_s=60.0, step=minute // 200))
        assert float(log_evidence(state)) == 0.0


def test_a_missing_tick_is_dropped_for_both_arms() -> None:
    seen = tick(0, HEALTHY, BASELINE)
    gap = tick(10, BROKEN, BASELINE, missing=True)
    assert evidence(LOSS, seen, gap) == evidence(LOSS, seen)


def test_a_tick_folded_before_changes_nothing() -> None:
    state = after(LOSS, tick(0, BROKEN, BASELINE), tick(10, BROKEN, BASELINE))
    assert update_harm(LOSS, state, tick(0, BROKEN, BASELINE)) is state
    assert update_harm(LOSS, state, tick(10, HEALTHY, BASELINE)) is state


def test_a_tick_that_overlaps_is_refused() -> None:
    state = after(LOSS, tick(0, HEALTHY, BASELINE))
    with pytest.raises(ValueError, match="overlaps"):
        update_harm(LOSS, state, tick(5, HEALTHY, BASELINE))


def test_an_outage_is_harm_within_two_ticks_and_health_is_not() -> None:
    dead = [tick(10.0 * i, (0, 170), (495, 16_500), share=0.01) for i in range(2)]
    well = [tick(10.0 * i, HEALTHY, BASELINE) for i in range(200)]
    assert evidence(LOSS, *dead) > math.log(100)
    assert evidence(LOSS, *well) < 0.0


def test_harm_that_starts_late_is_found_by_a_later_start() -> None:
    well = [tick(10.0 * i, HEALTHY, BASELINE) for i in range(360)]
    bad = [tick(3600 + 10.0 * i, (20, 800), BASELINE) for i in range(36)]
    once = replace(LOSS, late_starts=False)
    assert evidence(LOSS, *well, *bad) > evidence(once, *well, *bad) + 3.0


def test_a_new_step_keeps_the_evidence_and_draws_its_own_share() -> None:
    spec = replace(LOSS, starts=3)
    before = after(spec, *(tick(10.0 * i, (20, 800), BASELINE) for i in range(20)))
    silent = Tick(Interval(200, 210), Counts(0, 0, 0, 0), share=0.5, step=1)
    entered = update_harm(spec, before, silent)
    assert log_evidence(entered) == pytest.approx(float(log_evidence(before)), abs=1e-9)
    assert entered.waiting < before.waiting
    assert entered.finest_sigma < before.finest_sigma
    assert entered.ordinal == 2


def test_a_step_back_down_keeps_the_finer_grid() -> None:
    spec = replace(LOSS, starts=2)
    up = [
        tick(0, HEALTHY, BASELINE, share=0.5),
        tick(10, HEALTHY, BASELINE, share=0.01, step=1),
    ]
    state = after(spec, *up)
    assert state.sigma > state.finest_sigma


def test_a_changed_baseline_is_a_new_start_in_the_same_process() -> None:
    state = after(LOSS, tick(0, HEALTHY, BASELINE), tick(10, HEALTHY, BASELINE, restart=True))
    assert state.ordinal == 2
    assert state.start_mass == pytest.approx(0.2)


def test_a_rate_of_the_past_makes_the_next_grid_when_none_was_stated() -> None:
    spec = replace(LOSS, expected_rate=None, starts=2)
    ticks = [tick(10.0 * i, HEALTHY, BASELINE) for i in range(10)]
    state = after(spec, *ticks, tick(100, HEALTHY, BASELINE, share=0.5, step=1))
    assert state.sigma == pytest.approx(after(replace(LOSS, starts=2), *ticks[:1]).sigma, rel=0.9)
    known = after(replace(LOSS, starts=2), tick(0, share=0.5))
    assert state.sigma == pytest.approx(known.sigma, rel=1e-6)


def test_harm_with_a_tolerated_difference_must_lie_beyond_both() -> None:
    rare = tick(0, (6, 5000), (40, 95_000))
    by_ratio = replace(ERRORS, difference=None)
    assert evidence(by_ratio, rare) > 0.0
    assert evidence(ERRORS, rare) <= evidence(by_ratio, rare)
    assert evidence(replace(ERRORS, difference=0.01), rare) < 0.0


def test_a_mismatch_of_the_split_widens_the_edge() -> None:
    fewer = (20, 800)
    assert evidence(LOSS, tick(0, fewer, BASELINE, widen=1.25)) < evidence(
        LOSS, tick(0, fewer, BASELINE)
    )


def test_truncation_bounds_what_one_tick_may_add() -> None:
    spec = replace(LOSS, truncate_nats=1.0)
    assert evidence(spec, tick(0, (0, 10**6), (10**6, 10**7))) <= 1.0


def test_batches_are_tempered_by_the_dispersion_from_before() -> None:
    harm = (0, 800), BASELINE
    assert 0.0 < evidence(LOSS, tick(0, *harm, temper=7.0)) < evidence(LOSS, tick(0, *harm)) / 3.0


counts = st.integers(0, 3000)


@given(counts, counts, st.integers(1, 10**5), st.integers(1, 10**5))
def test_one_more_canary_order_never_raises_evidence_of_a_loss(
    canary: int, baseline: int, n_c: int, n_b: int
) -> None:
    less = evidence(LOSS, tick(0, (canary, n_c), (baseline, n_b)))
    more = evidence(LOSS, tick(0, (canary + 1, n_c), (baseline, n_b)))
    assert more <= less + 1e-9


@given(counts, counts, st.integers(2, 20))
def test_splitting_a_tick_at_one_exposure_ratio_changes_nothing(
    canary: int, baseline: int, parts: int
) -> None:
    whole = tick(0, (canary, 500), (baseline, 9500), length_s=40.0)
    piece = 40.0 / parts
    split = [
        tick(
            i * piece,
            (canary / parts, 500 / parts),
            (baseline / parts, 9500 / parts),
            length_s=piece * 0.999,
        )
        for i in range(parts)
    ]
    assert evidence(ERRORS, *split) == pytest.approx(evidence(ERRORS, whole), abs=1e-7, rel=1e-9)


@given(st.lists(st.floats(0, 1e12), min_size=4, max_size=4))
def test_any_counts_leave_the_state_finite(values: list[float]) -> None:
    a, b, c, d = values
    for spec in (LOSS, ERRORS):
        state = after(spec, tick(0, (a, b), (c, d)), tick(10, (c, d), (a, b)))
        assert np.isfinite(state.log_wealth).all()
        assert abs(float(log_evidence(state))) <= 700.0


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_many_at_once_are_each_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ticks = list(poisson_ticks(rng, (3,), ratio=0.9, until_s=150.0))
    together = LOSS.start((3,))
    alone = LOSS.start()
    for one in ticks:
        together = update_harm(LOSS, together, one)
        c = one.counts
        single = Counts(
            c.canary_events[1], c.canary_exposures[1], c.baseline_events[1], c.baseline_exposures[1]
        )
        alone = update_harm(LOSS, alone, replace(one, counts=single))
    assert log_evidence(together)[1] == pytest.approx(float(log_evidence(alone)), abs=1e-12)


@pytest.mark.parametrize(
    ("spec", "ratio"), [(LOSS, 0.99), (LOSS, 1.0), (ERRORS, 1.1), (replace(LOSS, edge=1.0), 1.0)]
)
def test_under_the_null_false_alarms_keep_to_their_budget(spec: HarmSpec, ratio: float) -> None:
    """Ville at level 0.1 over 2,000 runs with a late step: at most 0.1 and four standard errors."""
    rng = np.random.default_rng(11)
    runs, level = 2000, math.log(10)
    spec = replace(spec, starts=2, alpha=0.1)
    state = spec.start((runs,))
    highest = np.zeros(runs)
    first = poisson_ticks(rng, (runs,), ratio=ratio, until_s=1200.0, length_s=20.0)
    second = poisson_ticks(
        rng, (runs,), ratio=ratio, share=0.5, from_s=1200.0, until_s=2400.0, length_s=20.0, step=1
    )
    for one in (*first, *second):
        state = update_harm(spec, state, one)
        highest = np.maximum(highest, log_evidence(state))
    assert (highest >= level).mean() <= 0.1 + 4.0 * math.sqrt(0.09 / runs)


def test_the_mean_of_e_at_the_edge_is_one() -> None:
    """A martingale at the edge for Poisson counts, seen at a fixed time before it is skewed."""
    rng = np.random.default_rng(5)
    runs = 20_000
    state = LOSS.start((runs,))
    for one in poisson_ticks(rng, (runs,), ratio=0.99, rate=0.5, until_s=60.0, length_s=20.0):
        state = update_harm(LOSS, state, one)
    values = np.exp(log_evidence(state))
    assert values.mean() == pytest.approx(1.0, abs=4.0 * values.std() / math.sqrt(runs))


def test_wealth_and_waiting_sum_to_one_before_any_count() -> None:
    state = after(LOSS, tick(0), tick(60), tick(120))
    assert float(np.exp(log_sum(state.log_wealth)) + state.waiting) == pytest.approx(1.0, abs=1e-14)


def test_batches_make_the_grid_coarser_by_the_root_of_their_dispersion() -> None:
    single = after(LOSS, tick(0, HEALTHY, BASELINE))
    batched = after(LOSS, tick(0, HEALTHY, BASELINE, temper=4.0))
    assert batched.sigma == pytest.approx(2.0 * float(single.sigma))
