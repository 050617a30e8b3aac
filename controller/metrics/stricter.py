"""What of an edited template counts at once for a run under way: only what asks for more.

A run follows the plan frozen in its Change, so that nobody can loosen the rules under a release.
What the evidence is computed from (queries, tolerances, ticks) stays frozen as well: changing it
would make the evidence so far mean something else. Pure; called by `runtime.judgement`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from analysis.margins import Margin
from analysis.metric import MetricSpec
from controller.api.quantities import parse_duration
from controller.api.template import AnalysisTemplateSpec
from controller.metrics.plans import Plan


def stricter_template(
    frozen: AnalysisTemplateSpec, live: AnalysisTemplateSpec
) -> AnalysisTemplateSpec:
    """The frozen template with the budgets and waits of the live one that ask for more."""
    return replace(
        frozen,
        false_rollback=max(frozen.false_rollback, live.false_rollback),
        false_promote=min(frozen.false_promote, live.false_promote),
        min_evidence=max(frozen.min_evidence, live.min_evidence),
        bake=max(frozen.bake, live.bake, key=parse_duration),
    )


def stricter_margins(plan: Plan, live: Plan) -> Plan:
    """The plan with the margins of `live` that ask for more, metric by metric, step by step.

    One that is tighter than what the plan tolerates waits for the next plan, as does a new metric.
    The analysis begins the promotion of a step anew when its margin is another one.
    """
    wanted = {m.name: m.margins for m in live.release.metrics}
    metrics = tuple(_tightened(m, wanted.get(m.name, ())) for m in plan.release.metrics)
    release = dataclasses.replace(plan.release, metrics=metrics)
    return dataclasses.replace(plan, release=release)


def _tightened(metric: MetricSpec, wanted: Sequence[Margin | None]) -> MetricSpec:
    if len(wanted) != len(metric.margins):
        return metric
    for step, live in enumerate(wanted):
        one = _narrower(metric.margins[step], live)
        margins = (*metric.margins[:step], one, *metric.margins[step + 1 :])
        with suppress(ValueError):
            metric = dataclasses.replace(metric, margins=margins)
    return metric


def _narrower(frozen: Margin | None, live: Margin | None) -> Margin | None:
    """The margin that allows only what both allow; the frozen one where they are of two kinds."""
    if frozen is None or live is None:
        return frozen
    if (frozen.ratio is None, frozen.difference is None) != (
        live.ratio is None, live.difference is None,
    ):  # fmt: skip
        return frozen
    ratio, difference = frozen.ratio, frozen.difference
    if ratio is not None and live.ratio is not None:
        ratio = min(ratio, live.ratio, key=lambda r: abs(math.log(r)))
    if difference is not None and live.difference is not None:
        difference = min(difference, live.difference)
    return Margin(ratio, difference)
