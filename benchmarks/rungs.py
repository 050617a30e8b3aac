"""Is a canary with harm at the margin promoted, at each rung of the default ladder?

Under continuous looks, with the rollback process beside and without. The promise of the rule: with
harm at the margin or beyond it from any unknown time on, the probability of a promotion at any look
later than d and one spacing of starts after that time is at most beta. Harm that is younger is not
covered, and what is promoted in that while is told beside it. Called by benchmarks.extras.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from analysis.promotion import MOST_YOUNG
from analysis.scenario import Scenario
from analysis.simulate import Recommended
from analysis.ticks import FloatArray
from analysis.traffic import stream
from benchmarks.scenarios import (
    ERROR_MARGINS,
    HOUR,
    LADDER_MARGINS,
    LADDER_SHARES,
    errors,
    orders,
)

SPACING_S = 60.0
RELEASED_AFTER_S = 600.0
"""The hold of a healthy first hour is released so long after the harm has begun."""
WATCHED_S = 2 * HOUR

Truth = Literal["at the margin", "1.5 margins", "margin after a healthy hour"]


@dataclass(frozen=True)
class Rung:
    """A share of the ladder, the margin it must exclude, and what the canary really is."""

    what: Literal["orders", "errors"]
    place: int
    truth: Truth

    @property
    def name(self) -> str:
        return f"{self.what} {LADDER_SHARES[self.place]:.0%}: {self.truth}"

    @property
    def late(self) -> bool:
        return self.truth == "margin after a healthy hour"

    @property
    def scenario(self) -> Scenario:
        share = LADDER_SHARES[self.place]
        beyond = 1.5 if self.truth == "1.5 margins" else 1.0
        onset_s = HOUR if self.late else 0.0
        hours = (onset_s + WATCHED_S) / HOUR
        if self.what == "orders":
            margin = LADDER_MARGINS[self.place]
            healthy = orders(self.name, 50, share, hours, margin)
        else:
            margin = ERROR_MARGINS[self.place]
            healthy = errors(self.name, 0.003, share, hours, margin)
        return replace(healthy, ratio=1.0 + beyond * (margin - 1.0), onset_s=onset_s)


RUNGS = tuple(
    Rung(what, place, truth)
    for what in ("orders", "errors")
    for place in range(len(LADDER_SHARES))
    for truth in ("at the margin", "1.5 margins", "margin after a healthy hour")
)


def promoted(rung: Rung, runs: int, seed: tuple[int, ...]) -> dict[str, Any]:
    """P(some look that the promise covers would promote), and P(one that it does not cover).

    p_promote: with the rollback process beside, which ends a run; p_promote_alone: without it;
    p_promote_young: at looks at harm younger than d and a spacing, with the rollback beside.
    """
    scenario = rung.scenario
    rule = Recommended(scenario, runs)
    back, ever, alone, young = (np.zeros(runs, dtype=bool) for _ in range(4))
    cover = np.zeros(runs)
    for seen in stream(scenario, runs, np.random.default_rng(seed)):
        alarm, promote = rule.observe(seen)
        back |= alarm
        if seen.interval.start_s <= scenario.onset_s:
            cover = rule.promotion.cover_s
        end_s = seen.interval.end_s
        if rung.late and end_s < scenario.onset_s + RELEASED_AFTER_S:
            continue
        covered = _covered(end_s, scenario.onset_s, rule.promotion.cover_s) | (not rung.late)
        alone |= promote & covered
        ever |= promote & covered & ~back
        young |= promote & ~covered & ~back
    return {
        **_rate("p_promote", ever),
        **_rate("p_promote_alone", alone),
        **_rate("p_promote_young", young),
        "p_rollback": float(back.mean()),
        "d_s": float(np.median(cover)),
        "runs": runs,
    }


def _covered(end_s: float, onset_s: float, d: FloatArray) -> Any:
    """Looks that the promise speaks of; a long d has a coarser grid of starts."""
    return end_s >= onset_s + d + np.maximum(SPACING_S, d / MOST_YOUNG)


def _rate(name: str, hits: Any) -> dict[str, float]:
    p = float(hits.mean())
    return {name: p, f"{name}_se": math.sqrt(p * (1.0 - p) / hits.size)}
