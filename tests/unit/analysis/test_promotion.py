import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.factors import ratio_factor
from analysis.logspace import log_sum
from analysis.margins import Margin
from analysis.promotion import (
    PromotionSpec,
    PromotionState,
    log_evidence_of_step,
    log_evidence_to_promote,
    update_promotion,
)
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import poisson_ticks, reference, tick

TEN = PromotionSpec("Decrease", (Margin(0.9), Margin(0.97)), stretch_cover=False)
NEEDED = math.log(20)


def fold(spec: PromotionSpec, *ticks: Tick, shape: tuple[int, ...] = ()) -> PromotionState:
    state = spec.start(shape)
    for one in ticks:
        state = update_promotion(spec, state, one)
    return state


@pytest.mark.parametrize("case", reference("design-ni-promote"), ids=lambda c: c["id"])
def test_evidence_to_promote_is_that_of_the_reference(case: dict[str, Any]) -> None:
    given_ = case["inputs"]
    one = tick(0, (given_["S_c"][0], given_["exposure_ratio"][0]), (given_["S_b"][0], 1))
    assert log_evidence_to_promote(fold(TEN, one)) == pytest.approx(
        case["expected"]["log_e"], abs=case["tolerance"]
    )


@pytest.mark.parametrize("case", reference("design-ni-nodata"), ids=lambda c: c["id"])
def test_no_events_promote_nothing(case: dict[str, Any]) -> None:
    given_ = case["inputs"]
    counts = Counts(given_["S_c"], given_["exposure_ratio"], given_["S_b"], [1.0])
    offset = np.log(np.array(given_["grid"]) / given_["r0"])
    assert log_sum(ratio_factor(counts, 0.9, offset)[0] - math.log(2)) == case["expected"]["log_e"]
    state = fold(TEN, *(tick(60.0 * i, (0, 10), (0, 90), length_s=60.0) for i in range(100)))
    assert log_evidence_to_promote(state) == 0.0


def test_no_data_is_exactly_one_after_any_time() -> None:
    spec = PromotionSpec("Increase", (Margin(1.5, 0.001), Margin(difference=0.01)))
    state = spec.start()
    for minute in range(300):
        state = update_promotion(spec, state, tick(60.0 * minute, step=minute // 150))
        assert log_evidence_to_promote(state) == 0.0


def test_a_step_that_asks_for_nothing_has_no_say() -> None:
    spec = PromotionSpec("Decrease", (None, Margin(0.9)))
    assert log_evidence_to_promote(fold(spec, tick(0))) == math.inf
    assert log_evidence_to_promote(fold(spec, tick(0), tick(10, step=1))) == 0.0


def test_evidence_of_one_step_promotes_no_other() -> None:
    well = [tick(10.0 * i, (250, 8000), (4750, 152_000)) for i in range(40)]
    state = fold(TEN, *well)
    assert log_evidence_to_promote(state) > NEEDED
    after = update_promotion(TEN, state, tick(400, step=1))
    assert log_evidence_to_promote(after) == 0.0
    assert log_evidence_of_step(after) == 0.0


def test_an_hour_of_health_does_not_outweigh_harm_that_came_after() -> None:
    well = [tick(10.0 * i, (250, 8000), (4750, 152_000)) for i in range(360)]
    ill = [tick(3600 + 10.0 * i, (225, 8000), (4750, 152_000)) for i in range(40)]
    state = fold(TEN, *well, *ill)
    assert log_evidence_of_step(state) > NEEDED
    assert log_evidence_to_promote(state) < NEEDED


def test_exposures_without_errors_exclude_an_absolute_margin() -> None:
    spec = PromotionSpec("Increase", (Margin(2.0, 0.01),))
    clean = tick(0, (0, 1000), (0, 19_000))
    assert log_evidence_to_promote(fold(spec, clean)) > NEEDED
    ratio_only = PromotionSpec("Increase", (Margin(2.0),))
    assert log_evidence_to_promote(fold(ratio_only, clean)) == 0.0


def test_an_absolute_margin_of_orders_is_excluded_by_orders() -> None:
    spec = PromotionSpec("Decrease", (Margin(difference=0.01),))
    well = [tick(10.0 * i, (240, 8000), (4560, 152_000)) for i in range(40)]
    ill = [tick(10.0 * i, (150, 8000), (4560, 152_000)) for i in range(40)]
    assert log_evidence_to_promote(fold(spec, *well)) > NEEDED
    assert log_evidence_to_promote(fold(spec, *ill)) < 0.0


def test_a_missing_tick_says_nothing() -> None:
    one = tick(0, (250, 8000), (4750, 152_000))
    gone = tick(10, (250, 8000), (4750, 152_000), missing=True)
    assert log_evidence_to_promote(fold(TEN, one, gone)) == log_evidence_to_promote(fold(TEN, one))


def test_a_tick_folded_before_changes_nothing() -> None:
    one = tick(0, (250, 8000), (4750, 152_000))
    state = fold(TEN, one)
    assert update_promotion(TEN, state, one) is state


def test_a_changed_baseline_begins_the_step_anew() -> None:
    well = [tick(10.0 * i, (250, 8000), (4750, 152_000)) for i in range(40)]
    assert log_evidence_to_promote(fold(TEN, *well, tick(400, restart=True))) == 0.0


def test_harm_must_be_seen_after_twice_the_time_that_health_needs() -> None:
    spec = PromotionSpec("Decrease", (Margin(0.9),), expected_rate=50.0)
    slow = fold(spec, tick(0, (25, 800), (475, 15_200)))
    assert slow.cover_s == pytest.approx(2 * 344, rel=0.02)
    unknown = fold(replace(spec, expected_rate=None), tick(0))
    assert unknown.cover_s == 300.0


def test_one_run_in_another_step_does_not_disturb_the_rest() -> None:
    well = [tick(10.0 * i, (250, 8000), (4750, 152_000)) for i in range(60)]
    alone = fold(TEN, *well)
    mixed = [replace(one, step=np.array([0, int(i > 30)])) for i, one in enumerate(well)]
    both = fold(TEN, *mixed, shape=(2,))
    assert log_evidence_to_promote(both)[0] == pytest.approx(
        float(log_evidence_to_promote(alone)), abs=1e-12
    )
    assert both.step.tolist() == [0, 1]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.7, 1.1))
