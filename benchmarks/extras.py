"""Promotion at its margin, the whole ladder, broken assumptions, and latency."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.scenario import stream
from analysis.simulate import Recommended
from benchmarks.ladder import climb
from benchmarks.latency import CHANGES, slower
from benchmarks.scenarios import HOUR, LADDER_MARGINS, LADDER_SHARES, orders
from benchmarks.violations import VIOLATIONS, violate

SPACING_S = 60.0
RELEASED_AFTER_S = 600.0


def measure(
    seed: int, part: float, pool: ProcessPoolExecutor, say: Callable[[str], None]
) -> dict[str, Any]:
    """All four, in the pool."""
    runs, few = max(40, round(1000 * part)), max(40, round(400 * part))
    third = max(40, round(300 * part))
    promotion = {
        f"{share:.0%}: {name}": pool.submit(promoted, rung, beyond, late, runs, (seed, 1, rung))
        for rung, share in enumerate(LADDER_SHARES)
        for name, beyond, late in (
            ("at the margin", 1.0, False),
            ("1.5 margins", 1.5, False),
            ("margin after a healthy hour", 1.0, True),
        )
    }
    ladder = {
        "loss 3%, nothing tolerated": pool.submit(climb, 0.97, 1.0, runs, (seed, 2)),
        "loss 3%, 1% tolerated": pool.submit(climb, 0.97, 0.99, runs, (seed, 5)),
        "A/A, nothing tolerated": pool.submit(climb, 1.0, 1.0, runs, (seed, 3)),
        "A/A, 1% tolerated": pool.submit(climb, 1.0, 0.99, runs, (seed, 6)),
    }
    violations = {
        name: pool.submit(violate, name, few, (seed, 4, number))
        for number, name in enumerate(VIOLATIONS)
    }
    latency = {
        name: pool.submit(slower, name, third, (seed, 7, number))
        for number, name in enumerate(CHANGES)
    }
    found: dict[str, Any] = {}
    for title, jobs in (
        ("promotion", promotion),
        ("ladder", ladder),
        ("violations", violations),
        ("latency", latency),
    ):
        found[title] = {}
        for name, job in jobs.items():
            found[title][name] = job.result()
            say(f"      {title}: {name}")
    return found


def promoted(
    rung: int, beyond: float, late: bool, runs: int, seed: tuple[int, ...]
) -> dict[str, float | int]:
    """P(promoted) under continuous looks with the harm ``beyond`` margins, rollback beside.

    late: an hour of health first, the hold released 10 minutes later; then only promotions more
    than d + 60 s after the onset count, as the guarantee says, and the earlier ones are shown.
    """
    share, margin = LADDER_SHARES[rung], LADDER_MARGINS[rung]
    onset_s = HOUR if late else 0.0
    scenario = replace(
        orders("rung", 50, share, (onset_s + 2 * HOUR) / HOUR, margin),
        ratio=1.0 - beyond * (1.0 - margin),
        onset_s=onset_s,
    )
    rule = Recommended(scenario, runs)
    back, ever = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    young, d = np.zeros(runs, dtype=bool), np.zeros(runs)
    for seen in stream(scenario, runs, np.random.default_rng(seed)):
        alarm, promote = rule.observe(seen)
        back |= alarm
        d = np.where(seen.interval.start_s <= onset_s, rule.promotion.cover_s, d)
        old = seen.interval.end_s >= onset_s + d + SPACING_S
        released = not late or seen.interval.end_s >= onset_s + RELEASED_AFTER_S
        up = promote & ~back & released
        ever |= up & (old | (not late))
        young |= up & ~old & late
    p = float(ever.mean())
    return {
        "p_promote": p,
        "se": math.sqrt(p * (1.0 - p) / runs),
        "p_promote_younger_than_d": float(young.mean()),
        "d_s": float(np.median(d)),
        "p_rollback": float(back.mean()),
        "runs": runs,
    }
