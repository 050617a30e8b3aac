"""Does silence stay silent? Metrics without data, and traffic without events, for a day.

The production release code: orders, errors and latency on a ladder of five steps. Evidence must be
exactly 1 in both directions after any time. An absolute margin is the exception that is meant:
requests without errors exclude an error rate, so errors here have none. Called by
benchmarks.extras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec, ReleaseTick, update
from analysis.signals import signals
from analysis.ticks import Counts, Interval, NoData
from benchmarks.scenarios import ERROR_MARGINS, LADDER_MARGINS, LADDER_SHARES

DAY_S, TICK_S = 86_400.0, 60.0
ORDERS = MetricSpec("orders", "Decrease", 0.99, tuple(map(Margin, LADDER_MARGINS)), weight=0.4)
ERRORS = MetricSpec("errors", "Increase", 1.1, tuple(map(Margin, ERROR_MARGINS)), weight=0.3)
LATENCY = MetricSpec(
    "latency", "Increase", 1.1, tuple(map(Margin, ERROR_MARGINS)), weight=0.2, edges=4
)
SPEC = ReleaseSpec((ORDERS, ERRORS, LATENCY), LADDER_SHARES, tick_s=TICK_S)


def _none(_: np.random.Generator, share: float) -> Mapping[str, Counts | NoData]:
    return {}


def _zero(_: np.random.Generator, share: float) -> Mapping[str, Counts | NoData]:
    nothing = np.zeros(LATENCY.edges)
    return {
        "orders": Counts(0, 0, 0, 0),
        "errors": Counts(0, 0, 0, 0),
        "latency": Counts(nothing, nothing, nothing, nothing),
    }


def _traffic(rng: np.random.Generator, share: float) -> Mapping[str, Counts | NoData]:
    canary, baseline = rng.poisson((1e4 * share, 1e4 * (1.0 - share)))
    nothing, each = np.zeros(LATENCY.edges), np.ones(LATENCY.edges)
    return {
        "orders": Counts(0, canary, 0, baseline),
        "errors": Counts(0, canary, 0, baseline),
        "latency": Counts(nothing, canary * each, nothing, baseline * each),
    }


Ticks = Callable[[np.random.Generator, float], Mapping[str, Counts | NoData]]
SILENCES: dict[str, Ticks] = {
    "no data": _none,
    "counters that stand still": _zero,
    "traffic without events": _traffic,
}


def listen(name: str, seed: tuple[int, ...]) -> dict[str, Any]:
    """The largest |E - 1| of any look in a day, of harm and of promotion; must be exactly 0."""
    rng, state = np.random.default_rng(seed), SPEC.start()
    looks = round(DAY_S / TICK_S)
    harm = promote = 0.0
    for number in range(looks):
        step = number * len(LADDER_SHARES) // looks
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        counts = SILENCES[name](rng, LADDER_SHARES[step])
        tick = ReleaseTick(interval, step, LADDER_SHARES[step], counts)
        state = update(SPEC, state, tick)
        now = signals(SPEC, state)
        harm = max(harm, float(np.abs(np.expm1(now.log_harm)).max()), float(abs(now.log_e)))
        promote = max(promote, float(np.abs(np.expm1(now.log_promote)).max()))
    return {"harm": harm, "promote": promote, "looks": looks}
