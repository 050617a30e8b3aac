"""All that makes a cluster in memory live: its controllers, and pods that need no process.

    async with machinery(cluster.as_user, now, fate=by_image({"shop:bad": CRASH_LOOP})):
        ...

Each acts under the account that it has on a real cluster, which is what the lock exempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from controller.api.k8s import Pod
from controller.kube.port import Cluster
from controller.local.controllers import deployment, endpointslice, instant_pods, replicaset


async def run_controllers(as_user: Callable[[str], Cluster], now: Callable[[], datetime]) -> None:
    """Deployments, ReplicaSets and EndpointSlices, until cancelled."""
    runs: list[Coroutine[Any, Any, None]] = [
        deployment.DeploymentController(as_user(deployment.IDENTITY), now).run(),
        replicaset.ReplicaSetController(as_user(replicaset.IDENTITY), now).run(),
        endpointslice.EndpointSliceController(as_user(endpointslice.IDENTITY)).run(),
    ]
    async with asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(run)


@asynccontextmanager
async def machinery(
    as_user: Callable[[str], Cluster],
    now: Callable[[], datetime],
    fate: Callable[[Pod], instant_pods.Fate] | None = lambda _: instant_pods.WELL,
) -> AsyncIterator[None]:
    """Controllers and pods for the time of a block; `fate=None` leaves pods pending."""
    runs = [run_controllers(as_user, now)]
    if fate is not None:
        runs.append(instant_pods.InstantPods(as_user(instant_pods.IDENTITY), now, fate).run())
    tasks = [asyncio.create_task(run) for run in runs]
    block = asyncio.current_task()

    def failed(task: asyncio.Task[None]) -> None:
        if block is not None and not task.cancelled() and task.exception() is not None:
            block.cancel()

    for task in tasks:
        task.add_done_callback(failed)
    try:
        yield
    finally:
        # No TaskGroup: what fails inside the block must reach its reader as it is.
        for task in tasks:
            task.remove_done_callback(failed)
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception):
                raise end
