"""An assessment as people see it: one report for each metric, and one column for `kubectl get`.

Pure text and numbers; it decides nothing. Infinite ends become absent, since a status is JSON.
Called by `runtime.folding`.
"""

from __future__ import annotations

import math

from analysis.verdict import Assessment, MetricEvidence
from controller.api.change import MetricReport


def reports(assessment: Assessment) -> tuple[MetricReport, ...]:
    """One report for each metric, in the order of the template."""
    return tuple(_report(metric) for metric in assessment.metrics)


def _report(metric: MetricEvidence) -> MetricReport:
    asked = math.isfinite(metric.log_promote)
    return MetricReport(
        name=metric.name,
        canary_events=metric.canary_events,
        canary_exposures=metric.canary_exposures,
        stable_events=metric.baseline_events,
        stable_exposures=metric.baseline_exposures,
        ratio=_finite(metric.ratio),
        low=_finite(metric.low),
        high=_finite(metric.high),
        log_harm=_finite(metric.log_harm) or 0.0,
        log_promote=metric.log_promote if asked else 0.0,
        note=_note(metric, asked=asked),
    )


def _note(metric: MetricEvidence, *, asked: bool) -> str:
    if metric.no_data:
        return metric.no_data
    if not asked:
        return "not asked for at this step"
    if metric.saturated is not None:
        return (
            f"{metric.saturated:.0%} of stable's are beyond the bound: the margin is out of sight"
        )
    return ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def evidence_column(assessment: Assessment) -> str:
    """The strongest metric with its ratio and interval: `orders 0.03x [0.01, 0.09]`."""
    strongest = max(assessment.metrics, key=lambda m: (m.ratio is not None, m.log_harm))
    if strongest.ratio is None:
        return f"{strongest.name} -"
    text = f"{strongest.name} {_number(strongest.ratio)}x"
    if strongest.low is None or strongest.high is None:
        return text
    return f"{text} [{_number(strongest.low)}, {_number(strongest.high)}]"


def _number(value: float) -> str:
    if math.isinf(value):
        return "inf"
    return f"{value:.2f}" if value < 10 else f"{value:.3g}"
