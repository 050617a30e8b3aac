"""The manifests on the testbed's API server, once for the whole run."""

import pytest_asyncio

from tests.e2e.harness import MANIFESTS
from tests.plugins.real_cluster import RealCluster, until_signing


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plane(control_plane: RealCluster) -> RealCluster:
    """The control plane with everything that `kubectl apply -k manifests/` brings."""
    await control_plane.kubectl("apply", "--server-side", "-k", str(MANIFESTS))
    await until_signing(control_plane, "default")
    return control_plane
