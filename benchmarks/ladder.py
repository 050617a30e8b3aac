"""A whole rollout, 1% to 50% of 50 orders a second: small losses found, time of a good one."""

from __future__ import annotations

import math

import numpy as np

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.margins import Margin
from analysis.promotion import PromotionSpec, log_evidence_to_promote, update_promotion
from analysis.ticks import Counts, FloatArray, Interval, Tick
from benchmarks.scenarios import CONVERSION, LADDER_MARGINS, LADDER_SHARES

RATE = 50.0
TICK_S = 10.0
BAKE_S = 300.0
HORIZON_S = 4 * 3600.0


def climb(ratio: float, edge: float, runs: int, seed: tuple[int, ...]) -> dict[str, float | int]:
    """Every run goes up by its own evidence, r0 = ``edge``; the harm process is one over all steps.

    seconds_to_full: median until 100%; found_before_last_step: part of the runs rolled back at 25%
    or less; found_into_last_step_s: median from the beginning of the 50% step to the rollback,
    over all that were rolled back, 0 for those that never came so far; survivors_into_last_step_s:
    the same over those that did, who are the lucky ones: their losses were small for a while.
    """
    rng = np.random.default_rng(seed)
    harm_spec = HarmSpec("Decrease", edge, expected_rate=RATE, starts=len(LADDER_SHARES) + 1)
    promotion_spec = PromotionSpec(
        "Decrease", tuple(map(Margin, LADDER_MARGINS)), expected_rate=RATE
    )
    harm, promotion = harm_spec.start((runs,)), promotion_spec.start((runs,))
    shares = np.array(LADDER_SHARES)
    last = len(shares) - 1
    step, entered = np.zeros(runs, dtype=np.int64), np.zeros(runs)
    expected = np.zeros(runs)
    back, full = np.full(runs, math.inf), np.full(runs, math.inf)
    into_last = np.full(runs, math.nan)
    for number in range(round(HORIZON_S / TICK_S)):
        interval = Interval(number * TICK_S, (number + 1) * TICK_S)
        share = shares[step]
        counts = _counts(rng, share, ratio)
        tick = Tick(interval, counts, share, step=step)
        harm = update_harm(harm_spec, harm, tick)
        promotion = update_promotion(promotion_spec, promotion, tick)
        live = np.isinf(back) & np.isinf(full)
        alarm = live & (log_evidence(harm) >= math.log(100.0))
        back = np.where(alarm, interval.end_s, back)
        into_last = np.where(alarm & (step == last), interval.end_s - entered, into_last)
        expected += share / (1.0 - share) * counts.baseline_events
        ready = (interval.end_s - entered >= BAKE_S) & (expected >= 20.0)
        up = live & ~alarm & ready & (log_evidence_to_promote(promotion) >= math.log(20.0))
        full = np.where(up & (step == last), interval.end_s, full)
        step = np.where(up, np.minimum(step + 1, last), step)
        entered, expected = np.where(up, interval.end_s, entered), np.where(up, 0.0, expected)
        if not (np.isinf(back) & np.isinf(full)).any():
            break
    found, done = np.isfinite(back), np.isfinite(full)
    return {
        "p_rollback": float(found.mean()),
        "p_rollback_se": math.sqrt(found.mean() * (1.0 - found.mean()) / runs),
        "p_full": float(done.mean()),
        "seconds_to_full": _median(full[done]),
        "found_before_last_step": float((found & np.isnan(into_last)).mean()),
        "found_into_last_step_s": _median(np.nan_to_num(into_last)[found]),
        "survivors_into_last_step_s": _median(into_last[np.isfinite(into_last)]),
        "runs": runs,
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


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else math.nan
