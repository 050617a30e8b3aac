"""The rollouts of the detection benchmark, by id; the product must stand others of their kind too.

Orders: sessions convert with 3%. Errors: each costs 0.075 orders. Rates are per second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from analysis.scenario import Scenario

HOUR = 3600.0
CONVERSION = 0.03
ORDERS_PER_ERROR = 0.075

Played = Literal["all", "1 s", "recommended"]
"""Which rules see a scenario: all of them; those of the ticks of one second; REC alone."""


@dataclass(frozen=True)
class Row:
    """A scenario, what it shows, the runs of the table, and the rules that see it."""

    scenario: Scenario
    shows: str
    runs: int
    played: Played = "all"

    @property
    def name(self) -> str:
        return self.scenario.name

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


BATCHES: dict[str, Any] = {"batch_mean": 4.0, "noise_variance": 0.5}

LISTED = (
    Row(orders("S1", 50, 0.05, 24, 0.9), "A/A", 1000),
    Row(orders("S2", 50, 0.01, 1, 0.9, ratio=0.01), "order loss 99%", 2000),
    Row(errors("S3", 0.003, 0.05, 2, 1.5, ratio=2.0), "errors x2 on 0.3%", 4000),
    Row(orders("S4", 50, 0.5, 6, 0.98, ratio=0.97), "order decline 3%", 4000),
    Row(
        errors("S5", 0.002, 0.1, 4, 1.5, ratio=6.0, onset_s=1800.0, ramp_s=10_800.0),
        "leak: errors to x6 over 3 h",
        4000,
    ),
    Row(orders("S6", 50, 0.05, 24, 0.9, diurnal=0.82), "A/A, diurnal", 1000),
    Row(orders("S7a", 10, 0.1, 6, 0.9, **BATCHES), "A/A, batches and flash sales", 1000),
    Row(orders("S7b", 10, 0.1, 6, 0.9, ratio=0.7, **BATCHES), "batches, loss 30%", 4000),
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
    Row(orders("S13", 50, 0.05, 2, 0.9, ratio=0.8), "order loss 20%", 4000),
    Row(
        orders("S14", 50, 0.05, 4, 0.9, ratio=0.8, onset_s=HOUR), "loss 20% after an hour", 2000
    ),
)  # fmt: skip

S2_AT_1_S = Row(
    replace(LISTED[1].scenario, name="S2 at 1 s", tick_s=1.0), "at ticks of 1 s", 2000, "1 s"
)

ROWS_OF_THEIR_KIND = (
    Row(orders("K1", 50, 0.25, 2, 0.95, ratio=0.9), "order loss 10% at 25%", 2000),
    Row(errors("K2", 0.003, 0.1, 2, 1.3, ratio=1.5), "errors x1.5 on 0.3% at 10%", 2000),
    Row(orders("K3", 50, 0.1, 4, 0.97, ratio=0.95), "order decline 5% at 10%", 2000),
)
"""Harm from the start that the design does not list: what is promised must hold for these too."""


def in_batches(row: Row) -> Row:
    """The same A/A rollout whose events come in batches, judged by the recommended rule."""
    scenario = replace(row.scenario, name=f"{row.name} with batches", **BATCHES)
    return Row(scenario, f"{row.shows}, with batches", row.runs, "recommended")


BATCHED = tuple(
    in_batches(row)
    for row in LISTED
    if not row.harmful and row.scenario.batch_mean == 1.0 and not row.scenario.warm_up_s
)

ROWS = (*LISTED, *ROWS_OF_THEIR_KIND, S2_AT_1_S, *BATCHED)

LADDER_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
LADDER_MARGINS = (0.7, 0.8, 0.9, 0.95, 0.97)
ERROR_MARGINS = (2.0, 1.5, 1.3, 1.2, 1.1)
"""What promotion must exclude at each share of the default ladder."""
