"""Objects as the commands read them, and a cluster in memory that holds some."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from controller.api.change import Change
from controller.api.resources import CHANGES, ROLLOUTS
from controller.api.rollout import Rollout
from controller.kube.memory import MemoryCluster

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def rollout(**status: Any) -> Rollout:
    spec = {
        "workload": {"name": "checkout"},
        "traffic": {"service": "checkout"},
        "steps": [{"weight": 1}, {"weight": 5}, {"weight": 25}],
    }
    metadata = {
        "name": "checkout",
        "namespace": "shop",
        "creationTimestamp": "2026-11-24T11:00:00Z",
    }
    return msgspec.convert({"metadata": metadata, "spec": spec, "status": status}, Rollout)


def change(name: str = "checkout-1", *, what: str = "", **status: Any) -> Change:
    spec: dict[str, Any] = {
        "rollout": "checkout",
        "target": {"digest": "d", "images": ["registry/shop:v2"]},
        "origin": "generated",
        "what": what,
        "plan": {"steps": [{"weight": 1}, {"weight": 5}, {"weight": 25}]},
    }
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-24T11:50:00Z"}
    return msgspec.convert({"metadata": metadata, "spec": spec, "status": status}, Change)


async def cluster_with(*objects: Rollout | Change) -> MemoryCluster:
    """A cluster that holds these, statuses included."""
    cluster = MemoryCluster(lambda: NOW, namespaces=["shop"])
    for one in objects:
        resource: Any = ROLLOUTS if isinstance(one, Rollout) else CHANGES
        body = msgspec.json.decode(msgspec.json.encode(one))
        status = body.pop("status", {})
        body["metadata"] = {"name": one.name, "namespace": one.namespace}
        await cluster.create(resource, "shop", body)
        await cluster.patch_merge(
            resource, "shop", one.name, {"status": status}, subresource="status"
        )
    return cluster
