"""Turns a Rollout and its templates into what the analysis needs and what providers are asked.

Pure: a `Plan`, or every problem at once with field path, what came and what is allowed. Several
templates judge one release together, so the strictest of their settings holds. It must not read a
sample or decide anything. Called for each run by `runtime.judgement`, and to check a template.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec
from controller.api.problems import Problem, shown
from controller.api.quantities import parse_duration, parse_percent
from controller.api.rollout import DEFAULT_LADDER, Rollout
from controller.api.template import AnalysisTemplate
from controller.metrics.plans import Plan, Problems, Refusal, Source
from controller.metrics.port import Provider
from controller.metrics.template_parts import part_of

MOST_MIN_TICKS = 30
START_SPACING_S = 60.0


def judge(
    rollout: Rollout, templates: Sequence[AnalysisTemplate], providers: Mapping[str, Provider]
) -> Plan | Problems:
    """The plan of a release, or all that is wrong with it. At least one template."""
    ladder = tuple(step.weight for step in rollout.spec.steps) or DEFAULT_LADDER
    found = list(_ladder_problems(rollout, ladder))
    metrics: list[MetricSpec] = []
    sources: list[Source] = []
    slo_s: dict[str, float] = {}
    for template in templates:
        part = part_of(
            template,
            providers,
            ladder,
            unasked_steps=len(watch_weight(rollout)),
            routed=bool(rollout.spec.traffic.routes),
        )
        found += [Refusal("AnalysisTemplate", template.key, p) for p in part.problems]
        metrics += part.metrics
        sources += part.sources
        slo_s |= part.slo_s
    found += _repeated(rollout, templates)
    if not found and metrics:
        release = _release(rollout, templates, metrics, ladder)
        if isinstance(release, ReleaseSpec):
            return Plan(release, tuple(sources), ladder, slo_s)
        found.append(release)
    if not found:
        found.append(_of(rollout, "spec.analysis", "nothing", "must name a template with metrics"))
    return Problems(tuple(found))


def watch_weight(rollout: Rollout) -> tuple[float, ...]:
    """The canary's weight in the watch, as one more step; none where there is no live control."""
    promotion = rollout.spec.promotion
    if promotion.mode == "InPlace" or promotion.holdback <= 0:
        return ()
    return (100.0 - promotion.holdback,)


def _of(rollout: Rollout, path: str, got: str, allowed: str) -> Refusal:
    return Refusal("Rollout", rollout.key, Problem(path, got, allowed))


def _ladder_problems(rollout: Rollout, ladder: Sequence[float]) -> Iterator[Refusal]:
    for place, weight in enumerate(ladder):
        if not 0 < weight < 100:
            path = f"spec.steps[{place}].weight"
            allowed = "must be over 0 and under 100: evidence needs both arms"
            yield _of(rollout, path, shown(weight), allowed)


def _repeated(rollout: Rollout, templates: Sequence[AnalysisTemplate]) -> Iterator[Refusal]:
    """Evidence is kept by name, so two templates may not both give a metric."""
    names = [name for t in templates for name in {metric.name for metric in t.spec.metrics}]
    for name in sorted({name for name in names if names.count(name) > 1}):
        got = f"templates that both give the metric {shown(name)}"
        yield _of(rollout, "spec.analysis", got, "must give each metric once")


def _release(
    rollout: Rollout,
    templates: Sequence[AnalysisTemplate],
    metrics: Sequence[MetricSpec],
    ladder: Sequence[float],
) -> ReleaseSpec | Refusal:
    """The strictest of what the templates ask."""
    specs = [template.spec for template in templates]

    def longest(of: Callable[[Any], str]) -> float:
        return max(parse_duration(of(spec)).total_seconds() for spec in specs)

    names = [metric.name for metric in metrics]
    risk = rollout.spec.risk.metric
    try:
        tick_s, bake_s = longest(lambda s: s.tick), longest(lambda s: s.bake)
        cover_s = longest(lambda s: s.cover_harm_after)
        return ReleaseSpec(
            metrics=tuple(metrics),
            shares=tuple(weight / 100 for weight in (*ladder, *watch_weight(rollout))),
            false_rollback=min(spec.false_rollback for spec in specs),
            false_promote=min(spec.false_promote for spec in specs),
            tick_s=tick_s,
            cover_harm_after_s=cover_s,
            bake_s=bake_s,
            warm_up_s=longest(lambda s: s.warm_up),
            min_events=float(max(spec.min_evidence for spec in specs)),
            min_ticks=min(MOST_MIN_TICKS, math.ceil(bake_s / tick_s)),
            max_missing=min(parse_percent(spec.max_missing) for spec in specs),
            start_spacing_s=min(START_SPACING_S, max(tick_s, cover_s / 5)),
            max_hold_s=parse_duration(rollout.spec.limits.hold).total_seconds(),
            risk_metric=risk if risk in names else None,
        )
    except (ValueError, ArithmeticError) as error:
        return _of(rollout, "spec.analysis", "templates that do not fit", str(error))
