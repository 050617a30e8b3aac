"""E is at most 1 under every null: summed exactly over all outcomes of small cases, then simulated.

Each process is enumerated through its public entry points, over two ticks in a row, so that what
the past chooses (grids, starts, plug-in estimates, bets) is part of the sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

import analysis as a

SLACK = 1e-9
"""Of rounding: the sums run over up to 1300 outcomes."""


def bernoulli_sums(chances: tuple[float, ...]) -> np.ndarray[Any, Any]:
    """P(k successes) of independent trials with these chances."""
    law = np.ones(1)
    for p in chances:
        law = np.convolve(law, [1.0 - p, p])
    return law


def outcomes(
    canary: tuple[float, ...], baseline: tuple[float, ...]
) -> Iterator[tuple[int, int, float]]:
    """(S_c, S_b, probability) of one tick, one chance per exposure."""
    ours, theirs = bernoulli_sums(canary), bernoulli_sums(baseline)
    for s_c, s_b in itertools.product(range(ours.size), range(theirs.size)):
        yield s_c, s_b, float(ours[s_c] * theirs[s_b])


def expectation(
    first: tuple[tuple[float, ...], tuple[float, ...]],
    second: tuple[tuple[float, ...], tuple[float, ...]],
    fold: Callable[[Any, a.Tick], Any],
    start: Any,
    log_e: Callable[[Any], Any],
    *,
    second_step: int = 0,
    gap_s: float = 10.0,
) -> float:
    """E[E] after two ticks, over every outcome of both."""
    total = 0.0
    for s_c, s_b, p in outcomes(*first):
        counts = a.Counts(s_c, len(first[0]), s_b, len(first[1]))
        between = fold(start, a.Tick(a.Interval(0.0, 10.0), counts, 0.3))
        for t_c, t_b, q in outcomes(*second):
            later = a.Counts(t_c, len(second[0]), t_b, len(second[1]))
            tick = a.Tick(a.Interval(gap_s, gap_s + 10.0), later, 0.4, step=second_step)
            total += p * q * math.exp(float(log_e(fold(between, tick))))
    return total


def chances(rng: np.random.Generator, count: int, mean: float) -> tuple[float, ...]:
    """Unlike chances of a given mean."""
    raw = np.clip(mean * (1.0 + 0.9 * (rng.random(count) - 0.5)), 0.0, 1.0)
    return tuple(float(p) for p in np.clip(raw * mean * count / raw.sum(), 0.0, 1.0))


CASES = range(12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("direction", ["Decrease", "Increase"])
def test_no_good_canary_makes_evidence_of_harm_grow(case: int, direction: Any) -> None:
    rng = np.random.default_rng(100 + case)
    edge = 0.8 if direction == "Decrease" else 1.25
    ratio = edge * (1.0 if case % 2 else rng.uniform(1.0, 1.3) ** (-1 if edge > 1.0 else 1))
    ticks = []
    for _ in range(2):
        p = float(rng.uniform(0.05, 0.7))
        ticks.append(
            (chances(rng, int(rng.integers(1, 5)), p * ratio if p * ratio < 1 else 0.9),
             chances(rng, int(rng.integers(1, 6)), p if p * ratio < 1 else 0.9 / ratio))
        )  # fmt: skip
    spec = a.HarmSpec(direction, edge, expected_rate=0.05, starts=2)
    found = expectation(
        ticks[0], ticks[1], lambda s, t: a.update_harm(spec, s, t), spec.start(), a.log_evidence,
        second_step=case % 3 % 2, gap_s=10.0 if case % 4 else 130.0,
    )  # fmt: skip
    assert found <= 1.0 + SLACK


def test_a_bad_canary_does_make_evidence_grow() -> None:
    """The sums above would notice a process that is not one."""
    spec = a.HarmSpec("Increase", 1.0, expected_rate=0.05)
    found = expectation(
        ((0.8,) * 4, (0.1,) * 5), ((0.8,) * 4, (0.1,) * 5),
        lambda s, t: a.update_harm(spec, s, t), spec.start(), a.log_evidence,
    )  # fmt: skip
    assert found > 2.0


@pytest.mark.parametrize("case", CASES)
def test_no_canary_at_the_margin_makes_evidence_of_safety_grow(case: int) -> None:
    rng = np.random.default_rng(200 + case)
    margin = a.Margin(0.7) if case % 2 else a.Margin(None, 0.2)
    ticks = []
    for _ in range(2):
        p = float(rng.uniform(0.3, 0.7))
        harmed = 0.7 * p if case % 2 else p - 0.2
        ticks.append((chances(rng, 4, harmed * rng.uniform(0.8, 1.0)), chances(rng, 5, p)))
    spec = a.PromotionSpec("Decrease", (margin,), cover_s=0.0)
    found = expectation(
        ticks[0], ticks[1], lambda s, t: a.update_promotion(spec, s, t), spec.start(),
        a.log_evidence_of_step,
    )  # fmt: skip
    assert found <= 1.0 + SLACK


@pytest.mark.parametrize("case", CASES)
def test_no_good_segment_makes_evidence_of_harm_in_any_grow(case: int) -> None:
    rng = np.random.default_rng(300 + case)
    spec = a.SegmentsSpec(("a", "b"), (0.05, 0.2), "Decrease", 0.9, starts=1)
    p = rng.uniform(0.1, 0.9, 2)
    exposed = rng.integers(1, 4, (2, 2))
    laws = [
        [bernoulli_sums((float(p[k] * (0.9 if arm == 0 else 1.0)),) * int(exposed[k, arm]))
         for arm in (0, 1)]
        for k in (0, 1)
    ]  # fmt: skip
    total = 0.0
    sizes = [range(law.size) for pair in laws for law in pair]
    for ca, ba, cb, bb in itertools.product(*sizes):
        chance = laws[0][0][ca] * laws[0][1][ba] * laws[1][0][cb] * laws[1][1][bb]
        counts = a.Counts([ca, cb], exposed[:, 0], [ba, bb], exposed[:, 1])
        tick = a.Tick(a.Interval(0.0, 10.0), counts, 0.4)
        state = a.update_segments(spec, spec.start(), tick)
        total += float(chance) * math.exp(float(a.log_evidence_of_segments(spec, state)))
    assert total <= 1.0 + SLACK


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_equal_chances_make_no_evidence_of_a_difference(p: float, side: Any) -> None:
    spec, total = a.BernoulliSpec(2, 3, side=side), 0.0
    blocks = list(outcomes((p,) * 2, (p,) * 3))
    for (a1, b1, q1), (a2, b2, q2) in itertools.product(blocks, blocks):
        state = a.update_bernoulli(spec, spec.start(), a1, b1)
        state = a.update_bernoulli(spec, state, a2, b2)
        total += q1 * q2 * math.exp(float(state.log_e))
    assert total <= 1.0 + SLACK


@pytest.mark.parametrize("mean", [0.1, 0.5, 0.93])
def test_the_hedged_bets_against_the_true_mean_gain_nothing(mean: float) -> None:
    """Values of two points with this mean, five in a row: the wealth at the true mean is 1."""
    spec, total = a.BoundedSpec(), 0.0
    place = round(mean * 1000)
    for path in itertools.product((0.0, 1.0), repeat=5):
        state, chance = spec.start(), 1.0
        for x in path:
            state = a.update_bounded(spec, state, x)
            chance *= mean if x else 1.0 - mean
        wealth = np.exp(state.log_wealth[:, place])
        total += chance * float(wealth.mean())
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_units_that_fall_as_configured_keep_the_mean_of_e_at_one(share: float) -> None:
    told = [
        a.dirichlet_log_e([k, 12 - k], [share, 1.0 - share], concentration=5.0) for k in range(13)
    ]
    total = float(stats.binom.pmf(np.arange(13), 12, share) @ np.exp(told))
    assert total == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("p", [0.05, 0.5, 0.99])
def test_the_true_quantile_keeps_the_mean_of_e_at_one(p: float) -> None:
    law = stats.binom.pmf(np.arange(31), 30, p)
    found = np.exp(a.quantile_log_e(np.arange(31), 30, p))
    assert float(law @ found) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("side", ["two", "less", "greater"])
def test_the_closed_form_at_the_true_ratio_keeps_the_mean_of_e_at_one(side: Any) -> None:
    theta = 0.25 * 1.5 / (1.0 + 0.25 * 1.5)
    k = np.arange(26)
    found = np.exp(a.beta_mixture_log_e(k, 25 - k, 0.25, r0=1.5, side=side))
    assert float(stats.binom.pmf(k, 25, theta) @ found) == pytest.approx(1.0, abs=1e-9)


def upper(hits: int, runs: int) -> float:
    """Clopper-Pearson: the chance lies below this with 99.9%."""
    return float(stats.beta.ppf(0.999, hits + 1, runs - hits)) if hits < runs else 1.0


def lower(hits: int, runs: int) -> float:
    return float(stats.beta.ppf(0.001, hits, runs - hits + 1)) if hits else 0.0


@pytest.mark.parametrize("direction", ["Decrease", "Increase"])
def test_looking_at_every_tick_keeps_the_budget_on_a_ladder(direction: Any) -> None:
    """At the edge itself, over three steps, with the traffic of a day in an hour, alpha 10%."""
    runs, alpha, edge = 600, 0.1, 0.9 if direction == "Decrease" else 1.1
    rng = np.random.default_rng(42)
    spec = a.HarmSpec(direction, edge, alpha=alpha, expected_rate=5.0, starts=3)
    state, crossed = spec.start((runs,)), np.zeros(runs, dtype=bool)
    for t in range(240):
        step = t // 80
        share = (0.02, 0.1, 0.5)[step]
        exposed = 1500.0 * (1.0 + 0.8 * math.sin(t / 20.0))
        common = rng.gamma(4.0, 0.25, runs)
        ours = rng.poisson(exposed * share, runs)
        theirs = rng.poisson(exposed * (1.0 - share), runs)
        counts = a.Counts(
            rng.poisson(ours * 0.03 * common * edge),
            ours,
            rng.poisson(theirs * 0.03 * common),
            theirs,
        )
        tick = a.Tick(a.Interval(10.0 * t, 10.0 * t + 10.0), counts, share, step=step)
        state = a.update_harm(spec, state, tick)
        crossed |= a.log_evidence(state) >= -math.log(alpha)
    assert lower(int(crossed.sum()), runs) <= alpha


def test_the_split_alarm_keeps_its_budget_within_the_tolerance() -> None:
    runs, alarm = 500, 20.0
    spec, rng = a.SplitSpec(alarm=alarm, expected_rate=100.0), np.random.default_rng(7)
    state, crossed = spec.start((runs,)), np.zeros(runs, dtype=bool)
    odds = 0.1 / 0.9 * 1.02
    true = odds / (1.0 + odds)
    for t in range(120):
        ours = rng.binomial(1000, true, runs)
        state = a.update_split(
            spec, state, a.Interval(10.0 * t, 10.0 * t + 10.0), ours, 1000 - ours, 0.1
        )
        crossed |= state.log_e >= math.log(alarm)
    assert lower(int(crossed.sum()), runs) <= 1.0 / alarm
    assert upper(int(crossed.sum()), runs) < 0.2
