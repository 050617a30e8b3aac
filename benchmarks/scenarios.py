"""The rollouts of the detection benchmark, by id; the product must stand others of their kind too.

Orders: sessions convert with 3%. Errors: each costs 0.075 orders. Rates are per second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from analysis.scenario import Scenario

HOUR = 3600.0
CONVERSION = 0.03
ORDERS_PER_ERROR = 0.075


@dataclass(frozen=True)
class Row:
    """A scenario, what it shows, and the runs that the table is made with."""

    scenario: Scenario
    shows: str
    runs: int

    @property
    def harmful(self) -> bool:
        return self.scenario.ratio != 1.0 and self.scenario.until_s == float("inf")


def orders(
    name: str, rate: float, share: float, hours: float, margin: float, **more: Any
) -> Scenario:
    """Orders per second of both arms; margin: the ratio that promotion must exclude."""
    return Scenario(
        name, "Decrease", rate / CONVERSION, CONVERSION, share, hours * HOUR, margin, **more
    )


def errors(name: str, p: float, share: float, hours: float, margin: float, **more: Any) -> Scenario:
    """1000 requests per second, each failing with probability p."""
    more.setdefault("orders_per_event", ORDERS_PER_ERROR)
    return Scenario(name, "Increase", 1000.0, p, share, hours * HOUR, margin, **more)


BATCHES = {"batch_mean": 4.0, "noise_variance": 0.5}

ROWS = (
    Row(orders("S1", 50, 0.05, 24, 0.9), "A/A", 1000),
    Row(orders("S2", 50, 0.01, 1, 0.9, ratio=0.01), "order loss 99%", 2000),
    Row(errors("S3", 0.003, 0.05, 2, 1.5, ratio=2.0), "errors x2 on 0.3%", 2000),
    Row(orders("S4", 50, 0.5, 6, 0.98, ratio=0.97), "order decline 3%", 1000),
    Row(
        errors("S5", 0.002, 0.1, 4, 1.5, ratio=6.0, onset_s=1800.0, ramp_s=10_800.0),
        "leak: errors to x6 over 3 h",
        1000,
    ),
    Row(orders("S6", 50, 0.05, 24, 0.9, diurnal=0.82), "A/A, diurnal", 1000),
    Row(orders("S7a", 10, 0.1, 6, 0.9, **BATCHES), "A/A, batches and flash sales", 1000),
    Row(orders("S7b", 10, 0.1, 6, 0.9, ratio=0.7, **BATCHES), "batches, loss 30%", 1000),
    Row(orders("S8a", 1 / 60, 0.1, 24, 0.9), "A/A, one order a minute", 1000),
    Row(orders("S8b", 1 / 60, 0.1, 24, 0.9, ratio=0.5), "one order a minute, loss 50%", 4000),
    Row(
        errors(
            "S9", 0.01, 0.1, 1, 1.25, ratio=8.0, until_s=180.0, warm_up_s=180.0,
            orders_per_event=0.0,
        ),
        "warm-up: slow share x8 for 3 min",
        1000,
    ),
    Row(orders("S10", 50, 0.1, 1, 0.9, true_share=0.08), "A/A, split 8% for 10%", 1000),
    Row(
        orders("S11", 50, 0.05, 6, 0.9, gap_every_s=HOUR, gap_s=300.0, gap_share=0.05),
        "A/A, gaps in the canary's metrics",
        1000,
    ),
    Row(orders("S12", 50, 0.05, 6, 0.9, reset_loss=0.025), "A/A, resets lose 2.5%", 1000),
    Row(orders("S13", 50, 0.05, 2, 0.9, ratio=0.8), "order loss 20%", 2000),
    Row(
        orders("S14", 50, 0.05, 4, 0.9, ratio=0.8, onset_s=HOUR), "loss 20% after an hour", 1000
    ),
)  # fmt: skip

S2_AT_1_S = replace(ROWS[1].scenario, name="S2 at 1 s", tick_s=1.0)

LADDER_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
LADDER_MARGINS = (0.7, 0.8, 0.9, 0.95, 0.97)
