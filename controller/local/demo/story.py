"""The story, as data: the shop, how it is judged, and what becomes of each release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.api import names
from controller.core.phases import Outcome
from controller.local import shop_objects

RATE = 500.0
"""Orders offered a second: small shares give evidence in seconds, and one core still suffices."""
SEED = 20260305
REPLICAS = 4
DARK_S = 6.0
"""How long the scrape target stays dark in the last release."""

ANALYSIS: Mapping[str, Any] = {
    "provider": {"scrape": {"port": 8080, "path": "/metrics", "interval": "1s"}},
    "tick": "1s",
    "bake": "0s",
    "coverHarmAfter": "5s",
    "warmUp": "0s",
    "metrics": [
        {
            "name": "orders",
            "harm": "Decrease",
            "events": "orders_total",
            "exposures": "http_requests_total",
            "tolerated": "1%",
            "margin": {"2": "30%", "10": "15%", "50": "10%"},
            "weight": 0.5,
        },
        {
            "name": "errors",
            "harm": "Increase",
            "events": 'http_requests_total{code=~"5.."}',
            "exposures": "http_requests_total",
            "tolerated": {"ratio": 1.1, "difference": "0.05%"},
            "margin": {
                "2": {"ratio": 2, "difference": "10%"},
                "10": {"ratio": 1.5, "difference": "5%"},
                "50": {"ratio": 1.3, "difference": "3%"},
            },
            "weight": 0.5,
        },
    ],
}

ROLLOUT: Mapping[str, Any] = {
    "workload": {"kind": "Deployment", "name": shop_objects.NAME},
    "traffic": {
        "service": shop_objects.NAME,
        "routes": [{"kind": "HTTPRoute", "name": shop_objects.NAMESPACE}],
    },
    "steps": [{"weight": 2}, {"weight": 10}, {"weight": 50}],
    "analysis": [{"template": "shop"}],
    "promotion": {"mode": "ShiftThenAbsorb", "holdback": 2, "watch": "5s"},
    "limits": {"drain": "2s", "progressDeadline": "60s"},
}


@dataclass(frozen=True)
class Release:
    """One release: its version, what its author says, its fault, and how it should end."""

    version: str
    origin: str
    what: str
    expected: Outcome
    env: Mapping[str, str] = field(default_factory=dict)
    goes_dark: bool = False

    @property
    def template(self) -> dict[str, Any]:
        """The pod template that its author applies."""
        labels = {names.ORIGIN_LABEL: self.origin}
        return shop_objects.template(self.version, env=self.env, labels=labels)

    @property
    def docs(self) -> dict[str, str]:
        """The annotations that travel with the edit."""
        return {
            names.WHAT_ANNOTATION: self.what,
            names.WHY_ANNOTATION: "planned work of this week",
            names.ROLLBACK_ANNOTATION: "previous",
        }


STORY: tuple[Release, ...] = (
    Release("v2", "assisted", "faster price lookup", Outcome.PROMOTED),
    Release(
        "v3", "autonomous", "new basket format (loses 99% of its orders, answers 200)",
        Outcome.ROLLED_BACK, {"SHOP_LOSE_ORDERS": "0.99"},
    ),
    Release(
        "v4", "generated", "new payment client (one request in five fails)",
        Outcome.ROLLED_BACK, {"SHOP_ERRORS": "0.2"},
    ),
    Release(
        "v5", "assisted", "new payment client, repaired (its metrics go dark for a while)",
        Outcome.PROMOTED, goes_dark=True,
    ),
)  # fmt: skip
