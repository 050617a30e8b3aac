"""A release as the tests speak of it: orders and errors on a ladder of three steps and a watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec, ReleaseState, ReleaseTick, update
from analysis.ticks import Counts, Interval, NoData

ORDERS = MetricSpec(
    "orders",
    "Decrease",
    0.99,
    margins=(Margin(0.7), Margin(0.85), Margin(0.9), None),
    weight=0.4,
    expected_rate=300.0,
)
ERRORS = MetricSpec(
    "errors",
    "Increase",
    1.1,
    tolerated_difference=0.0005,
    margins=(Margin(2.0, 0.05), Margin(1.5, 0.03), Margin(1.3, 0.02), None),
    weight=0.3,
)
LATENCY = MetricSpec(
    "latency",
    "Increase",
    1.1,
    margins=(Margin(2.0), Margin(1.5), Margin(1.3), None),
    weight=0.2,
    edges=3,
    promotion_edges=(1, 2),
    warms_up=True,
)
SPEC = ReleaseSpec(
    (ORDERS, ERRORS),
    shares=(0.02, 0.1, 0.5, 0.98),
    tick_s=1.0,
    cover_harm_after_s=5.0,
    bake_s=0.0,
    start_spacing_s=5.0,
    min_ticks=5,
    missing_window_s=60.0,
)
SLOW = (0.2, 0.05, 0.02)
"""Shares of requests above the edges of the latency histogram."""


def spec(*metrics: MetricSpec, **more: Any) -> ReleaseSpec:
    """SPEC with other metrics or settings."""
    return replace(SPEC, metrics=metrics or SPEC.metrics, **more)


def ticks(
    seed: int,
    *,
    step: int = 0,
    from_s: int = 0,
    seconds: int = 60,
    orders: float = 1.0,
    errors: float = 0.0,
    slower: float = 1.0,
    dark: bool = False,
) -> Iterator[ReleaseTick]:
    """A second each of a shop that takes 300 orders a second; the canary's faults by name.

    orders: part of the baseline's order rate; errors: share of canary requests that fail (the
    baseline fails once in 10,000); slower: factor on the shares of slow requests.
    """
    rng = np.random.default_rng(seed)
    share = SPEC.shares[step]
    for second in range(from_s, from_s + seconds):
        n_c, n_b = rng.poisson(3000 * share), rng.poisson(3000 * (1 - share))
        slow = np.array(SLOW)
        counts = {
            "orders": Counts(rng.binomial(n_c, 0.1 * orders), n_c, rng.binomial(n_b, 0.1), n_b),
            "errors": Counts(rng.binomial(n_c, errors or 1e-4), n_c, rng.binomial(n_b, 1e-4), n_b),
            "latency": Counts(
                rng.binomial(n_c, slow * slower), [n_c] * 3, rng.binomial(n_b, slow), [n_b] * 3
            ),
        }
        given = {name: NoData("target down") for name in counts} if dark else counts
        yield ReleaseTick(Interval(second, second + 1), step, share, given)


def folded(
    of: ReleaseSpec, *parts: Iterator[ReleaseTick], state: ReleaseState | None = None
) -> ReleaseState:
    """The release after all ticks of all parts."""
    state = of.start() if state is None else state
    for part in parts:
        for one in part:
            state = update(of, state, one)
    return state
