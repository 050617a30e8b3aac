"""Orders as arithmetic in virtual time, and the metric provider that reads them.

Both arms' counters are integrated from the share that the route gives, so a release is good or bad
by its image, and a test can darken, break, slow or harm them. The cluster is the one in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from controller.api.meta import Key
from controller.api.resources import DEPLOYMENTS, HTTP_ROUTES
from controller.kube.memory import MemoryCluster
from controller.kube.port import NotFound
from controller.local import shop_objects
from controller.metrics.port import NoData, Reading, Samples, Series, Tools, Wanted, Window
from controller.runtime.clock import Now

KEY = Key(shop_objects.NAMESPACE, shop_objects.NAME)
RATE = 500.0
BAD = "bad"


def body_of(cluster: MemoryCluster, resource: Any, name: str) -> dict[str, Any] | None:
    """The JSON of an object in the shop's namespace; None when it does not exist."""
    try:
        return dict(cluster.body(resource, KEY.namespace, name))
    except NotFound:
        return None


def canary_weight(cluster: MemoryCluster) -> float:
    """Share of the canary by the weights that stand in the shop's route, in percent."""
    return share_on(cluster, shop_objects.NAMESPACE)


def share_on(cluster: MemoryCluster, name: str) -> float:
    """The same by one route among several."""
    route = body_of(cluster, HTTP_ROUTES, name)
    if route is None:
        return 0.0
    weights = {b["name"]: b.get("weight", 1) for b in route["spec"]["rules"][0]["backendRefs"]}
    total = sum(weights.values())
    return 100 * weights.get(f"{KEY.name}-canary", 0) / total if total else 0.0


class _Spec(msgspec.Struct, frozen=True):
    """The virtual provider has no settings."""


@dataclass
class Orders:
    """The counters of both arms, integrated over virtual time from the weight in force."""

    cluster: MemoryCluster
    now: Now
    dark: bool = False
    broken: bool = False
    """The provider answers with what is no answer."""
    slow_s: float = 0.0
    """The provider answers after so long."""
    harmful: bool = False
    """The canary loses its orders from now on, whatever its image."""
    incident: float = 0.0
    """Share of the orders that both arms lose."""
    counters: dict[tuple[str, str], float] = field(default_factory=dict)
    at: datetime | None = None

    def advance(self) -> None:
        """Bring the counters up to now."""
        now = self.now()
        seconds = (now - self.at).total_seconds() if self.at else 0.0
        self.at = now
        share = canary_weight(self.cluster) / 100
        for arm, part in (("canary", share), ("stable", 1 - share)):
            sessions = RATE * part * seconds
            lost = 0.99 if arm == "canary" and (self.harmful or self._bad()) else self.incident
            for role, amount in (("exposures", sessions), ("events", sessions * (1 - lost))):
                self.counters[arm, role] = self.counters.get((arm, role), 0.0) + amount

    def _bad(self) -> bool:
        canary = body_of(self.cluster, DEPLOYMENTS, f"{KEY.name}-canary")
        if canary is None:
            return False
        return BAD in canary["spec"]["template"]["spec"]["containers"][0]["image"]


class VirtualProvider:
    """Reads `Orders`; like `scrape` it cannot read the past again."""

    name, spec, rereads = "virtual", _Spec, False

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def interval_s(self, spec: Any, tick_s: float) -> float:
        return 1.0

    def settle_s(self, spec: Any) -> float:
        return 0.0

    def problem(self, spec: Any, expression: str) -> str | None:
        return None

    async def fetch(
        self, spec: Any, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        self._orders.advance()
        await asyncio.sleep(self._orders.slow_s)
        if self._orders.broken:
            return dict.fromkeys(wanted, 7)  # type: ignore[arg-type]
        return {one: self._read(one, window) for one in wanted}

    def _read(self, one: Wanted, window: Window) -> Reading:
        if self._orders.dark:
            return NoData(f"metric {one.metric}: the lights are out; query: {one.expression}")
        value = self._orders.counters[one.arm, one.role]
        sample = ((window.end_s, float(round(value))),)
        return Samples((Series(one.expression, (("pod", one.arm),), sample),))
