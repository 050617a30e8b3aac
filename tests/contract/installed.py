"""A real API server of its own with everything of `manifests/` in it, for one module of tests."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.local.controlplane import ControlPlane
from controller.local.kubectl import Ran

MANIFESTS = Path(__file__).parents[2] / "manifests"


@pytest.fixture(scope="module")
def installed() -> Iterator[ControlPlane]:
    """The shared server will not do: these tests change what the whole cluster obeys."""
    with asyncio.Runner() as runner:
        plane = runner.run(ControlPlane().__aenter__())
        try:
            runner.run(plane.install_manifests(MANIFESTS))
            runner.run(plane.kubectl("create", "namespace", "shop"))
            yield plane
        finally:
            runner.run(plane.__aexit__(None, None, None))


async def tried(plane: ControlPlane, manifest: str, user: str = "admin") -> Ran:
    """A server dry-run of creating this, whatever comes of it."""
    arguments = ("create", "--dry-run=server", "-o", "yaml", "-f", "-")
    return await plane.kubectl(*arguments, user=user, input=manifest, check=False)