def test_the_kept_starts_give_the_smallest_of_all_starts_or_less(seed: int, ratio: float) -> None:
    spec = replace(TEN, cover_s=120.0)
    rng = np.random.default_rng(seed)
    ticks = list(poisson_ticks(rng, (), ratio=ratio, until_s=1800.0, length_s=20.0, onset_s=600.0))
    state = spec.start()
    sums: list[tuple[float, Any]] = []
    for one in ticks:
        if one.interval.start_s % 60.0 == 0.0:
            sums.append((one.interval.start_s, state.log_sums))
        state = update_promotion(spec, state, one)
        old = [s for at, s in sums if at <= one.interval.end_s - 120.0 or at == 0.0]
        brute = min(float(log_sum(state.log_sums - s - math.log(4))) for s in old)
        found = float(log_evidence_to_promote(state))
        assert found <= min(brute, float(log_evidence_of_step(state))) + 1e-9
        assert found >= brute - 2.0


def test_harm_at_the_margin_is_promoted_within_its_budget() -> None:
    """Continuous looks for an hour at the margin, then the same after a healthy hour."""
    runs = 1000
    for onset_s, until_s, released_s in ((0.0, 3600.0, 0.0), (3600.0, 7200.0, 4000.0)):
        rng = np.random.default_rng(7)
        state = TEN.start((runs,))
        promoted = np.zeros(runs, dtype=bool)
        for one in poisson_ticks(
            rng, (runs,), ratio=0.9, until_s=until_s, length_s=20.0, onset_s=onset_s
        ):
            state = update_promotion(TEN, state, one)
            if one.interval.end_s >= released_s:
                promoted |= log_evidence_to_promote(state) >= NEEDED
        assert promoted.mean() <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / runs)


def test_a_good_release_is_promoted() -> None:
    rng = np.random.default_rng(8)
    spec = PromotionSpec("Decrease", (Margin(0.9),), expected_rate=50.0)
    state = spec.start((200,))
    promoted = np.zeros(200, dtype=bool)
    for one in poisson_ticks(rng, (200,), until_s=3600.0):
        state = update_promotion(spec, state, one)
        promoted |= log_evidence_to_promote(state) >= NEEDED
    assert promoted.mean() >= 0.985


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: PromotionSpec("Decrease", (Margin(0.9),), beta=1.0), "beta"),
        (lambda: PromotionSpec("Decrease", (Margin(0.9),), spacing_s=0.0), "spacing_s"),
        (lambda: PromotionSpec("Decrease", (Margin(0.9),), cover_s=math.inf), "cover_s"),
        (lambda: PromotionSpec("Increase", (Margin(0.9),)), "above 1"),
        (lambda: Margin(ratio=-1.0), "ratio"),
        (lambda: Margin(difference=0.0), "difference"),
    ],
)
def test_a_margin_or_rule_that_makes_no_sense_is_refused(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()


def test_extreme_counts_stay_finite() -> None:
    spec = PromotionSpec("Increase", (Margin(1.5, 0.01),))
    for n in (0.0, 1.0, 1e12):
        one = Tick(Interval(0, 10), Counts(n, n, 0, 1e12), share=0.1)
        assert np.isfinite(fold(spec, one).log_sums).all()
        assert abs(float(log_evidence_to_promote(fold(spec, one)))) <= 700.0
