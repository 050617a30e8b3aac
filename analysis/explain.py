"""One plain sentence that says what the evidence shows, with numbers and the time still needed.

Words only: it decides nothing and computes nothing but units. Called by verdict. The reader is
the person who was paged, or who wonders why a release waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from analysis.assessment import Assessment, Reason
from analysis.evidence import MetricEvidence
from analysis.release import ReleaseSpec


def span(seconds: float) -> str:
    """A length of time as a person says it.

    >>> [span(s) for s in (0.4, 75, 130, 4000, 15_900, 300_000)]
    ['1 s', '75 s', '2 min', '67 min', '4.4 h', '3.5 days']
    """
    for size, unit, upto in ((1.0, "s", 120.0), (60.0, "min", 7200.0), (3600.0, "h", 172_800.0)):
        if seconds < upto:
            return f"{max(seconds / size, 1.0):.{1 if unit == 'h' else 0}f} {unit}"
    return f"{seconds / 86_400.0:.1f} days"


def times(value: float | None) -> str:
    """A ratio with two significant digits after the point where they matter."""
    if value is None:
        return "unknown"
    return "any" if math.isinf(value) else f"{value:.3g}" if value >= 10.0 else f"{value:.2f}"


def explain(
    spec: ReleaseSpec,
    found: Assessment,
    step: int,
    step_elapsed_s: float,
    hard_failures: Sequence[str],
    holds: Sequence[str],
) -> str:
    """The sentence for an assessment whose verdict and numbers are set."""
    where = f"{100.0 * spec.shares[step]:.3g}% of the traffic"
    match found.reason:
        case Reason.HARM_FOUND | Reason.HARM_SUSPECTED:
            return _harm(found, where)
        case Reason.HARD_RULE:
            return f"Rolling back at {where}: {'; '.join(hard_failures)}."
        case Reason.HELD:
            return f"Holding at {where}: {'; '.join(holds)}."
        case Reason.NO_DATA:
            return f"Holding at {where}: no data for {_absent(found)}."
        case Reason.DATA_MISSING:
            return (
                f"Holding at {where}: {found.missing:.0%} of the last "
                f"{span(spec.missing_window_s)} is missing, at most {spec.max_missing:.0%} may be."
            )
        case Reason.BAKING:
            rest = span(spec.bake_s - step_elapsed_s)
            return f"Baking at {where}: {rest} of {span(spec.bake_s)} left; {_pace(found)}."
        case Reason.HARM_UNSEEN:
            return f"Holding at {where}: {_unseen(spec, found, step)}."
        case Reason.HARM_EXCLUDED:
            return (
                f"Ready to go on from {where}: {_shown(found)}; harm beyond the margin is excluded."
            )
        case Reason.HOLD_EXPIRED:
            return (
                f"No evidence after {span(step_elapsed_s)} at {where}: {_pace(found)}; "
                "inconclusive, not failed."
            )
        case Reason.TOO_FEW_EVENTS | Reason.EVIDENCE_PENDING:
            return f"Holding at {where}: {_pace(found)}; {_wait(found)}."
        case never:
            assert_never(never)


def _harm(found: Assessment, where: str) -> str:
    worst = next(m for m in found.metrics if m.name == found.guilty[0])
    others = f" (also {', '.join(found.guilty[1:])})" if len(found.guilty) > 1 else ""
    alarm = found.reason is Reason.HARM_FOUND
    verb = "Rolling back" if alarm else "Holding"
    evidence = (
        f"evidence {found.highest_log_e:.1f} nats, {found.log_rollback:.1f} needed"
        if alarm
        else "this metric may hold but not roll back"
    )
    lost = f"; about {found.orders_lost:.0f} orders lost" if found.orders_lost >= 1.0 else ""
    return f"{verb} at {where}: {_numbers(worst)}{others}; {evidence}{lost}."


def _numbers(metric: MetricEvidence) -> str:
    """`orders at 0.02 of the baseline's rate (0.00 to 0.12), 1 seen where 54 were expected`."""
    interval = ""
    if metric.low is not None and metric.high is not None:
        interval = f" ({times(metric.low)} to {times(metric.high)})"
    rate = "" if metric.ratio is None else f" at {times(metric.ratio)} of the baseline's rate"
    return (
        f"{metric.name}{rate}{interval}, {metric.canary_events:.4g} seen where "
        f"{metric.expected:.4g} were expected"
    )


def _absent(found: Assessment) -> str:
    absent = [f"{m.name} ({m.no_data})" for m in found.metrics if m.required and m.no_data]
    return ", ".join(absent)


def _unseen(spec: ReleaseSpec, found: Assessment, step: int) -> str:
    """Which metric is blind, with its share and the margin that would be more than all."""
    blind = next(m for m in found.metrics if m.required and m.saturated is not None)
    margin = next(m.margins[step] for m in spec.metrics if m.name == blind.name)
    worse = [] if margin is None or margin.ratio is None else [f"{times(margin.ratio)} times that"]
    if margin is not None and margin.difference is not None:
        worse.append(f"{100.0 * margin.difference:.3g} points more")
    return (
        f"{blind.name} cannot show harm, as {blind.saturated:.0%} of the baseline's are beyond "
        f"the bound and the margin, {' or '.join(worse)}, would be all of them; choose a larger "
        f"objective, or a narrower margin"
    )


def _slowest(found: Assessment) -> MetricEvidence | None:
    """The required metric that keeps the step waiting: the one whose evidence is last to come."""
    needed = [m for m in found.metrics if m.required]
    never = math.inf
    return max(needed, key=lambda m: never if m.eta_s is None else m.eta_s, default=None)


def _pace(found: Assessment) -> str:
    slowest = _slowest(found)
    if slowest is None:
        return "no metric is required"
    if slowest.excluded:
        return f"{_numbers(slowest)}, harm beyond the margin is excluded"
    return (
        f"{_numbers(slowest)}; harm beyond the margin is not excluded yet, "
        f"{slowest.log_promote:.1f} of {found.log_promote_needed:.1f} nats"
    )


def _wait(found: Assessment) -> str:
    if found.reason is Reason.TOO_FEW_EVENTS:
        few = ", ".join(m.name for m in found.metrics if m.required and not m.enough)
        return f"too little seen at this step of {few}"
    if found.eta_s is None:
        return "at the present pace that never comes"
    return f"about {span(found.eta_s)} more at this pace"


def _shown(found: Assessment) -> str:
    needed = [m for m in found.metrics if m.required]
    return "; ".join(_numbers(m) for m in needed) or "no metric is required"
