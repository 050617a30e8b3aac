"""The stage: a cluster (in memory, or real components), the local stack, and the operator on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from controller.api.meta import Key
from controller.api.resources import ANALYSIS_TEMPLATES, ROLLOUTS
from controller.kube.client import ApiServer
from controller.kube.config import Direct
from controller.kube.memory import MemoryCluster
from controller.kube.port import Cluster
from controller.local import deploying, shop_objects
from controller.local.addresses import process_address
from controller.local.admission import hold_and_lock
from controller.local.controlplane import ControlPlane
from controller.local.demo import story
from controller.local.stack import LocalStack, controllers_of
from controller.runtime.clock import steady_now
from controller.runtime.manager import Operator
from controller.runtime.settings import Settings
from controller.runtime.tools import lend_tools

MANIFESTS = Path(__file__).parents[3] / "manifests"
KEY = Key(shop_objects.NAMESPACE, shop_objects.NAME)


@dataclass(frozen=True)
class Stage:
    """Everything the play needs. `author` edits as a person would; the operator acts."""

    author: Cluster
    stack: LocalStack
    operator: Operator


@asynccontextmanager
async def embedded() -> AsyncIterator[Stage]:
    """On the cluster in memory."""
    now = steady_now()
    spaces = ("default", "blastdoor-system", shop_objects.NAMESPACE)
    memory = MemoryCluster(now, admission=hold_and_lock(), namespaces=spaces)
    async with (
        LocalStack(memory, beside=(controllers_of(memory, now),)) as stack,
        _playing(memory, None, memory.as_user("alice"), stack) as stage,
    ):
        yield stage


@asynccontextmanager
async def real() -> AsyncIterator[Stage]:
    """On a real control plane, with the manifests that a user applies."""
    async with ControlPlane() as plane:
        await plane.install_manifests(MANIFESTS)
        pem = await asyncio.to_thread(Path(plane.ca).read_text)

        def user(name: str) -> ApiServer:
            return ApiServer(Direct(plane.url, pem, plane.token(name)))

        async with (
            user("admin") as admin,
            user("operator") as cluster,
            user("probe") as probe,
            LocalStack(admin, namespace=shop_objects.NAMESPACE) as stack,
            _playing(cluster, probe, admin, stack) as stage,
        ):
            yield stage


@asynccontextmanager
async def _playing(
    cluster: Cluster, probe: Cluster | None, author: Cluster, stack: LocalStack
) -> AsyncIterator[Stage]:
    """The shop's first version, its Rollout, and the operator at work."""
    settings = Settings(leader_election=False, status_interval_s=1.0, port=-1)
    async with lend_tools(address=process_address) as tools:
        operator = Operator(cluster, tools, settings, now=steady_now(), probe=probe)
        task = asyncio.create_task(operator.run(), name="operator")
        try:
            await deploying.put_shop(author, "v1", replicas=story.REPLICAS)
            await deploying.until_rolled_out(author)
            space = shop_objects.NAMESPACE
            await author.create(
                ANALYSIS_TEMPLATES, space, {"metadata": {"name": "shop"}, "spec": story.ANALYSIS}
            )
            await author.create(
                ROLLOUTS, space, {"metadata": {"name": KEY.name}, "spec": story.ROLLOUT}
            )
            yield Stage(author, stack, operator)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
