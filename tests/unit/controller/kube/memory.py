"""A cluster in memory for the tests of it, and what they put into it."""

from __future__ import annotations

from datetime import UTC, datetime

from controller.api.k8s import ConfigMap
from controller.api.resources import CONFIG_MAPS
from controller.kube.memory import MemoryCluster

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def empty() -> MemoryCluster:
    """Nothing but the namespace `shop`, on a day that does not end."""
    return MemoryCluster(lambda: NOW, namespaces=("shop",))


async def put(cluster: MemoryCluster, name: str, **data: str) -> ConfigMap:
    return await cluster.apply(CONFIG_MAPS, "shop", name, {"data": data})
