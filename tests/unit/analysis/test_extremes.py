"""Values that no service has: counts of 1e12, shares of a billionth, nothing at all."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

import analysis as a
from analysis.recording import MetricRecord

ONE, HUGE, NAN = 1.0, 1e12, math.nan
ORDERS = a.MetricSpec("orders", "Decrease", 0.99, (a.Margin(0.7), a.Margin(0.9)), weight=0.5)
ERRORS = a.MetricSpec(
    "errors", "Increase", 1.1, (a.Margin(2.0, 0.005), a.Margin(1.5, 0.003)),
    tolerated_difference=0.0005, weight=0.3,
)  # fmt: skip
BATCHES = a.MetricSpec(
    "batches", "Both", 0.9, (a.Margin(0.5), a.Margin(0.7)),
    batched=True, dispersion_before=3.0, truncate_nats=2.3, weight=0.1,
)  # fmt: skip
LATENCY = a.MetricSpec(
    "latency", "Increase", 1.1, (a.Margin(2.0), a.Margin(1.5)), edges=3, promotion_edges=(1,),
    weight=0.1,
)  # fmt: skip
METRICS = (ORDERS, ERRORS, BATCHES, LATENCY)

amounts = st.one_of(st.sampled_from([0.0, 1e-12, 1.0, 1e6, HUGE]), st.floats(1e-12, HUGE))


def released(counts: tuple[float, ...], shares: tuple[float, float]) -> a.Assessment:
    """Six ticks of the same counts over two steps, through JSON after each."""
    spec = a.ReleaseSpec(METRICS, shares)
    state = spec.start()
    wide = [np.full(3, one) for one in counts]
    for place in range(6):
        interval = a.Interval(10 * place, 10 * place + 10)
        step = place // 3
        told: dict[str, Any] = {m.name: a.Counts(*counts) for m in METRICS}
        told["latency"] = a.Counts(*wide)
        state = a.update(spec, state, a.ReleaseTick(interval, step, shares[step], told))
        state = a.from_json(spec, json.loads(json.dumps(a.to_json(state), allow_nan=False)))
    return a.assess(spec, state, step=1, step_elapsed_s=30.0)


@settings(max_examples=60)
@example((0.0, 8640107776.0, 266906240980.75, 0.5), (0.01, 0.5))  # rounds by more than a nat
@given(
    st.tuples(amounts, amounts, amounts, amounts),
    st.sampled_from([(0.01, 0.5), (1e-9, 1.0 - 1e-9), (1e-300, 1.0 - 1e-16)]),
)
def test_any_counts_and_shares_leave_every_number_of_a_release_sound(
    counts: tuple[float, ...], shares: tuple[float, float]
) -> None:
    found = released(counts, shares)
    assert math.isfinite(found.log_e)
    assert math.isfinite(found.log_promote)
    assert found.verdict is not a.Verdict.STEP_UP
    for metric in found.metrics:
        assert metric.low is not None
        assert metric.high is not None
        assert 0.0 <= metric.low <= metric.high
        assert not math.isnan(metric.log_harm)


def test_nothing_but_silence_is_exactly_no_evidence() -> None:
    found = released((0.0, 0.0, 0.0, 0.0), (0.01, 0.5))
    assert (found.log_e, found.log_promote) == (0.0, 0.0)
    assert all((m.low, m.high, m.ratio) == (0.0, math.inf, None) for m in found.metrics)


garbage = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60)
@given(st.lists(garbage, min_size=4, max_size=40), st.data())
def test_no_recording_whatever_raises_or_steps_up_while_its_numbers_are_none(
    values: list[float], data: st.DataObject
) -> None:
    """NaN, infinities, falls, negatives and holes in one arm's events, every tick."""
    at_s = data.draw(st.lists(st.floats(0.0, 600.0), min_size=len(values), max_size=len(values)))
    odd = tuple(a.Sample(t, v) for t, v in sorted(zip(at_s, values, strict=True)))
    good = tuple(a.Sample(10.0 * t, 100.0 * t) for t in range(61))
    record = MetricRecord({"c/x": odd}, {"c/y": good}, {"s/x": good}, {"s/y": good})
    spec = a.ReleaseSpec(
        (a.MetricSpec("orders", "Decrease", 0.99, (a.Margin(0.7),)),), (0.5,), bake_s=60.0,
        min_ticks=3,
    )  # fmt: skip
    recording = a.Recording(0.0, 600.0, {"orders": record})
    for look in a.replay(spec, recording):
        assert math.isfinite(look.assessment.log_e)
        if not any(math.isfinite(v) and v >= 0.0 for v in values):
            assert look.assessment.verdict is not a.Verdict.STEP_UP


