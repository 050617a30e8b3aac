"""A cluster to which the contract tests speak: in memory, or a real API server.

Both are reached through the port alone, under the same short names of users; both have running
controllers and the pods of one namespace, which come up without processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from looptime import LoopTimeEventLoop

from controller.api.k8s import Pod
from controller.api.meta import Key, Object
from controller.api.resources import CONFIG_MAPS, NAMESPACES, Resource
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.kube.memory import MemoryCluster
from controller.kube.port import Cluster, Forbidden, NotFound
from controller.local.admission import hold_and_lock
from controller.local.controllers.instant_pods import CRASH_LOOP, WELL, Fate, InstantPods
from controller.local.controllers.machinery import machinery
from controller.local.users import USERS
from controller.runtime.clock import loop_now, system_now
from tests.plugins.real_cluster import RealCluster

ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", Object)
PATIENCE_S = 30.0
"""How long a test waits for a controller of a real server; in memory no real time passes."""
EPOCH = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass
class World:
    """One cluster, one fresh namespace, and everyone's view of it."""

    name: str
    namespace: str
    as_user: Callable[[str], Cluster]
    fates: dict[str, Fate] = field(default_factory=dict)
    """By name of an image: what becomes of its pods. All others are well."""
    drop_hold: Callable[[], Awaitable[None]] | None = None
    """Take the mutating policy away, as an older server has none."""

    @property
    def operator(self) -> Cluster:
        return self.as_user("operator")

    @property
    def admin(self) -> Cluster:
        return self.as_user("admin")

    @property
    def alice(self) -> Cluster:
        """May edit in the namespace, as an author may."""
        return self.as_user("alice")

    def fate(self, pod: Pod) -> Fate:
        return self.fates.get(pod.spec.containers[0].image, WELL)


@asynccontextmanager
async def memory_world(*, locked: bool = False) -> AsyncIterator[World]:
    """A cluster in memory whose time is virtual from its first moment, fixtures included."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LoopTimeEventLoop)
    with loop.looptime_enabled():
        async with _memory_world(locked) as world:
            yield world


@asynccontextmanager
async def _memory_world(locked: bool) -> AsyncIterator[World]:
    now = loop_now(EPOCH)
    admission = hold_and_lock() if locked else ()
    cluster = MemoryCluster(now, admission=admission, namespaces=("kube-system", "test"))
    world = World("memory", "test", lambda user: cluster.as_user(USERS[user].name))

    async def drop_hold() -> None:
        del cluster.admission[0]

    world.drop_hold = drop_hold
    async with machinery(cluster.as_user, now, world.fate):
        yield world


@asynccontextmanager
async def server_world(plane: RealCluster) -> AsyncIterator[World]:
    """A fresh namespace of a real server, with our pods in place of a node's."""
    async with AsyncExitStack() as stack:
        views: dict[str, Cluster] = {}
        for user in ("admin", "operator", "alice"):
            view = ApiServer(Kubeconfig(str(plane.kubeconfig(user))))
            views[user] = await stack.enter_async_context(view)
        world = World("server", f"test-{secrets.token_hex(4)}", views.__getitem__)
        await world.admin.create(NAMESPACES, "", {"metadata": {"name": world.namespace}})
        await _grant(world, "edit", "alice")
        await _grant(world, "admin", "operator")
        pods = InstantPods(world.admin, system_now, world.fate, world.namespace)
        running = asyncio.create_task(pods.run())
        try:
            yield world
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            with contextlib.suppress(NotFound):
                await world.admin.delete(NAMESPACES, "", world.namespace)


async def _grant(world: World, role: str, user: str) -> None:
    """A role in the namespace, in force: the authorizer hears of it a moment later."""
    group = "rbac.authorization.k8s.io"
    body = {
        "metadata": {"name": f"{role}-{user}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": USERS[user].name}],
    }
    await world.admin.create(ROLE_BINDINGS, world.namespace, body)

    async def known() -> bool:
        with contextlib.suppress(Forbidden):
            await world.as_user(user).list_page(CONFIG_MAPS, world.namespace)
            return True
        return False

    await eventually(known, f"the role {role} of {user}")


async def eventually(
    holds: Callable[[], Awaitable[Any]], what: str = "", *, within_s: float = PATIENCE_S
) -> Any:
    """The first true answer; waits in the loop's time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        answer = await holds()
        if answer:
            return answer
        assert loop.time() < deadline, f"not within {within_s} s: {what or holds}"
        await asyncio.sleep(0.05)


__all__ = ["CRASH_LOOP", "Key", "World", "eventually", "memory_world", "server_world"]
