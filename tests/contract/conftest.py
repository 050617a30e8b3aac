"""The two worlds of the contract: the cluster in memory (virtual time) and a real API server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from controller.kube.port import Cluster
from tests.contract.worlds import World, memory_world, server_world
from tests.plugins.real_cluster import RealCluster

WORLDS: list[Any] = [
    pytest.param("memory", marks=pytest.mark.looptime),
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