@pytest.mark.parametrize("n", [1e3, 1e6, 1e9, HUGE])
def test_the_interval_of_any_number_of_events_is_that_of_the_closed_form(n: float) -> None:
    ours, theirs = round(0.05 * 0.97 * n), round(0.95 * n)
    tick = a.Tick(a.Interval(0, 1), a.Counts(ours, 0.5 * n, theirs, 9.5 * n), 0.05)
    low, high = a.ratio_bounds(a.update_ratio(a.RatioState.start(), tick))
    closed = a.ratio_interval(ours, theirs, 0.05 / 0.95)
    width = 6.0 / math.sqrt(ours)
    assert float(low) == pytest.approx(closed[0], rel=width)
    assert float(high) == pytest.approx(closed[1], rel=width)
    assert float(low) < ours / theirs * 19.0 < float(high)


@pytest.mark.parametrize("method", ["exact", "midp", "score", "etest"])
@pytest.mark.parametrize("n", [1e4, 1e6, 1e9, HUGE])
def test_a_single_look_at_any_number_of_events_is_near_its_normal_limit(
    n: float, method: Any
) -> None:
    gap = math.floor(2.0 * math.sqrt(2.0 * n))
    p = float(a.rate_test(n, 1e13, n + gap, 1e13, alternative="less", method=method))
    limit = stats.norm.cdf(-gap / math.sqrt(2.0 * n + gap))
    assert p == pytest.approx(limit, rel=0.08 if n < 1e5 else 0.01)
    both = float(a.rate_test(n, 1e13, n + gap, 1e13, method=method))
    assert both == pytest.approx(2.0 * p, rel=1e-9)


def test_an_exact_test_is_scipys_at_every_small_count() -> None:
    for ours in range(7):
        for theirs in range(7):
            if ours + theirs:
                for side in ("less", "greater"):
                    p = float(a.rate_test(ours, 2.0, theirs, 3.0, alternative=side))
                    wanted = stats.binomtest(ours, ours + theirs, 0.4, alternative=side).pvalue
                    assert p == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: a.binomial_test(0, 0, 0.5), 1.0),
        (lambda: a.proportion_test([[0, 0], [0, 0]]).p, 1.0),
        (lambda: a.proportion_test([[0, 3], [0, 4]], method="barnard").p, 1.0),
        (lambda: a.proportion_test([[0, 0], [5, 5]], method="boschloo").p, 1.0),
        (lambda: a.mean_test((1e300, 1e300), (1e-300, 1e-300), (2, 2)).p, 1.0),
        (lambda: a.dirichlet_log_e([0.0, 0.0], [1e-9, 1.0 - 1e-9]), 0.0),
        (lambda: a.beta_mixture_log_e(0.0, 0.0, 1e-12), 0.0),
        (lambda: a.quantile_log_e(0, 0, 1e-12), 0.0),
        (lambda: a.total_log_e(a.TotalSpec("Decrease", 0.8), 0, 0, HUGE, 60), 0.0),
        (lambda: a.effective_size(HUGE, 0.0), HUGE),
    ],
)
def test_nothing_to_go_by_has_its_written_answer(call: Any, value: float) -> None:
    assert float(call()) == value


@pytest.mark.parametrize(
    "call",
    [
        lambda: a.beta_mixture_log_e([0, 1, HUGE, HUGE], [HUGE, HUGE, 0, HUGE], 1e-3, side="less"),
        lambda: a.beta_mixture_log_e([0, 1, HUGE], [HUGE, HUGE, 0], 1e3, side="greater"),
        lambda: a.dirichlet_log_e([HUGE, HUGE], [0.5, 0.5]),
        lambda: a.quantile_log_e([0, HUGE], HUGE, [1e-12, 0.5]),
        lambda: a.uniform_radius([1, HUGE]),
        lambda: a.asymptotic_radius(HUGE, HUGE, rho2=1e-12),
        lambda: a.sequential_p(HUGE, HUGE, rho2=1.0),
        lambda: a.information_per_event([0.0, 1e-12, 1.0, HUGE], 1.0, [0.0, 1e-9, 0.5, 0.999]),
        lambda: a.MeanState.start().update(1e150).update(-1e150).variance,
    ],
)
def test_extreme_amounts_give_finite_numbers(call: Any) -> None:
    assert np.isfinite(call()).all()


def test_numbers_beyond_any_counter_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 1e\+18; came 1e\+300"):
        a.Counts(1e300, ONE, ONE, ONE)
    with pytest.raises(ValueError, match=r"at most 1e\+18; came 1e\+19"):
        a.Counts([1.0, 1e19], ONE, ONE, ONE)
    with pytest.raises(ValueError, match="values must lie within"):
        a.MeanState.start().update(1e200)


