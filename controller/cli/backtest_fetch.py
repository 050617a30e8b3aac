"""A recording from a Prometheus server: the same document that a file holds, by range queries.

It fills a template's selectors for the pods of each arm and asks for raw samples, an hour at a
time; it judges nothing. Called by the back-test command.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from controller.api.template import AnalysisTemplate, Metric
from controller.cli.backtest_times import seconds
from controller.cli.exits import CommandError, Exit
from controller.metrics import placeholders

PIECE_S: Final = 3600.0
"""Asked for at once; a server refuses queries that would load too many samples."""
_PARTS: Final = {"events": "events", "exposures": "exposures", "buckets": "histogram"}
"""What the document calls it, and what a template's metric calls it."""


def fetched(options: argparse.Namespace, template: AnalysisTemplate) -> dict[str, Any]:
    """The recording between --start and --end; --canary may be left out for an A/A test."""
    needed = ("start", "end", "stable") if options.aa else ("start", "end", "canary", "stable")
    for name in needed:
        if getattr(options, name) is None:
            raise CommandError(f"--from a Prometheus needs --{name}", Exit.USAGE)
    start_s, end_s = seconds(options.start), seconds(options.end)
    if not end_s > start_s:
        raise CommandError(f"--end must be after --start; came {options.end}", Exit.USAGE)
    patterns = {"canary": options.canary, "baseline": options.stable}
    metrics: dict[str, Any] = {
        metric.name: {
            arm: dict(_arm(options, template, metric, pattern)) for arm, pattern in patterns.items()
        }
        for metric in template.spec.metrics
    }
    for arm, pattern in patterns.items():
        if pattern is not None and not any(any(of[arm].values()) for of in metrics.values()):
            raise CommandError(
                f"{options.source}: no series of any metric has {options.pod_label}=~{pattern!r} "
                f"between {options.start} and {options.end}",
                Exit.NOT_FOUND,
            )
    document = {"start_s": start_s, "end_s": end_s, "metrics": metrics}
    return document | ({"steps": _steps(options.began)} if options.began else {})


def _steps(began: str) -> list[list[float]]:
    return [[seconds(text.strip()), step] for step, text in enumerate(began.split(","))]


def _arm(
    options: argparse.Namespace, template: AnalysisTemplate, metric: Metric, pattern: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in _PARTS.items():
        text = getattr(metric, field)
        if text and pattern is not None:
            query = filled(text, pattern, options.pod_label, template.namespace)
            yield name, dict(_series(options, query))
        elif text:
            yield name, {}


def filled(text: str, pattern: str, pod_label: str, namespace: str | None = None) -> str:
    """A template's query for the pods of one arm; without a placeholder, by the pod label.

    >>> filled("orders_total", "shop-.*", "pod")
    'orders_total{pod=~"shop-.*"}'
    >>> filled('orders_total{ns="{{namespace}}",pod=~"{{arm.pods}}"}', "a|b", "pod", "shop")
    'orders_total{ns="shop",pod=~"a|b"}'
    """
    quoted = json.dumps(pattern)[1:-1]  # PromQL escapes between quotes as JSON does
    known = {"arm.pods": quoted} | ({"namespace": namespace} if namespace else {})
    names = set(placeholders.names_in(text))
    if not names <= set(known):
        allowed = " and ".join(f"{{{{{name}}}}}" for name in known)
        raise CommandError(f"query {text!r}: only {allowed} can be filled without a cluster")
    text = placeholders.filled(text, known.__getitem__)
    if "arm.pods" in names:
        return text
    matcher = f'{pod_label}=~"{quoted}"'
    name, _, inside = text.partition("{")
    written = inside.rstrip().removesuffix("}").rstrip(" ,")
    return f"{name.strip()}{{{written},{matcher}}}" if written else f"{name.strip()}{{{matcher}}}"


def _series(options: argparse.Namespace, query: str) -> Iterator[tuple[str, list[Any]]]:
    """Samples by series, over all pieces of the range."""
    found: dict[str, list[Any]] = {}
    start_s, end_s = seconds(options.start), seconds(options.end)
    pieces = max(1, math.ceil((end_s - start_s) / PIECE_S))
    for number in range(pieces):
        until_s = min(end_s, start_s + (number + 1) * PIECE_S)
        length_s = until_s - (start_s + number * PIECE_S)
        for labels, values in _asked(options, f"{query}[{math.ceil(length_s)}s]", until_s):
            pod = labels.get(options.pod_label)
            if pod is None:
                raise CommandError(
                    f"{query}: series {labels} has no label {options.pod_label}; "
                    "name the one that holds the pod with --pod-label"
                )
            rest = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
            found.setdefault(f"{pod}/{rest}", []).extend(values)
    yield from found.items()


def _asked(
    options: argparse.Namespace, text: str, at_s: float
) -> Iterator[tuple[Mapping[str, str], list[tuple[float, float]]]]:
    from prometheus_api_client.exceptions import PrometheusApiClientException
    from prometheus_api_client.prometheus_connect import PrometheusConnect
    from requests.exceptions import RequestException

    try:
        client = PrometheusConnect(url=options.source.rstrip("/"))
        found = client.custom_query(text, params={"time": f"{at_s:.3f}"})
    except (PrometheusApiClientException, RequestException) as error:
        raise CommandError(f"{options.source}: {text}: {error}", Exit.UNREACHABLE) from error
    for series in found:
        yield series["metric"], [(float(at), float(value)) for at, value in series["values"]]
