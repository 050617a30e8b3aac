import numpy as np
import pytest

from analysis.dispersion import DispersionState, phi, update_dispersion
from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import poisson_ticks, reference, tick


def batches(rng: np.random.Generator, mean: float, runs: int, until_s: float) -> DispersionState:
    """Arm-specific geometric batches: their dispersion is 2 mean - 1."""
    state = DispersionState.start((runs,))
    for start_s in np.arange(0.0, until_s, 10.0):
        orders = [
            rng.negative_binomial(np.maximum(rng.poisson(m, runs), 1), 1 / mean) for m in (5, 45)
        ]
        counts = Counts(orders[0] + 5, 1000, orders[1] + 45, 9000)
        state = update_dispersion(state, Tick(Interval(start_s, start_s + 10.0), counts, share=0.1))
    return state


def test_independent_events_are_not_tempered() -> None:
    state = DispersionState.start((50,))
    for one in poisson_ticks(np.random.default_rng(1), (50,), until_s=3000.0):
        state = update_dispersion(state, one)
    assert np.median(phi(state, 1.0)) == 1.0


def test_batches_are_measured() -> None:
    case = reference("design-geo-dispersion")[0]
    state = batches(np.random.default_rng(2), case["inputs"]["mean_batch"], 200, 6000.0)
    assert 4.0 < np.median(phi(state, 1.0)) < 9.0


def test_the_tick_at_hand_does_not_temper_itself() -> None:
    assert phi(DispersionState.start(), 1.0) == 1.0


def test_the_last_ten_minutes_are_forgotten_later() -> None:
    state = batches(np.random.default_rng(2), 6.0, 1, 600.0)
    burst = phi(state, 1.0)
    for start_s in range(600, 3000, 10):
        state = update_dispersion(state, tick(start_s, (5, 1000), (45, 9000)))
    assert phi(state, 1.0) < burst
    gap = update_dispersion(state, tick(90_000, (5, 1000), (45, 9000)))
    assert gap.recent.sum() <= 2.0


def test_a_missing_tick_is_not_measured() -> None:
    state = DispersionState.start()
    after = update_dispersion(state, tick(0, (50, 1000), (0, 9000), missing=True))
    assert after.ticks == after.squares == after.observed == 0.0


@pytest.mark.parametrize("before", [1.0, 1.2])
def test_what_is_within_noise_is_ignored(before: float) -> None:
    assert phi(DispersionState.start(), before) == 1.0
