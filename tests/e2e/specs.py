"""How the end-to-end tests judge and release the shop: second by second, with wide margins.

300 orders a second give a verdict in a few of them; everything that only waits is short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.local import shop_objects

NAME = shop_objects.NAME
ROUTE = "shop"
LIMITS = {"drain": "1s", "progressDeadline": "40s", "hold": "5m"}


def metrics(only: str = "", **orders: Any) -> list[dict[str, Any]]:
    """Orders and errors; `only` are matchers that narrow every query, `orders` replace members."""
    both = f", {only}" if only else ""
    exposures = f"http_requests_total{{{only}}}" if only else "http_requests_total"
    return [
        {
            "name": "orders",
            "harm": "Decrease",
            "events": f"orders_total{{{only}}}" if only else "orders_total",
            "exposures": exposures,
            "margin": {"5": "50%", "50": "30%"},
            "weight": 0.5,
        }
        | orders,
        {
            "name": "errors",
            "harm": "Increase",
            "events": f'http_requests_total{{code=~"5.."{both}}}',
            "exposures": exposures,
            "weight": 0.5,
            "tolerated": {"ratio": 1.1, "difference": "0.05%"},
            "margin": {
                "5": {"ratio": 2, "difference": "20%"},
                "50": {"ratio": 2, "difference": "10%"},
            },
        },
    ]


ANALYSIS: Mapping[str, Any] = {
    "provider": {"scrape": {"port": 8080}},
    "tick": "1s",
    "bake": "0s",
    "coverHarmAfter": "2s",
    "warmUp": "0s",
    "maxMissing": "90%",
    "metrics": metrics(),
}


def rollout_spec(*, routed: bool = True, **more: Any) -> dict[str, Any]:
    """The spec of the shop's Rollout; `more` replaces members."""
    traffic: dict[str, Any] = {"service": NAME}
    if routed:
        traffic["routes"] = [{"kind": "HTTPRoute", "name": ROUTE}]
    spec: dict[str, Any] = {
        "workload": {"name": NAME},
        "traffic": traffic,
        "steps": [{"weight": 5}, {"weight": 50}],
        "analysis": [{"template": "shop"}],
        "promotion": {"holdback": 2, "watch": "2s"},
        "limits": LIMITS,
    }
    return spec | more
