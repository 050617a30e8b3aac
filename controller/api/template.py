"""`AnalysisTemplate`: metrics, thresholds and provider. Written by SREs, used by many Rollouts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from controller.api.fields import Duration, Fraction, Percent, Positive
from controller.api.meta import Condition, Object, Struct


class Tolerance(Struct, frozen=True):
    """A degradation, as a ratio, as a difference in share, or at most the larger of both."""

    ratio: Annotated[
        Positive | None, Meta(description="Canary rate over stable rate, as 1.1 or 0.9.")
    ] = None
    difference: Annotated[
        Percent | None, Meta(description="Points of the exposures, as 0.05%.")
    ] = None


class Metric(Struct, frozen=True):
    """One question asked of both arms: a rate of events per exposure, or a latency histogram."""

    name: Annotated[
        str, Meta(min_length=1, max_length=63, description="Name, unique in the release.")
    ]
    harm: Annotated[
        Literal["Decrease", "Increase", "Both"],
        Meta(description="Which change is harm: fewer orders, more errors, or either."),
    ] = "Increase"
    events: Annotated[
        str, Meta(description="Query of the counter of events (orders, errors), with placeholders.")
    ] = ""
    exposures: Annotated[
        str, Meta(description="Query of the counter of exposures (requests, sessions).")
    ] = ""
    histogram: Annotated[
        str,
        Meta(
            description="Query of a latency histogram's buckets, instead of events and exposures."
        ),
    ] = ""
    slo: Annotated[
        Duration | None,
        Meta(description="Latency that a request should meet; a histogram needs it."),
    ] = None
    tolerated: Annotated[
        str | Tolerance | None,
        Meta(description="Below this nobody is woken: `1%`, or {ratio, difference}."),
    ] = None
    margin: Annotated[
        dict[str, str | Tolerance],
        Meta(description="By step weight: harm beyond this must be excluded to promote."),
    ] = msgspec.field(default_factory=dict)
    weight: Annotated[
        Fraction | None, Meta(description="Share of the false-rollback budget, in (0, 1].")
    ] = None


class PrometheusProvider(Struct, frozen=True):
    """Raw samples from a Prometheus server."""

    address: Annotated[str, Meta(description="URL, as http://prometheus.monitoring:9090.")]
    timeout: Annotated[Duration, Meta(description="Deadline of one query.")] = "10s"
    settle: Annotated[
        Duration, Meta(description="How late samples may arrive at the server, up to 5m.")
    ] = "1s"


class ScrapeProvider(Struct, frozen=True):
    """The operator reads the pods' own metrics endpoint itself."""

    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the endpoint on each pod.")]
    path: Annotated[str, Meta(description="Path of the endpoint.")] = "/metrics"
    interval: Annotated[Duration, Meta(description="Time between two reads, 1-60 s.")] = "1s"


class AnalysisTemplateSpec(Struct, frozen=True):
    """Which numbers judge a release, and how sure one has to be."""

    provider: Annotated[
        dict[str, Any],
        Meta(description="One key: the provider's name (prometheus, scrape) with its settings."),
    ]
    metrics: Annotated[tuple[Metric, ...], Meta(min_length=1, description="The metrics.")]
    tick: Annotated[Duration, Meta(description="Width of one look.")] = "10s"
    bake: Annotated[Duration, Meta(description="Shortest time of a step.")] = "5m"
    cover_harm_after: Annotated[
        Duration, Meta(description="Harm at least this old is covered by the promotion guarantee.")
    ] = "5m"
    warm_up: Annotated[
        Duration, Meta(description="Age below which a pod's latency is left out.")
    ] = "3m"
    min_evidence: Annotated[
        int, Meta(ge=0, description="Expected canary events before a promotion.")
    ] = 20
    max_missing: Annotated[
        Percent, Meta(description="Share of missing ticks in 10 minutes above which it holds.")
    ] = "20%"
    false_rollback: Annotated[
        float,
        Meta(
            gt=0,
            lt=0.5,
            description="Chance that a good release is taken back, all looks together.",
        ),
    ] = 0.01
    false_promote: Annotated[
        float, Meta(gt=0, lt=1, description="Chance that a step passes with harm at its margin.")
    ] = 0.05


class AnalysisTemplateStatus(Struct, frozen=True):
    """Whether the template can be used."""

    provider: Annotated[str, Meta(description="Name of its provider.")] = ""
    metrics: Annotated[str, Meta(description="Names of its metrics.")] = ""
    observed_generation: Annotated[
        int, Meta(description="Generation of the spec that this speaks of.")
    ] = 0
    conditions: Annotated[
        tuple[Condition, ...], Meta(description="For `kubectl wait` and kstatus.")
    ] = ()


class AnalysisTemplate(Object, frozen=True, kw_only=True):
    """Metrics with thresholds that judge releases by always-valid statistics."""

    spec: AnalysisTemplateSpec
    status: AnalysisTemplateStatus = AnalysisTemplateStatus()
