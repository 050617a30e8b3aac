"""What the evidence of a release says now: go back, wait and why, step up, or no evidence.

Turns the signals of a release into one Assessment that a controller acts on and a person reads.
It decides nothing about Kubernetes: human commands, routes, budgets at risk and the order in which
guards speak belong to the caller. Called once a tick for each live release.

The order is the specification: harm first, whatever else is true; then what makes the data
unfit; then what is still missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.assessment import Assessment, Reason, Verdict
from analysis.combine import guilty_by_ebh
from analysis.evidence import MetricEvidence, metric_evidence
from analysis.explain import explain
from analysis.release import ReleaseSpec, ReleaseState
from analysis.signals import Signals, signals

__all__ = ["Assessment", "MetricEvidence", "Reason", "Verdict", "assess"]

_ALARMS = (Reason.HARM_FOUND, Reason.HARM_SUSPECTED)


def assess(
    spec: ReleaseSpec,
    state: ReleaseState,
    *,
    step: int,
    step_elapsed_s: float,
    hard_failures: Sequence[str] = (),
    holds: Sequence[str] = (),
    intervals: bool = True,
) -> Assessment:
    """Judge one release (a state of shape ``()``).

    step: the ladder step whose weight is in force; evidence gathered at another step promotes
    nothing here. step_elapsed_s: since that weight came into force, >= 0. hard_failures: rules
    outside the error budget that have fired (crash loop, absolute limit), in words; they roll
    back. holds: reasons from elsewhere to wait (split mismatch, unhealthy baseline), in words.
    intervals: leave out the confidence sequences, which cost most of the time, when False.
    """
    if not 0 <= step < len(spec.shares):
        raise ValueError(f"step must lie in 0..{len(spec.shares) - 1}; came {step}")
    if not step_elapsed_s >= 0.0:
        raise ValueError(f"step_elapsed_s must be >= 0; came {step_elapsed_s}")
    now = signals(spec, state)
    here = int(state.step) == step
    metrics = tuple(
        metric_evidence(spec, state, place, now, here, intervals)
        for place in range(len(spec.metrics))
    )
    waiting = _waiting(spec, now, metrics, here, step_elapsed_s, holds)
    verdict, reason = _judge(spec, now, waiting, step_elapsed_s, hard_failures)
    counted = spec.loss_counted_by()
    lost = next((m.lost for m in metrics if counted and m.name == counted.name), 0.0)
    draft = Assessment(
        verdict=verdict,
        reason=reason,
        waiting=waiting,
        explain="",
        log_e=float(now.log_e),
        highest_log_e=float(state.highest_log_e),
        log_rollback=spec.log_rollback,
        log_promote=float(now.to_promote) if here else 0.0,
        log_promote_needed=spec.log_promote,
        guilty=_guilty(spec, now, metrics) if reason in _ALARMS else (),
        missing=float(now.missing),
        orders_lost=lost,
        eta_s=_eta(spec, metrics, step_elapsed_s),
        metrics=metrics,
    )
    words = explain(spec, draft, step, step_elapsed_s, hard_failures, holds)
    return replace(draft, explain=words)


def _judge(
    spec: ReleaseSpec,
    now: Signals,
    waiting: Reason | None,
    step_elapsed_s: float,
    hard_failures: Sequence[str],
) -> tuple[Verdict, Reason]:
    """The rules in their order; the first that speaks wins."""
    if bool(now.crossed):
        return Verdict.ROLLBACK, Reason.HARM_FOUND
    if hard_failures:
        return Verdict.ROLLBACK, Reason.HARD_RULE
    if waiting is None:
        return Verdict.STEP_UP, Reason.HARM_EXCLUDED
    if spec.max_hold_s is not None and step_elapsed_s >= spec.max_hold_s:
        return Verdict.NO_EVIDENCE, Reason.HOLD_EXPIRED
    return Verdict.HOLD, waiting


def _waiting(
    spec: ReleaseSpec,
    now: Signals,
    metrics: tuple[MetricEvidence, ...],
    here: bool,
    step_elapsed_s: float,
    holds: Sequence[str],
) -> Reason | None:
    """What stands between the release and the next step: first what makes the data unfit."""
    needed = [m for m in metrics if m.required]
    return next(
        (
            reason
            for reason, applies in (
                (Reason.HARM_SUSPECTED, bool(_suspected(spec, metrics))),
                (Reason.HELD, bool(holds)),
                (Reason.NO_DATA, any(m.no_data is not None for m in needed)),
                (Reason.DATA_MISSING, float(now.missing) > spec.max_missing),
                (Reason.BAKING, step_elapsed_s < spec.bake_s),
                (Reason.TOO_FEW_EVENTS, not (here and bool(now.enough))),
                (Reason.HARM_UNSEEN, any(m.saturated is not None for m in needed)),
                (Reason.EVIDENCE_PENDING, not all(m.excluded for m in needed)),
            )
            if applies
        ),
        None,
    )


def _suspected(spec: ReleaseSpec, metrics: tuple[MetricEvidence, ...]) -> list[str]:
    """Metrics that show harm but may not roll back: batches of unknown size, or no weight."""
    return [
        m.name
        for m, declared in zip(metrics, spec.metrics, strict=True)
        if not declared.may_roll_back and m.log_harm >= spec.log_rollback
    ]


def _guilty(
    spec: ReleaseSpec, now: Signals, metrics: tuple[MetricEvidence, ...]
) -> tuple[str, ...]:
    """Metrics to name: by e-BH; after an alarm that has faded, the strongest."""
    named = guilty_by_ebh(now.log_harm, spec.false_rollback) or [int(np.argmax(now.log_harm))]
    return tuple(metrics[j].name for j in sorted(named, key=lambda j: -metrics[j].log_harm))


def _eta(
    spec: ReleaseSpec, metrics: tuple[MetricEvidence, ...], step_elapsed_s: float
) -> float | None:
    """Seconds until the slowest of bake and required metrics is done; None if one never is."""
    waits: list[float] = [max(0.0, spec.bake_s - step_elapsed_s)]
    for metric in metrics:
        if metric.required:
            if metric.eta_s is None:
                return None
            waits.append(metric.eta_s)
    return max(waits)
