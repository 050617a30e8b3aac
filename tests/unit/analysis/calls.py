"""One good call of each public entry of `analysis`, for tests that spoil one argument of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import analysis as a
from tests.unit.analysis.recordings import recorded

NAN, INF = math.nan, math.inf
ORDERS = a.MetricSpec("orders", "Decrease", 0.99, (a.Margin(0.7),))
SPEC = a.ReleaseSpec((ORDERS,), (0.1,))
COUNTS = a.Counts(3.0, 100.0, 40.0, 900.0)
TICK = a.Tick(a.Interval(0.0, 10.0), COUNTS, 0.1)
HARM = a.HarmSpec("Decrease", 0.99)
SAFE = a.PromotionSpec("Decrease", (a.Margin(0.9),))
SEGMENTS = a.SegmentsSpec(("a", "b"), (1.0, 2.0), "Decrease", 0.99)
MARKS = a.WatermarkSpec(10.0)
LAW = a.exponential_law(30.0, 10.0)
LAG = a.LagState.start(LAW, 1.0, 9.0)
BUCKETS = {0.1: 60.0, 0.3: 90.0, INF: 100.0}
SCENARIO: dict[str, Any] = {
    "name": "x", "direction": "Decrease", "exposure_rate": 100.0, "probability": 0.03,
    "share": 0.1, "horizon_s": 60.0, "margin": 0.9, "ratio": 0.5, "onset_s": 10.0, "ramp_s": 10.0,
    "until_s": 100.0, "tick_s": 10.0, "true_share": 0.1, "diurnal": 0.1, "batch_mean": 2.0,
    "batch_tail": 2.0, "batch_cap": 5.0, "noise_variance": 0.1, "gap_every_s": 100.0, "gap_s": 1.0,
    "gap_share": 0.1, "reset_loss": 0.1, "arm_sd": 0.1, "arm_noise": 0.1, "retries": 1,
    "fails_again": 0.1, "lag_s": 1.0, "orders_per_event": -1.0, "tolerated": 0.99, "warm_up_s": 1.0,
}  # fmt: skip


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "BernoulliSpec": (
        a.BernoulliSpec,
        {"canary_block": 2, "baseline_block": 3, "side": "less", "difference": 0.1},
    ),
    "BoundedSpec": (a.BoundedSpec, {"alpha": 0.05}),
    "CounterPolicy": (a.CounterPolicy, {"stale_s": 25.0, "forget_s": 300.0}),
    "Counts": (
        a.Counts,
        {
            "canary_events": 1.0,
            "canary_exposures": 9.0,
            "baseline_events": [2.0],
            "baseline_exposures": [9.0],
        },
    ),
    "Counts of a share": (
        lambda **k: a.Counts(**k, bounded=True),
        {
            "canary_events": 1.0,
            "canary_exposures": 9.0,
            "baseline_events": [2.0],
            "baseline_exposures": [9.0],
        },
    ),
    "Interval": (a.Interval, {"start_s": 0.0, "end_s": 10.0}),
    "JudgeOptions": (
        a.JudgeOptions,
        {
            "direction": "either",
            "nan": "remove",
            "outliers": "keep",
            "outlier_factor": 3.0,
            "confidence": 0.98,
            "tolerance": 0.25,
        },
    ),
    "Margin": (a.Margin, {"ratio": 0.9, "difference": 0.01}),
    "MetricSpec": (
        lambda **k: a.MetricSpec("o", tolerated_ratio=0.99, margins=(a.Margin(0.9),), **k),
        {"direction": "Decrease", "weight": 1.0, "dispersion_before": 2.0},
    ),
    "PodEffect": (
        lambda **k: a.PodEffect(0.1, 0.0, 0.2, 0.5, 9).dead_band("Decrease", **k),
        {"canaries": 1, "baselines": 2, "sds": 2.0},
    ),
    "Recommended": (
        lambda **k: a.Recommended(a.Scenario.parse(SCENARIO), **k),
        {"runs": 2, "edge": 0.99, "weight": 0.5, "alpha": 0.01, "beta": 0.05, "bake_s": 300.0},
    ),
    "Recording": (lambda **k: a.Recording(metrics={}, **k), {"start_s": 0.0, "end_s": 60.0}),
    "ReleaseSpec": (
        lambda **k: a.ReleaseSpec((ORDERS,), **k),
        {
            "shares": (0.1,),
            "false_rollback": 0.01,
            "false_promote": 0.05,
            "tick_s": 10.0,
            "cover_harm_after_s": 300.0,
            "bake_s": 300.0,
            "warm_up_s": 10.0,
            "min_events": 20.0,
            "min_ticks": 30,
            "max_missing": 0.2,
            "missing_window_s": 600.0,
            "start_spacing_s": 60.0,
        },
    ),
    "Scenario": (a.Scenario, SCENARIO),
    "SegmentsSpec": (
        a.SegmentsSpec,
        {
            "names": ("a", "b"),
            "expected_rates": (1.0, 2.0),
            "direction": "Decrease",
            "edge": 0.99,
            "difference": 0.1,
            "alpha": 0.01,
            "starts": 2,
            "common_part": 0.5,
        },
    ),
    "SplitSpec": (a.SplitSpec, {"tolerance": 0.02, "alarm": 1000.0, "expected_rate": 3.0}),
    "Tick": (
        lambda **k: a.Tick(a.Interval(0.0, 1.0), COUNTS, **k),
        {"share": 0.1, "step": 0, "widen": 1.0, "temper": 1.0},
    ),
    "TotalSpec": (a.TotalSpec, {"direction": "Decrease", "ratio": 0.8, "alpha": 0.01}),
    "WatermarkSpec": (
        a.WatermarkSpec,
        {"tick_s": 10.0, "lateness_s": 5.0, "patience_s": 60.0, "origin_s": 0.0},
    ),
    "aa_test": (
        lambda **k: a.aa_test(SPEC, recorded(seconds=30), rng(), **k),
        {"splits": 1, "canaries": 1},
    ),
    "add_arrivals": (
        lambda **k: a.add_arrivals(MARKS, a.WatermarkState(), **k),
        {"group": "canary events", "at_s": [3.0], "amount": [1.0], "watermark_s": 5.0},
    ),
    "adjusted_p": (a.adjusted_p, {"p": [0.1, 0.2], "method": "holm"}),
    "assess": (lambda **k: a.assess(SPEC, SPEC.start(), **k), {"step": 0, "step_elapsed_s": 10.0}),
    "asymptotic_radius": (
        a.asymptotic_radius,
        {"t": 10.0, "variance": 1.0, "alpha": 0.05, "rho2": 0.1},
    ),
    "before_dead_band": (
        lambda **k: a.before_dead_band(a.RatioState.start(), **k),
        {"direction": "Decrease", "alpha": 0.01},
    ),
    "beta_mixture_log_e": (
        a.beta_mixture_log_e,
        {
            "canary_events": 3.0,
            "baseline_events": [5.0],
            "exposure_ratio": 0.5,
            "a": 0.5,
            "b": 0.5,
            "r0": 1.0,
            "side": "less",
        },
    ),
    "binomial_test": (
        a.binomial_test,
        {"successes": 3, "trials": 10, "p0": 0.5, "alternative": "less"},
    ),
    "block_bootstrap": (
        lambda **k: a.block_bootstrap(statistic=lambda rows: rows.mean(axis=1), rng=rng(), **k),
        {"ticks": [1.0, 2.0, 3.0], "block": 2, "draws": 10, "confidence": 0.9},
    ),
    "chosen_edges": (lambda **k: a.chosen_edges(BUCKETS, **k), {"slo": 0.3, "most": 3}),
    "common_edges": (lambda **k: a.common_edges(BUCKETS, BUCKETS, **k), {"wanted": (0.3,)}),
    "crossing_probability": (a.crossing_probability, {"information": [0.5, 1.0], "z": [2.0, 2.0]}),
    "cuped": (a.cuped, {"pre": [1.0, 2.0, 3.0], "post": [2.0, 3.0, 5.0]}),
    "cuped_adjusted": (
        lambda **k: a.cuped_adjusted(k["y"], k["x"], a.Cuped(0.5, 1.0, 1.0)),
        {"y": [1.0], "x": [2.0]},
    ),
    "detection_costs": (
        a.detection_costs,
        {
            "losses": (0.2,),
            "shares": (0.1,),
            "rate": 5.0,
            "edge": 0.99,
            "alpha": 0.01,
            "actuation_s": 45.0,
        },
    ),
    "dirichlet_log_e": (
        a.dirichlet_log_e,
        {"units": [1.0, 9.0], "shares": [0.1, 0.9], "concentration": 10.0},
    ),
    "effective_size": (a.effective_size, {"n": 60.0, "phi": 0.5}),
    "estimated_mean_s": (
        lambda **k: a.estimated_mean_s(np.arange(20.0), np.arange(20.0), **k),
        {"tick_s": 10.0, "longest_s": 100.0},
    ),
    "events_to_detect": (
        a.events_to_detect,
        {"ratio": 0.8, "share": 0.1, "edge": 0.99, "alpha": 0.01},
    ),
    "events_to_promote": (
        a.events_to_promote,
        {"margin": 0.8, "share": 0.1, "ratio": 1.0, "beta": 0.05},
    ),
    "exceedances": (
        lambda **k: a.exceedances({0.1: k["count"], INF: 10.0}, BUCKETS, (0.1,)),
        {"count": 3.0},
    ),
    "exclusion_costs": (
        a.exclusion_costs,
        {"losses": (0.2,), "shares": (0.1,), "rate": 5.0, "beta": 0.05},
    ),
    "exponential_law": (a.exponential_law, {"mean_s": 30.0, "tick_s": 10.0}),
    "guilty_by_ebh": (a.guilty_by_ebh, {"log_e": [1.0, 2.0], "alpha": 0.01}),
    "guilty_by_holm": (a.guilty_by_holm, {"log_e": [1.0, 2.0], "alpha": 0.01}),
    "guilty_segments": (
        lambda **k: a.guilty_segments(SEGMENTS, SEGMENTS.start(), **k),
        {"alpha": 0.01},
    ),
    "information_per_event": (a.information_per_event, {"ratio": 0.8, "edge": 1.0, "share": 0.1}),
    "judge_samples": (
        lambda **k: a.judge_samples({"m": ([1.0, 2.0], [2.0, 3.0])}, **k),
        {"group_weights": {"m": 60.0}, "passing": 95.0, "marginal": 75.0},
    ),
    "kolmogorov_smirnov": (a.kolmogorov_smirnov, {"x": [1.0, 2.0], "y": [3.0, 4.0]}),
    "lagged_counts": (
        lambda **k: a.lagged_counts(COUNTS, a.LagState.start(LAW, **k), LAW),
        {"canary": 1.0, "baseline": 9.0},
    ),
    "mann_whitney": (a.mann_whitney, {"x": [1.0, 2.0], "y": [3.0, 4.0], "alternative": "less"}),
    "mean_test": (
        a.mean_test,
        {"mean": (1.0, 2.0), "sd": (1.0, 1.0), "n": (5, 6), "alternative": "less"},
    ),
    "native_buckets": (
        lambda **k: a.native_buckets({1: k.pop("count")}, **k),
        {"count": 3.0, "schema": 1, "to": 0, "zero": 1.0},
    ),
    "native_counts": (
        lambda **k: a.native_counts(
            (1, {1: k["count"]}, k["zero"]), (k["schema"], {1: 9.0}, 0.0), k["edges"]
        ),
        {"count": 3.0, "zero": 1.0, "schema": 0, "edges": [2.0]},
    ),
    "obrien_fleming_constant": (a.obrien_fleming_constant, {"looks": 2, "alpha": 0.05}),
    "orders_lost": (
        a.orders_lost,
        {"ratio": 0.8, "share": 0.1, "edge": 0.99, "alpha": 0.01, "rate": 5.0, "actuation_s": 45.0},
    ),
    "phi": (lambda **k: a.phi(a.DispersionState.start(), **k), {"before": 2.0}),
    "planning_sentence": (a.planning_sentence, {"share": 0.1, "rate": 5.0, "loss": 0.2}),
    "plausible_counts": (
        lambda **k: a.plausible_counts(COUNTS, LAG.update(**k), [LAW]),
        {"canary": 1.0, "baseline": 9.0},
    ),
    "pocock_constant": (a.pocock_constant, {"looks": 2, "alpha": 0.05}),
    "pod_dead_band": (a.pod_dead_band, {"ratios": [0.9, 1.1], "direction": "Decrease", "sds": 2.0}),
    "pod_effect": (
        a.pod_effect,
        {"events": [9.0, 10.0], "exposures": [100.0, 100.0], "confidence": 0.9},
    ),
    "proportion_test": (
        a.proportion_test,
        {"table": [[3, 4], [5, 6]], "alternative": "less", "method": "score"},
    ),
    "quantile_difference_p": (
        a.quantile_difference_p,
        {"canary": [1.0, 2.0], "baseline": [1.0, 3.0], "p": 0.5},
    ),
    "quantile_interval": (a.quantile_interval, {"sample": [1.0, 2.0], "p": 0.5, "alpha": 0.05}),
    "quantile_log_e": (a.quantile_log_e, {"below": 3.0, "t": 10.0, "p": 0.5, "tuned_at": 32.0}),
    "rate_test": (
        a.rate_test,
        {
            "canary_events": 3.0,
            "canary_exposures": 9.0,
            "baseline_events": [5.0],
            "baseline_exposures": [9.0],
            "r0": 1.0,
            "alternative": "less",
            "method": "exact",
        },
    ),
    "ratio_bounds": (lambda **k: a.ratio_bounds(a.RatioState.start(), **k), {"alpha": 0.05}),
    "ratio_interval": (
        a.ratio_interval,
        {
            "canary_events": 3.0,
            "baseline_events": 5.0,
            "exposure_ratio": 0.5,
            "a": 0.5,
            "b": 0.5,
            "alpha": 0.05,
        },
    ),
    "rollback_evidence": (
        lambda **k: a.rollback_evidence([1.0, 2.0], **k),
        {"weights": [0.5, 0.5]},
    ),
    "seconds_to_detect": (
        a.seconds_to_detect,
        {"ratio": 0.8, "share": 0.1, "rate": 5.0, "edge": 0.99, "alpha": 0.01},
    ),
    "seconds_to_promote_at": (
        a.seconds_to_promote_at,
        {"margin": 0.8, "share": 0.1, "rate": 5.0, "beta": 0.05},
    ),
    "sequential_p": (a.sequential_p, {"t": 10.0, "z_squared": 1.0, "rho2": 0.1}),
    "shift_interval": (a.shift_interval, {"x": [1.0, 2.0], "y": [3.0, 4.0], "confidence": 0.98}),
    "simulate_releases": (
        lambda **k: a.simulate_releases(a.Scenario.parse(SCENARIO), {}, rng=rng(), **k),
        {"runs": 2},
    ),
    "spending_boundaries": (
        a.spending_boundaries,
        {"information": [0.5, 1.0], "alpha": 0.05, "spending": "obf"},
    ),
    "sprt_bounds": (a.sprt_bounds, {"alpha": 0.01, "beta": 0.05}),
    "total_log_e": (
        lambda **k: a.total_log_e(a.TotalSpec("Decrease", 0.8), **k),
        {"events_after": 3.0, "seconds_after": 10.0, "events_before": 30.0, "seconds_before": 60.0},
    ),
    "tuned_rho2": (a.tuned_rho2, {"t_best": 100.0, "alpha": 0.05}),
    "uniform_radius": (a.uniform_radius, {"t": 100.0, "alpha": 0.05}),
    "update": (
        lambda **k: a.update(
            SPEC, SPEC.start(), a.ReleaseTick(a.Interval(0.0, 10.0), counts={}, **k)
        ),
        {"step": 0, "share": 0.1},
    ),
    "update_bernoulli": (
        lambda **k: a.update_bernoulli(a.BernoulliSpec(3, 3), a.BernoulliSpec(3, 3).start(), **k),
        {"canary": 1.0, "baseline": [2.0]},
    ),
    "update_bounded": (
        lambda **k: a.update_bounded(a.BoundedSpec(), a.BoundedSpec().start(), **k),
        {"value": 0.5},
    ),
    "update_split": (
        lambda **k: a.update_split(a.SplitSpec(), a.SplitSpec().start(), a.Interval(0.0, 1.0), **k),
        {"canary_units": 1.0, "baseline_units": 9.0, "share": 0.1, "step": 0},
    ),
}
