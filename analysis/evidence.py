"""One metric as a person reads it: counts, ratio with its interval, evidence, pace, time to go.

It reads the state of a release and computes nothing that decides. Called by verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.metric import MetricSpec, MetricState
from analysis.release import ReleaseSpec, ReleaseState
from analysis.sequence import RatioState, ratio_bounds
from analysis.signals import Signals, enough_seen
from analysis.unseen import saturated_share


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """One metric as a person reads it.

    ratio: canary rate over baseline rate, over all steps, None before the baseline has events;
    low, high: its confidence sequence (0, inf without data; None when intervals were not asked
    for). Counts are sums over the release. expected: canary events at the baseline's rate; lost:
    that less the canary's. log_harm, log_promote: ln E (the latter +inf where nothing is asked).
    harm_nats_per_minute, promote_nats_per_minute: pace so far; eta_s: seconds until promotion's
    evidence at that pace, 0 if it is there, None if it never comes. no_data: why the last tick
    had none, or not of all the canary. saturated: the baseline's share of requests beyond a bound
    where it is so large that this step's margin could not be seen, see ``unseen``; then nothing is
    excluded.
    """

    name: str
    ratio: float | None
    low: float | None
    high: float | None
    canary_events: float
    canary_exposures: float
    baseline_events: float
    baseline_exposures: float
    expected: float
    lost: float
    log_harm: float
    log_promote: float
    harm_nats_per_minute: float
    promote_nats_per_minute: float
    eta_s: float | None
    missing: float
    no_data: str | None
    required: bool
    excluded: bool
    enough: bool
    saturated: float | None = None


def metric_evidence(
    spec: ReleaseSpec, state: ReleaseState, place: int, now: Signals, here: bool, intervals: bool
) -> MetricEvidence:
    """The metric at ``place``; ``here``: whether the state is at the step that is asked about."""
    metric = spec.metrics[place]
    kept = state.metrics[metric.name]
    totals = kept.totals
    ratio = float(metric.shown(totals.ratio()))
    low, high = _interval(metric, kept) if intervals else (None, None)
    log_harm = float(now.log_harm[place])
    log_promote = float(now.log_promote[place]) if here else 0.0
    seconds = float(metric.shown(kept.step_seconds))
    pace = _promotion_nats(metric, kept) / seconds if seconds > 0.0 and here else 0.0
    observed = float(metric.shown(kept.promotion[0].seconds))
    expected = float(metric.shown(totals.expected))
    seen = float(metric.shown(totals.canary_events))
    saturated = saturated_share(metric, kept, int(state.step)) if here else None
    blind = saturated is not None
    return MetricEvidence(
        name=metric.name,
        ratio=None if math.isnan(ratio) else ratio,
        low=low,
        high=high,
        canary_events=seen,
        canary_exposures=float(metric.shown(totals.canary_exposures)),
        baseline_events=float(metric.shown(totals.baseline_events)),
        baseline_exposures=float(metric.shown(totals.baseline_exposures)),
        expected=expected,
        lost=expected - seen,
        log_harm=log_harm,
        log_promote=log_promote,
        harm_nats_per_minute=60.0 * log_harm / observed if observed > 0.0 else 0.0,
        promote_nats_per_minute=60.0 * pace,
        eta_s=None if blind else _time_to(spec.log_promote - log_promote, pace),
        missing=float(kept.gaps.missing_share()),
        no_data=kept.no_data if state.window_end_s is not None else "nothing measured yet",
        required=metric.required,
        excluded=not blind and log_promote >= spec.log_promote,
        enough=here and bool(enough_seen(spec, metric, kept, state.step)),
        saturated=saturated,
    )


def _interval(metric: MetricSpec, kept: MetricState) -> tuple[float, float]:
    shown = RatioState(
        metric.shown(kept.ratio.events),
        kept.ratio.log_means
        if metric.edges == 1
        else kept.ratio.log_means[(metric.promotion_edges or (0,))[0]],
    )
    low, high = ratio_bounds(shown)
    return float(low), float(high)


def _promotion_nats(metric: MetricSpec, kept: MetricState) -> float:
    """Growth since the step began of the best bet, for the side and edge that lag behind."""
    behind = math.inf
    for side in kept.promotion:
        used = np.isfinite(side.bets.log_weight[np.maximum(side.step, 0)])
        if not used.any():
            continue
        best = np.where(used, side.log_sums, -math.inf).max(axis=-1)
        wanted = (
            best if metric.edges == 1 else best[list(metric.promotion_edges or range(best.size))]
        )
        behind = min(behind, float(np.min(wanted)))
    return behind if math.isfinite(behind) else 0.0


def _time_to(nats: float, per_second: float) -> float | None:
    if nats <= 0.0:
        return 0.0
    return nats / per_second if per_second > 0.0 else None
