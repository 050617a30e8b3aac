"""Limits of time on one core; run with `-m bench`, for a busy machine would only disturb them."""

import subprocess
import sys
import time

import numpy as np
import pytest

from analysis import (
    Counts,
    HarmSpec,
    Interval,
    Margin,
    PromotionSpec,
    RatioState,
    Tick,
    log_evidence,
    update_harm,
    update_promotion,
    update_ratio,
)

pytestmark = pytest.mark.bench


def median_s(shape: tuple[int, ...]) -> float:
    """Seconds of one update of ``shape`` comparisons: harm, promotion, interval, evidence."""
    rng = np.random.default_rng(0)
    harm = HarmSpec("Decrease", 0.99, expected_rate=50.0, starts=5)
    safe = PromotionSpec("Decrease", (Margin(0.9),))
    states = harm.start(shape), safe.start(shape), RatioState.start(shape)
    spent = []
    for start_s in range(0, 400, 10):
        amounts = (rng.poisson(mean, shape) for mean in (25, 800, 475, 15_200))
        one = Tick(Interval(start_s, start_s + 10), Counts(*amounts), share=0.05)
        begun = time.perf_counter()
        states = (
            update_harm(harm, states[0], one),
            update_promotion(safe, states[1], one),
            update_ratio(states[2], one),
        )
        log_evidence(states[0])
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent))


@pytest.mark.parametrize(("shape", "limit_s"), [((), 200e-6), ((20_000,), 60e-3)])
def test_an_update_keeps_its_limit(shape: tuple[int, ...], limit_s: float) -> None:
    assert median_s(shape) <= limit_s


def test_the_import_keeps_its_limit() -> None:
    code = "import time; t = time.perf_counter(); import analysis; print(time.perf_counter() - t)"
    spent = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    assert min(spent) <= 0.25
