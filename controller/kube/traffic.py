"""How many requests went to the API server: by verb, resource and answer. Labels are bounded.

Answers "what does an idle operator cost?" and "who is refused?". Written by `http` alone.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter(
    "blastdoor_kube_requests_total",
    "Requests to the API server by verb, resource and HTTP status (0: no answer).",
    ("verb", "resource", "status"),
)
SECONDS: Final = Histogram(
    "blastdoor_kube_request_duration_seconds",
    "Time until the API server answered a request, watches by their first byte.",
    ("verb",),
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)


def count(verb: str, resource: str, status: int, seconds: float) -> None:
    """One answered request; status 0 when nothing came back."""
    REQUESTS.labels(verb, resource, str(status)).inc()
    SECONDS.labels(verb).observe(seconds)


def sent() -> dict[tuple[str, str, str], float]:
    """The counts so far, by (verb, resource, status)."""
    return {
        (sample.labels["verb"], sample.labels["resource"], sample.labels["status"]): sample.value
        for metric in REQUESTS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
