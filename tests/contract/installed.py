"""A real API server of its own with everything of `manifests/` in it, for one module of tests."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.api.crd_tables import KINDS
from controller.api.names import API_VERSION
from controller.local.controlplane import ControlPlane
from controller.local.kubectl import Ran
from tests.plugins.real_cluster import until_signing

MANIFESTS = Path(__file__).parents[2] / "manifests"


@pytest.fixture(scope="module")
def installed() -> Iterator[ControlPlane]:
    """The shared server will not do: these tests change what the whole cluster obeys."""
    with asyncio.Runner() as runner:
        plane = runner.run(ControlPlane().__aenter__())
        try:
            runner.run(plane.install_manifests(MANIFESTS))
            runner.run(plane.kubectl("create", "namespace", "shop"))
            runner.run(_served(plane))
            runner.run(until_signing(plane, "shop"))
            yield plane
        finally:
            runner.run(plane.__aexit__(None, None, None))


async def _served(plane: ControlPlane) -> None:
    """An established kind is refused with 503 for a moment more: wait until none is."""
    for kind in (one.type.__name__ for one in KINDS):
        metadata = {"name": "none", "namespace": "shop"}
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": {}}
        for _ in range(100):
            ran = await tried(plane, json.dumps(body))
            if f'{kind} "none" is invalid' in ran.stderr:
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"{kind} is not served: {ran.stderr}")


async def tried(plane: ControlPlane, manifest: str, user: str = "admin") -> Ran:
    """A server dry-run of creating this, whatever comes of it."""
    arguments = ("create", "--dry-run=server", "-o", "yaml", "-f", "-")
    return await plane.kubectl(*arguments, user=user, input=manifest, check=False)
