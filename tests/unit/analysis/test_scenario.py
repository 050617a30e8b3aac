from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.dispersion import DispersionState, update_dispersion
from analysis.scenario import Scenario
from analysis.ticks import Tick
from analysis.traffic import Observation, stream

ORDERS = Scenario("orders", "Decrease", 1000.0, 0.03, 0.1, 600.0, 0.9)


def play(scenario: Scenario, runs: int = 200, seed: int = 1) -> Iterator[Observation]:
    return stream(scenario, runs, np.random.default_rng(seed))


def ratio(scenario: Scenario, **more: Any) -> float:
    seen = list(play(replace(scenario, **more)))
    canary = sum(s.counts.canary_events.sum() for s in seen)
    baseline = sum(s.counts.baseline_events.sum() for s in seen)
    exposed = sum(s.counts.canary_exposures.sum() for s in seen)
    others = sum(s.counts.baseline_exposures.sum() for s in seen)
    return float(canary / exposed / (baseline / others))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"diurnal": 0.8},
        {"batch_mean": 4.0, "noise_variance": 0.5},
        {"true_share": 0.08},
        {"gap_share": 0.1, "gap_every_s": 300.0, "gap_s": 60.0},
        {"reset_loss": 0.025},
        {"lag_s": 120.0},
        {"retries": 3, "fails_again": 0.5},
    ],
)
@pytest.mark.parametrize("true", [1.0, 0.6])
def test_rates_per_exposure_have_the_true_ratio_whatever_spoils_the_counts(more, true) -> None:
    assert ratio(ORDERS, ratio=true, **more) == pytest.approx(true, rel=0.03)


def test_the_same_seed_gives_the_same_stream() -> None:
    first, again = play(ORDERS), play(ORDERS)
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.counts.canary_events, two.counts.canary_events)


def test_an_effect_begins_and_ends() -> None:
    warm = replace(ORDERS, ratio=8.0, until_s=180.0)
    assert [warm.ratio_at(t) for t in (0.0, 179.0, 180.0)] == [8.0, 8.0, 1.0]


def test_harm_counts_from_the_time_it_passes_the_margin() -> None:
    leak = Scenario(
        "leak", "Increase", 1000, 0.002, 0.1, 14_400, 1.5, ratio=6.0, onset_s=1800, ramp_s=10_800
    )
    assert leak.harmful_from_s == 2880.0
    assert ORDERS.harmful_from_s == 0.0


def test_geometric_batches_have_the_dispersion_that_the_scenario_states() -> None:
    batches = replace(ORDERS, batch_mean=4.0, horizon_s=3000.0)
    state = DispersionState.start((200,))
    for seen in play(batches):
        state = update_dispersion(state, Tick(seen.interval, seen.counts, 0.1))
    assert batches.dispersion == 7.0
    assert (state.squares / state.ticks).mean() == pytest.approx(7.0, rel=0.05)


def test_a_unit_is_counted_once() -> None:
    seen = next(play(replace(ORDERS, batch_mean=4.0)))
    mean = seen.counts.baseline_events.sum() / seen.units.baseline_events.sum()
    assert mean == pytest.approx(4.0, rel=0.05)


def test_an_arm_effect_stays_and_arm_noise_changes_by_the_minute() -> None:
    fixed = [s.counts for s in play(replace(ORDERS, arm_sd=0.2, exposure_rate=1e6))]
    rates = [c.canary_events / c.canary_exposures for c in fixed]
    assert np.corrcoef(rates[0], rates[-1])[0, 1] > 0.9
    noisy = [s.counts for s in play(replace(ORDERS, arm_noise=0.2, exposure_rate=1e6))]
    rates = [c.canary_events / c.canary_exposures for c in noisy]
    assert np.corrcoef(rates[0], rates[5])[0, 1] > 0.9
    assert abs(np.corrcoef(rates[0], rates[6])[0, 1]) < 0.3


def test_loss_is_what_the_canary_does_not_sell() -> None:
    assert replace(ORDERS, ratio=0.5).loss_per_second(0.0) == pytest.approx(30 * 0.1 * 0.5)
    errors = Scenario(
        "e", "Increase", 1000, 0.003, 0.05, 60, 1.5, ratio=2.0, orders_per_event=0.075
    )
    assert errors.loss_per_second(0.0) == pytest.approx(0.01125)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"share": 1.0}, r"share of orders must lie inside \(0, 1\); came 1.0"),
        ({"diurnal": 1.0}, "diurnal of"),
        ({"horizon_s": 0.0}, "horizon_s"),
    ],
)
def test_impossible_scenarios_are_refused(more: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(ORDERS, **more)


def test_an_incomplete_document_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"scenario 'x' is incomplete.*margin"):
        Scenario.parse({"name": "x", "direction": "Decrease"})
