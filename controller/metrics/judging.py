"""Turns a Rollout and its templates into what the analysis needs and what providers are asked.

Pure: a `Plan`, or every problem at once with field path, what came and what is allowed. Several
templates judge one release together, so the strictest of their settings holds. It must not read a
sample or decide anything. Called by gather for each active release.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec
from controller.api.problems import Problem, from_decoding, shown
from controller.api.quantities import Degradation, parse_degradation, parse_duration, parse_percent
from controller.api.rollout import DEFAULT_LADDER, Rollout
from controller.api.template import AnalysisTemplate, Metric
from controller.metrics import placeholders, thresholds
from controller.metrics.plans import Plan, Problems, Question, Refusal, Source
from controller.metrics.port import Provider, Role

SLO_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Edges of a latency histogram, in units of the objective; the nearest buckets stand for them."""
SLO_EDGE = 2
"""The edge that promotion needs: the objective itself."""
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
        made = _Template(template, providers, (*ladder, *watch_weight(rollout)), len(ladder))
        found += [Refusal("AnalysisTemplate", template.key, p) for p in made.problems()]
        metrics += made.metrics
        sources += made.sources
        slo_s |= made.slo_s
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


class _Template:
    """One template being read: fills `metrics`, `sources` and `slo_s` while it finds problems."""

    def __init__(
        self,
        template: AnalysisTemplate,
        providers: Mapping[str, Provider],
        weights_pct: Sequence[float],
        ladder: int,
    ) -> None:
        self._template, self._providers = template, providers
        self._weights_pct, self._ladder = weights_pct, ladder
        self.metrics: list[MetricSpec] = []
        self.sources: list[Source] = []
        self.slo_s: dict[str, float] = {}

    def problems(self) -> Iterator[Problem]:
        spec = self._template.spec
        names: list[str] = []
        shares = thresholds.weights(spec.metrics) if spec.metrics else ()
        for place, (metric, share) in enumerate(zip(spec.metrics, shares, strict=True)):
            path = f"spec.metrics[{place}]"
            if metric.name in names:
                yield Problem(f"{path}.name", shown(metric.name), "must be used once")
            names.append(metric.name)
            yield from self._metric(path, metric, share)
        yield from self._source()

    def _metric(self, path: str, metric: Metric, share: float) -> Iterator[Problem]:
        yield from _metric_problems(path, metric)
        if metric.harm not in thresholds.TOLERATED:
            return
        try:
            if metric.slo is not None:
                self.slo_s[metric.name] = parse_duration(metric.slo).total_seconds()
            inside = thresholds.tolerated(metric)
        except ValueError as error:
            yield _from(f"{path}.tolerated", error)
            return
        margins: list[Margin | None] = []
        for weight_pct in self._weights_pct[: self._ladder]:
            made = _margin(path, metric, weight_pct, inside)
            if isinstance(made, Problem):
                yield made
                return
            margins.append(made)
        margins += [None] * (len(self._weights_pct) - self._ladder)
        try:
            self.metrics.append(_metric_spec(metric, inside, margins, share))
        except ValueError as error:
            yield Problem(path, shown(metric.name), str(error))

    def _source(self) -> Iterator[Problem]:
        named = self._template.spec.provider
        if len(named) != 1:
            came = ", ".join(sorted(named)) or "nothing"
            yield Problem("spec.provider", came, "must have one provider")
            return
        ((name, settings),) = named.items()
        path = f"spec.provider.{name}"
        provider = self._providers.get(name)
        if provider is None:
            known = ", ".join(sorted(self._providers)) or "none is installed"
            yield Problem(path, "a provider that cannot be used", f"must be one of {known}")
            return
        try:
            spec = msgspec.convert(settings, provider.spec)
        except msgspec.ValidationError as error:
            inner = from_decoding(error, settings)
            where = path if inner.path == "(object)" else f"{path}.{inner.path}"
            yield Problem(where, inner.got, inner.allowed)
            return
        yield from self._questions(provider, spec)

    def _questions(self, provider: Provider, spec: Any) -> Iterator[Problem]:
        questions: list[Question] = []
        for place, metric in enumerate(self._template.spec.metrics):
            for role, query in _queries(metric):
                questions.append(Question(metric.name, role, query))
                why = provider.problem(spec, placeholders.example(query))
                if why is not None:
                    yield Problem(f"spec.metrics[{place}].{role}", shown(query), why)
        self.sources.append(Source(self._template.name, provider, spec, tuple(questions)))


def _queries(metric: Metric) -> Iterator[tuple[Role, str]]:
    if metric.histogram:
        yield "histogram", metric.histogram
    else:
        yield "events", metric.events
        yield "exposures", metric.exposures


def _metric_problems(path: str, metric: Metric) -> Iterator[Problem]:
    if metric.harm not in thresholds.TOLERATED:
        allowed = "must be one of Decrease, Increase, Both"
        yield Problem(f"{path}.harm", shown(metric.harm), allowed)
    if metric.histogram and metric.slo is None:
        yield Problem(f"{path}.slo", "nothing", "must be given with a histogram, as 300ms")
    for role, query in _queries(metric):
        if not query:
            allowed = "must be given, with the other of events and exposures, or a histogram"
            yield Problem(f"{path}.{role}", "nothing", allowed)
        why = placeholders.problem(metric.name, role, query)
        if why is not None:
            yield Problem(f"{path}.{role}", shown(query), why)


def _margin(path: str, metric: Metric, weight_pct: float, inside: Degradation) -> Margin | Problem:
    key, written = thresholds.margin_for(metric, weight_pct)
    where = f"{path}.margin[{key}]"
    try:
        wide = parse_degradation(written, metric.harm)
        margin = thresholds.as_margin(wide, inside.difference)
    except ValueError as error:
        return _from(where, error)
    edge = thresholds.ratio_of(inside)
    tighter = margin.ratio is not None and abs(math.log(margin.ratio)) < abs(math.log(edge)) - 1e-9
    if tighter or 0 < wide.difference < inside.difference:
        allowed = f"must be at least as wide as what is tolerated ({_shown(inside)})"
        return Problem(where, _shown(wide), allowed)
    return margin


def _shown(degradation: Degradation) -> str:
    parts = [f"{bound:g}x" for bound in (degradation.low, degradation.high) if bound is not None]
    if degradation.difference:
        parts.append(f"{degradation.difference * 100:g} points")
    return " or ".join(parts)


def _from(path: str, error: ValueError) -> Problem:
    """`got X, must be Y`, as the parsers say it, at its field."""
    got, _, allowed = str(error).removeprefix("got ").partition(", ")
    return Problem(path, got, allowed)


def _metric_spec(
    metric: Metric, inside: Degradation, margins: Sequence[Margin | None], share: float
) -> MetricSpec:
    slow = bool(metric.histogram)
    return MetricSpec(
        name=metric.name,
        direction=metric.harm,
        tolerated_ratio=thresholds.ratio_of(inside),
        margins=tuple(margins),
        tolerated_difference=inside.difference or None,
        weight=share,
        edges=len(SLO_FACTORS) if slow else 1,
        promotion_edges=(SLO_EDGE,) if slow else None,
        warms_up=slow,
    )


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
    except (ValueError, ZeroDivisionError) as error:
        return _of(rollout, "spec.analysis", "templates that do not fit", str(error))
