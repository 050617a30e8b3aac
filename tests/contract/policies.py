"""Installs the hold and the lock in a world, and waits until both act."""

from __future__ import annotations

from pathlib import Path

from controller.api.names import ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS
from controller.kube.port import Forbidden
from tests.contract.deployments import template
from tests.contract.worlds import World, eventually
from tests.plugins.real_cluster import RealCluster

_MANIFESTS = Path(__file__).parents[2] / "manifests" / "policies"
HOLD = _MANIFESTS / "mutating" / "hold.yaml"
LOCK = _MANIFESTS / "validating" / "lock.yaml"
_PROBE = "probe"


async def install(world: World, plane: RealCluster) -> None:
    """Apply the manifests' own policies; a server takes some seconds to follow them."""
    for manifest in (HOLD, LOCK):
        await plane.kubectl("apply", "--server-side", "-f", str(manifest))
    await _create_probe(world)
    await eventually(lambda: hold_acts(world), "the hold acts")
    await eventually(lambda: lock_acts(world), "the lock acts")

    async def drop_hold() -> None:
        await plane.kubectl("delete", "-f", str(HOLD))

        async def dropped() -> bool:
            return not await hold_acts(world)

        await eventually(dropped, "the hold is gone")

    world.drop_hold = drop_hold


async def hold_acts(world: World) -> bool:
    """As the operator's probe asks it: a dry run of an edit by somebody else."""
    containers = template("probe:2")["spec"]["containers"]
    operations = [
        {"op": "replace", "path": "/spec/template/spec/containers", "value": containers},
        {"op": "add", "path": "/spec/paused", "value": True},
        {"op": "add", "path": "/metadata/labels", "value": {"app": _PROBE}},
    ]
    try:
        edited = await world.alice.patch_json(
            DEPLOYMENTS, world.namespace, _PROBE, operations, dry_run=True
        )
    except Forbidden:
        return False
    return edited.spec.paused and ROLLOUT_LABEL in edited.metadata.labels


async def lock_acts(world: World) -> bool:
    """A dry run that unpauses."""
    operations = [{"op": "replace", "path": "/spec/paused", "value": False}]
    try:
        await world.alice.patch_json(DEPLOYMENTS, world.namespace, _PROBE, operations, dry_run=True)
    except Forbidden:
        return True
    return False


async def _create_probe(world: World) -> None:
    body = {
        "metadata": {"name": _PROBE, "labels": {"app": _PROBE, ROLLOUT_LABEL: _PROBE}},
        "spec": {
            "replicas": 0,
            "paused": True,
            "selector": {"matchLabels": {"app": _PROBE}},
            "template": {
                "metadata": {"labels": {"app": _PROBE}},
                "spec": template("probe:1")["spec"],
            },
        },
    }
    await world.operator.create(DEPLOYMENTS, world.namespace, body)