@given(st.permutations(range(6)), st.integers(1, 5))
def test_parts_of_a_ratio_merge_in_any_order(order: list[int], cut: int) -> None:
    rng = np.random.default_rng(4)
    parts = []
    for place in range(6):
        counts = a.Counts(*(rng.poisson(mean) for mean in (3, 90, 50, 900)))
        parts.append(
            a.update_ratio(a.RatioState.start(), a.Tick(a.Interval(place, place + 1), counts, 0.1))
        )
    left, right = a.RatioState.start(), a.RatioState.start()
    for place in order[:cut]:
        left = left.merge(parts[place])
    for place in order[cut:]:
        right = parts[place].merge(right)
    whole = a.RatioState.start()
    for part in parts:
        whole = whole.merge(part)
    assert left.merge(right).log_means == pytest.approx(whole.log_means, rel=1e-12)
    assert np.allclose(a.ratio_bounds(left.merge(right)), a.ratio_bounds(whole), rtol=1e-9)


def test_means_merge_in_any_order_and_are_those_of_one_pass() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(1e6, 1.0, 400)
    states = []
    for part in np.split(values, 8):
        state = a.MeanState.start()
        for value in part:
            state = state.update(value)
        states.append(state)
    merged = a.MeanState.start()
    for place in (5, 1, 7, 0, 3, 2, 6, 4):
        merged = merged.merge(states[place])
    assert float(merged.mean) == pytest.approx(values.mean(), rel=1e-14)
    assert float(merged.variance) == pytest.approx(values.var(), rel=1e-9)


@settings(max_examples=40)
@given(st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4), st.sampled_from([0.02, 0.4]))
def test_splitting_a_tick_at_one_exposure_ratio_changes_nothing_for_a_whole_release(
    cuts: list[float], share: float
) -> None:
    """Inside one start minute, without tempering and truncation."""
    spec = a.ReleaseSpec((ORDERS, ERRORS), (share, 0.5))
    whole = np.array([3.0, 1000.0 * share, 70.0, 1000.0 * (1.0 - share)])
    ends = [0.0, *sorted({round(cut, 3) for cut in cuts}), 1.0]
    states = spec.start(), spec.start()
    for start_s in (0.0, 60.0):
        one = dict.fromkeys(("orders", "errors"), a.Counts(*whole))
        tick = a.ReleaseTick(a.Interval(start_s, start_s + 40.0), 0, share, one)
        rest = states[1]
        for left, right in pairwise(ends):
            part = dict.fromkeys(("orders", "errors"), a.Counts(*(whole * (right - left))))
            inside = a.Interval(start_s + 40.0 * left, start_s + 40.0 * right)
            rest = a.update(spec, rest, a.ReleaseTick(inside, 0, share, part))
        states = a.update(spec, states[0], tick), rest
    found = [a.assess(spec, state, step=0, step_elapsed_s=100.0) for state in states]
    assert found[0].log_e == pytest.approx(found[1].log_e, abs=1e-9)
    assert found[0].log_promote == pytest.approx(found[1].log_promote, abs=1e-9)


@pytest.mark.parametrize("tick_s", [10.0, 1.0, 0.3])
@pytest.mark.parametrize("shift_s", [1.8e9, 1.8e9 + 7.77, -5e8, 0.123])
def test_the_clock_of_the_ticks_may_begin_anywhere(tick_s: float, shift_s: float) -> None:
    """Epoch seconds, a monotonic clock, ends that only rounding separates."""
    ends = [evidence_of_a_minute(tick_s, at_s) for at_s in (0.0, shift_s)]
    # doubles resolve epoch seconds to a quarter of a microsecond, and rates follow
    assert ends[0] == pytest.approx(ends[1], abs=1e-5)


def evidence_of_a_minute(tick_s: float, shift_s: float) -> list[float]:
    rng, spec = np.random.default_rng(3), a.ReleaseSpec(METRICS, (0.05, 0.5))
    state, count = spec.start(), round(120.0 / tick_s)
    for k in range(count):
        seen = [float(rng.poisson(m * tick_s)) for m in (2, 70, 40, 1300)]
        told: dict[str, Any] = {m.name: a.Counts(*seen) for m in METRICS}
        told["latency"] = a.Counts(*(np.full(3, one) for one in seen))
        # summed in two ways, as clocks and schedulers do
        inside = a.Interval(shift_s + tick_s * k, shift_s + tick_s * k + tick_s)
        step = int(2 * k >= count)
        state = a.update(spec, state, a.ReleaseTick(inside, step, spec.shares[step], told))
    found = a.assess(spec, state, step=1, step_elapsed_s=60.0)
    return [found.log_e, found.log_promote]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: a.exponential_law(1e9, 1e-3), "mean_s must be at most 10000 ticks"),
        (
            lambda: a.add_arrivals(
                a.WatermarkSpec(1e-3), a.WatermarkState(), "canary events", [1e18]
            ),
            r"within 1e\+12 ticks of the origin",
        ),
        (
            lambda: a.Scenario("x", "Decrease", 1.0, 0.1, 0.1, 1e18, 0.9),
            r"horizon_s of x must be at most 1e\+07 ticks",
        ),
    ],
)
def test_what_no_machine_can_hold_is_refused_before_it_is_tried(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
