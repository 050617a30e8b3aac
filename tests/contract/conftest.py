"""The two worlds of the contract: the cluster in memory (virtual time) and a real API server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from controller.api.names import ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS, REPLICASETS
from controller.kube.port import Cluster
from tests.contract.deployments import NAME, Shop
from tests.contract.policies import install
from tests.contract.worlds import World, memory_world, server_world
from tests.plugins.real_cluster import RealCluster

WORLDS: list[Any] = [
    "memory",
    pytest.param("server", marks=pytest.mark.e2e),
]


@pytest.fixture(params=WORLDS)
def plane(request: pytest.FixtureRequest) -> RealCluster | None:
    """The real server, or None in memory. Not async: the server has a loop of its own."""
    if request.param == "memory":
        return None
    found: RealCluster = request.getfixturevalue("control_plane")
    return found


@pytest_asyncio.fixture
async def world(plane: RealCluster | None) -> AsyncIterator[World]:
    """A cluster with running controllers and a fresh namespace."""
    async with memory_world() if plane is None else server_world(plane) as made:
        yield made


@pytest.fixture
def cluster(world: World) -> Cluster:
    """The operator's view."""
    return world.operator


@pytest_asyncio.fixture
async def locked(plane: RealCluster | None) -> AsyncIterator[World]:
    """A world in which the hold and the lock act."""
    if plane is None:
        async with memory_world(locked=True) as made:
            yield made
        return
    async with server_world(plane) as made:
        await install(made, plane)
        yield made


@pytest_asyncio.fixture
async def free(locked: World) -> Shop:
    """A Deployment of alice that serves web:1 and that no Rollout has adopted."""
    shop = Shop(locked)
    await shop.create("web:1")
    await shop.complete()
    return shop


@pytest_asyncio.fixture
async def adopted(free: Shop) -> Shop:
    """The same, adopted: the label on the Deployment and on its only ReplicaSet."""
    world, body = free.world, {"metadata": {"labels": {ROLLOUT_LABEL: "checkout"}}}
    await world.operator.patch_merge(DEPLOYMENTS, world.namespace, NAME, body)
    for one in await free.sets():
        await world.operator.patch_merge(REPLICASETS, world.namespace, one.name, body)
    return free
