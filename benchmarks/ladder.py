"""A whole rollout, 1% to 50% of 50 orders a second: small losses found, time of a good one.

Steps end in one of two ways. By evidence, as in production: a step goes up once its margin is
excluded and the bake is over, so a release with a small loss stays longer and is found sooner. By
the clock: each step lasts as long as a good release is expected to need, and the last one until
the end. Called by benchmarks.extras.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.factors import ratio_factor
from analysis.ladder import planned
from analysis.margins import Margin
from analysis.promotion import PromotionSpec, log_evidence_to_promote, update_promotion
from analysis.ticks import Counts, FloatArray, Interval, Tick
from benchmarks.scenarios import CONVERSION, LADDER_MARGINS, LADDER_SHARES

RATE = 50.0
TICK_S = 10.0
BAKE_S = 300.0
HORIZON_S = 4 * 3600.0
SOON_S = 700.0
"""A loss of 3% is to be found so many seconds into the 50% step, by half of the runs."""

Schedule = Literal["evidence", "clock"]


def hold_by_clock() -> FloatArray:
    """Seconds of each step of a good release: the bake, or the expected evidence time."""
    losses = [1.0 - margin for margin in LADDER_MARGINS]
    steps = planned(LADDER_SHARES, losses, RATE, bake_s=BAKE_S)
    return np.array([*(step.hold_s for step in steps[:-1]), math.inf])


def climb(
    ratio: float, edge: float, by: Schedule, runs: int, seed: tuple[int, ...]
) -> dict[str, Any]:
    """Every run goes up until found or through, r0 = ``edge``; one harm process over all steps."""
    rng = np.random.default_rng(seed)
    harm_spec = HarmSpec("Decrease", edge, expected_rate=RATE, starts=len(LADDER_SHARES) + 1)
    promotion_spec = PromotionSpec(
        "Decrease", tuple(map(Margin, LADDER_MARGINS)), expected_rate=RATE
    )
    harm, promotion = harm_spec.start((runs,)), promotion_spec.start((runs,))
    shares, clock, last = np.array(LADDER_SHARES), hold_by_clock(), len(LADDER_SHARES) - 1
    step, entered = np.zeros(runs, dtype=np.int64), np.zeros(runs)
    expected = np.zeros(runs)
    back, full = np.full(runs, math.inf), np.full(runs, math.inf)
    into_last = np.full(runs, math.nan)
    oracle = Oracle.start(ratio, edge, runs)
    for number in range(round(HORIZON_S / TICK_S)):
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        share = shares[step]
        counts = _counts(rng, share, ratio)
        tick = Tick(interval, counts, share, step=step)
        harm = update_harm(harm_spec, harm, tick)
        live = np.isinf(back) & np.isinf(full)
        alarm = live & (log_evidence(harm) >= math.log(100.0))
        back = np.where(alarm, interval.end_s, back)
        into_last = np.where(alarm & (step == last), interval.end_s - entered, into_last)
        elapsed = interval.end_s - entered
        oracle = oracle.after(counts, np.where(step == last, elapsed, 0.0))
        if by == "clock":
            ready = elapsed >= clock[step]
        else:
            promotion = update_promotion(promotion_spec, promotion, tick)
            expected += share / (1.0 - share) * counts.baseline_events
            ready = (elapsed >= BAKE_S) & (expected >= 20.0)
            ready &= log_evidence_to_promote(promotion) >= math.log(20.0)
        up = live & ~alarm & ready
        full = np.where(up & (step == last), interval.end_s, full)
        step = np.where(up, np.minimum(step + 1, last), step)
        entered, expected = np.where(up, interval.end_s, entered), np.where(up, 0.0, expected)
        if not (np.isinf(back) & np.isinf(full)).any():
            break
    # by evidence the rule decides how long a step lasts, so the oracle would see other ticks
    told = _median("oracle_into_last_step_s", oracle.found_s) if by == "clock" else {}
    return {**_summary(back, full, into_last), **told}


@dataclass(frozen=True)
class Oracle:
    """Wald's test of the true ratio against the same edge, which no rule of this budget beats.

    found_s: seconds into the last step, 0 if found before, inf while not found.
    """

    edge: float
    offset: FloatArray
    log_ratio: FloatArray
    found_s: FloatArray

    @classmethod
    def start(cls, ratio: float, edge: float, runs: int) -> Oracle:
        """Nothing seen."""
        nothing = np.zeros(runs)
        return cls(edge, np.log([ratio / edge]), nothing, np.full(runs, math.inf))

    def after(self, counts: Counts, into_last_s: FloatArray) -> Oracle:
        """One tick more."""
        log_ratio = self.log_ratio + ratio_factor(counts, self.edge, self.offset)[..., 0]
        fresh = np.isinf(self.found_s) & (log_ratio >= math.log(100.0))
        found_s = np.where(fresh, into_last_s, self.found_s)
        return replace(self, log_ratio=log_ratio, found_s=found_s)


def _summary(back: FloatArray, full: FloatArray, into_last: FloatArray) -> dict[str, Any]:
    """found_soon: part of all runs that was rolled back before SOON_S into the last step, steps
    before it included; found_into_last_step_s: median from the beginning of that step over all
    that were rolled back, 0 for those that never came so far; survivors_into_last_step_s: the
    same over those that did, who are the lucky ones: their losses were small for a while.
    """
    found, done = np.isfinite(back), np.isfinite(full)
    early = found & np.isnan(into_last)
    soon = early | (np.nan_to_num(into_last, nan=math.inf) <= SOON_S)
    return {
        **_part("p_rollback", found),
        **_part("found_soon", soon),
        **_part("found_before_last_step", early),
        **_part("p_full", done),
        **_median("seconds_to_full", full[done]),
        **_median("found_into_last_step_s", np.nan_to_num(into_last)[found]),
        **_median("survivors_into_last_step_s", into_last[np.isfinite(into_last)]),
        "runs": int(back.size),
    }


def _counts(rng: np.random.Generator, share: FloatArray, ratio: float) -> Counts:
    sessions = RATE / CONVERSION * TICK_S
    canary, baseline = rng.poisson(sessions * share), rng.poisson(sessions * (1.0 - share))
    return Counts(
        rng.binomial(canary, CONVERSION * ratio),
        canary,
        rng.binomial(baseline, CONVERSION),
        baseline,
    )


def _part(name: str, hits: npt.NDArray[np.bool_]) -> dict[str, float]:
    p = float(hits.mean())
    return {name: p, f"{name}_se": math.sqrt(p * (1.0 - p) / hits.size)}


def _median(name: str, values: FloatArray) -> dict[str, float | None]:
    """The median, with a standard error from the order statistics beside it; null of nothing."""
    if not values.size:
        return {name: None, f"{name}_se": None}
    ordered, middle, apart = np.sort(values), values.size / 2.0, math.sqrt(values.size) / 2.0
    low = ordered[max(0, math.floor(middle - apart))]
    high = ordered[min(values.size - 1, math.ceil(middle + apart))]
    return {name: float(np.median(values)), f"{name}_se": float(high - low) / 2.0}
