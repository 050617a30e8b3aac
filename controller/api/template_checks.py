"""Whether an AnalysisTemplate makes sense beyond its types. Pure; called by `validation` only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final, get_args

from controller.api.field_checks import (
    Problems,
    duration_problems,
    from_value_error,
    length_of,
    one_of,
    share_problems,
)
from controller.api.problems import MISSING, Problem, shown
from controller.api.quantities import Harm, format_duration, parse_degradation
from controller.api.template import AnalysisTemplateSpec, Metric, Tolerance

SCRAPE_INTERVAL: Final = (timedelta(seconds=1), timedelta(seconds=60))
SETTLE: Final = (timedelta(0), timedelta(minutes=5))
MOST_EVIDENCE: Final = 1_000_000_000
"""Events that a step may be told to wait for."""


def template_problems(spec: AnalysisTemplateSpec, providers: Collection[str] | None) -> Problems:
    yield from _provider_problems(spec, providers)
    if not spec.metrics:
        yield Problem("spec.metrics", "nothing", "must have at least one metric")
    yield from duration_problems("spec.tick", spec.tick, positive=True)
    yield from duration_problems("spec.bake", spec.bake)
    yield from duration_problems("spec.coverHarmAfter", spec.cover_harm_after)
    yield from duration_problems("spec.warmUp", spec.warm_up)
    yield from share_problems("spec.maxMissing", spec.max_missing, positive=True)
    for name, chance, limit in (
        ("falseRollback", spec.false_rollback, 0.5),
        ("falsePromote", spec.false_promote, 1),
    ):
        if not 0 < chance < limit:
            yield Problem(f"spec.{name}", shown(chance), f"must be over 0 and under {limit}")
    if not 0 <= spec.min_evidence <= MOST_EVIDENCE:
        allowed = f"must be from 0 to {MOST_EVIDENCE} events"
        yield Problem("spec.minEvidence", shown(spec.min_evidence), allowed)
    names = [metric.name for metric in spec.metrics]
    for i, metric in enumerate(spec.metrics):
        if metric.name in names[:i]:
            path = f"spec.metrics[{i}].name"
            yield Problem(path, shown(metric.name), "must be used once: evidence is kept by name")
        yield from _metric_problems(f"spec.metrics[{i}]", metric)
    yield from _budget_problems(spec.metrics)


def _provider_problems(spec: AnalysisTemplateSpec, providers: Collection[str] | None) -> Problems:
    named = sorted(spec.provider)
    if len(named) != 1:
        yield Problem("spec.provider", ", ".join(named) or "nothing", "must have one provider")
    for name in named:
        path = f"spec.provider.{name}"
        if providers is not None and name not in providers:
            yield Problem(path, "a provider that is not installed", one_of(sorted(providers)))
        settings = spec.provider[name]
        if name == "scrape" and isinstance(settings, dict):
            interval = settings.get("interval", "1s")
            yield from _between(f"{path}.interval", interval, SCRAPE_INTERVAL)
        if name == "prometheus" and isinstance(settings, dict):
            yield from duration_problems(f"{path}.timeout", settings.get("timeout", "10s"))
            yield from _between(f"{path}.settle", settings.get("settle", "1s"), SETTLE)


def _between(path: str, text: str, limits: tuple[timedelta, timedelta]) -> Problems:
    yield from duration_problems(path, text)
    length, (shortest, longest) = length_of(text), limits
    if length is not None and not shortest <= length <= longest:
        allowed = f"must be from {format_duration(shortest)} to {format_duration(longest)}"
        yield Problem(path, shown(text), allowed)


def _metric_problems(path: str, metric: Metric) -> Problems:
    if metric.harm not in get_args(Harm):
        yield Problem(f"{path}.harm", shown(metric.harm), one_of(get_args(Harm)))
    elif metric.histogram and metric.harm != "Increase":
        allowed = "must be Increase with a histogram, whose harm is more slow requests"
        yield Problem(f"{path}.harm", shown(metric.harm), allowed)
    if metric.histogram:
        for name, query in (("events", metric.events), ("exposures", metric.exposures)):
            if query:
                yield Problem(f"{path}.{name}", shown(query), "must be left out with a histogram")
        if metric.slo is None:
            yield Problem(f"{path}.slo", "nothing", "must be given with a histogram, as 300ms")
    else:
        for name, query in (("events", metric.events), ("exposures", metric.exposures)):
            if not query:
                yield Problem(f"{path}.{name}", "nothing", f"{MISSING}, or a histogram")
        if metric.slo is not None:
            yield Problem(f"{path}.slo", shown(metric.slo), "must be left out without a histogram")
    if metric.slo is not None:
        yield from duration_problems(f"{path}.slo", metric.slo, positive=True)
    yield from _degradation_problems(f"{path}.tolerated", metric.tolerated, metric)
    weights: list[float] = []
    for key, value in metric.margin.items():
        yield from _step_key_problems(f"{path}.margin", key, weights)
        yield from _degradation_problems(f"{path}.margin[{key}]", value, metric)
    if metric.weight is not None and not 0 < metric.weight <= 1:
        yield Problem(f"{path}.weight", shown(metric.weight), "must be over 0 and at most 1")


def _step_key_problems(path: str, key: str, seen: list[float]) -> Problems:
    """A margin's key is a step's weight; `5` and `5.0` are one."""
    try:
        weight = float(key)
    except ValueError:
        weight = float("nan")
    if not 0 < weight <= 100:
        yield Problem(path, f"the key {shown(key)}", "must be a step's weight, over 0 to 100")
    elif weight in seen:
        yield Problem(path, f"the key {shown(key)}", "must be given once")
    seen.append(weight)


def _degradation_problems(path: str, value: str | Tolerance | None, metric: Metric) -> Problems:
    try:
        parse_degradation(value, metric.harm)
    except ValueError as error:
        yield from_value_error(path, error)


def _budget_problems(metrics: tuple[Metric, ...]) -> Problems:
    """The weights share out one budget of false rollbacks: together they are at most 1."""
    given = sum(metric.weight for metric in metrics if metric.weight is not None)
    unweighted = any(metric.weight is None for metric in metrics)
    if given > 1 + 1e-9:
        yield Problem("spec.metrics", f"weights that add up to {given:g}", "must be at most 1")
    elif unweighted and given > 1 - 1e-9:
        allowed = "must be under 1, as a metric without weight shares the rest"
        yield Problem("spec.metrics", f"weights that add up to {given:g}", allowed)
