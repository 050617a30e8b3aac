"""What one AnalysisTemplate gives to the plan of a release: metrics, and what a provider is asked.

Pure. What a template may hold is `api.template_checks`' to say and is asked first; here is what
follows from placeholders, from the providers and from the weights of the steps, as margins differ
by weight. It must not know the release or what other templates say. Called by `judging`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from analysis.margins import Margin
from analysis.metric import MetricSpec
from controller.api.field_checks import from_value_error
from controller.api.problems import Problem, from_decoding, shown
from controller.api.quantities import Degradation, parse_degradation, parse_duration
from controller.api.template import AnalysisTemplate, Metric
from controller.api.validation import check_template
from controller.metrics import placeholders, thresholds
from controller.metrics.plans import Question, Source
from controller.metrics.port import Provider, Role


@dataclass(frozen=True)
class Part:
    """What could be read of a template, and all that is wrong with it.

    slo_s: latency objective by metric, for those that read a histogram.
    """

    metrics: tuple[MetricSpec, ...]
    sources: tuple[Source, ...]
    slo_s: Mapping[str, float]
    problems: tuple[Problem, ...]


def part_of(
    template: AnalysisTemplate,
    providers: Mapping[str, Provider],
    ladder: Sequence[float],
    *,
    unasked_steps: int = 0,
    routed: bool = True,
) -> Part:
    """The part of one template. ladder: weight of each step in percent. unasked_steps: how many
    steps come after it that ask for no evidence, as the watch. routed: the share is made by routes,
    not by pods."""
    own = check_template(template.spec, providers=providers.keys())
    if own:
        return Part((), (), {}, own)
    reader = _Reader(template, providers, ladder, unasked_steps, routed)
    problems = tuple(reader.problems())
    return Part(tuple(reader.metrics), tuple(reader.sources), reader.slo_s, problems)


class _Reader:
    """One template being read: fills `metrics`, `sources` and `slo_s` while it finds problems."""

    def __init__(
        self,
        template: AnalysisTemplate,
        providers: Mapping[str, Provider],
        ladder: Sequence[float],
        unasked_steps: int,
        routed: bool,
    ) -> None:
        self._template, self._providers = template, providers
        self._ladder, self._unasked_steps = ladder, unasked_steps
        self._routed = routed
        self.metrics: list[MetricSpec] = []
        self.sources: list[Source] = []
        self.slo_s: dict[str, float] = {}

    def problems(self) -> Iterator[Problem]:
        metrics = self._template.spec.metrics
        shares = thresholds.weights(metrics)
        for place, (metric, share) in enumerate(zip(metrics, shares, strict=True)):
            yield from self._metric(f"spec.metrics[{place}]", metric, share)
        yield from self._source()

    def _metric(self, path: str, metric: Metric, share: float) -> Iterator[Problem]:
        yield from _placeholder_problems(path, metric)
        if metric.slo is not None:
            self.slo_s[metric.name] = parse_duration(metric.slo).total_seconds()
        try:
            inside = thresholds.tolerated(metric)
        except ValueError as error:
            yield from_value_error(f"{path}.tolerated", error)
            return
        margins: list[Margin | None] = []
        for weight_pct in self._ladder:
            made = _margin(path, metric, weight_pct, inside)
            if isinstance(made, Problem):
                yield made
                return
            margins.append(made)
        margins += [None] * self._unasked_steps
        try:
            self.metrics.append(_metric_spec(metric, inside, margins, share))
        except ValueError as error:
            yield Problem(path, shown(metric.name), str(error))

    def _source(self) -> Iterator[Problem]:
        ((name, settings),) = self._template.spec.provider.items()
        path = f"spec.provider.{name}"
        provider = self._providers.get(name)
        if provider is None:  # installed, but it could not be loaded
            known = ", ".join(sorted(self._providers))
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
                if why is None and provider.rereads and not placeholders.unknown(query):
                    why = placeholders.alike(query, routed=self._routed)
                if why is not None:
                    yield Problem(f"spec.metrics[{place}].{role}", shown(query), why)
        self.sources.append(Source(self._template.name, provider, spec, tuple(questions)))


def _queries(metric: Metric) -> Iterator[tuple[Role, str]]:
    if metric.histogram:
        yield "histogram", metric.histogram
    else:
        yield "events", metric.events
        yield "exposures", metric.exposures


def _placeholder_problems(path: str, metric: Metric) -> Iterator[Problem]:
    for role, query in _queries(metric):
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
        return from_value_error(where, error)
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
        edges=len(thresholds.SLO_FACTORS) if slow else 1,
        promotion_edges=(thresholds.SLO_EDGE,) if slow else None,
        warms_up=slow,
    )
