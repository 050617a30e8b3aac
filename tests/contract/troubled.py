"""A cluster that can be put into trouble, by the same words in memory and for real.

`near` is the view that suffers, `far` one that does not. In memory the trouble is ordered from the
cluster itself; before a real server stands the fault proxy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import CONFIG_MAPS
from controller.kube.client import ApiServer
from controller.kube.config import Direct, Kubeconfig
from controller.kube.memory import MemoryCluster
from controller.kube.memory_faults import Call
from controller.kube.port import ApiError, Cluster, Gone, Overloaded, ServerError
from controller.local.faults import Delay, Drop, FaultProxy, Refuse
from tests.contract.worlds import World
from tests.plugins.real_cluster import RealCluster

_ERRORS: dict[int, type[ApiError]] = {410: Gone, 429: Overloaded}


class Troubled(Protocol):
    """Orders hold for the ConfigMaps of one namespace and for `near` alone."""

    near: Cluster
    far: Cluster
    namespace: str
    silence_s: float
    """How long a silent stream stays unnoticed, in the loop's time."""

    def refuse(
        self, verb: str, status: int, reason: str, *, times: int, retry_after_s: int | None = None
    ) -> None:
        """The next calls of a verb are refused; -1: until `well`."""

    def lose(self, verb: str, *, times: int = 1, after: bool = False) -> None:
        """The next calls get no answer; with `after` they are carried out."""

    def slow(self, verb: str, seconds: float) -> None:
        """Calls take so long."""

    def cut_streams(self) -> None:
        """Open watches lose their connection."""

    def tear_streams(self) -> None:
        """Open watches end in the middle of a line."""

    def silence_streams(self) -> None:
        """Open watches stay open and say nothing more."""

    def well(self) -> None:
        """No order is open any more."""

    @property
    def asked(self) -> list[str]:
        """The verbs of the calls of `near` so far; of streams those that have ended, or begun."""

    @property
    def watched(self) -> bool:
        """Whether a watch of `near` is running."""


class MemoryTrouble:
    """See Troubled."""

    silence_s = 90.0

    def __init__(self, world: World) -> None:
        near, far = world.operator, world.admin
        assert isinstance(near, MemoryCluster)
        self.near, self.far, self.namespace = near, far, world.namespace
        self.asked: list[str] = []
        self._faults = near.faults
        self._listen()

    @property
    def watched(self) -> bool:
        return "watch" in self.asked

    def _listen(self) -> None:
        self._faults.before_each(self._note, user=OPERATOR_ACCOUNT)

    def _note(self, call: Call) -> None:
        if str(call.resource) == str(CONFIG_MAPS):
            self.asked.append(call.verb)

    def refuse(
        self, verb: str, status: int, reason: str, *, times: int, retry_after_s: int | None = None
    ) -> None:
        kind = _ERRORS.get(status, ServerError)
        error = kind(status, reason, "refused by order of a test", retry_after_s=retry_after_s)
        self._faults.fail_next(verb, CONFIG_MAPS, error, times=times, user=OPERATOR_ACCOUNT)

    def lose(self, verb: str, *, times: int = 1, after: bool = False) -> None:
        self._faults.fail_next(verb, CONFIG_MAPS, times=times, user=OPERATOR_ACCOUNT, after=after)

    def slow(self, verb: str, seconds: float) -> None:
        self._faults.delay(seconds, verb, CONFIG_MAPS, user=OPERATOR_ACCOUNT)

    def cut_streams(self) -> None:
        self._faults.drop_watches(CONFIG_MAPS, user=OPERATOR_ACCOUNT)

    # In memory there are no lines: the port says the same of both, Unreachable.
    tear_streams = cut_streams

    def silence_streams(self) -> None:
        self._faults.silence_watches(user=OPERATOR_ACCOUNT)

    def well(self) -> None:
        self._faults.clear()
        self._listen()


class ProxyTrouble:
    """See Troubled."""

    silence_s = 2.0

    def __init__(self, near: Cluster, far: Cluster, namespace: str, proxy: FaultProxy) -> None:
        self.near, self.far, self.namespace, self._proxy = near, far, namespace, proxy

    def refuse(
        self, verb: str, status: int, reason: str, *, times: int, retry_after_s: int | None = None
    ) -> None:
        self._proxy.order(Refuse(status, reason, retry_after_s), verb=verb, times=times)

    def lose(self, verb: str, *, times: int = 1, after: bool = False) -> None:
        self._proxy.order(Drop(after), verb=verb, times=times)

    def slow(self, verb: str, seconds: float) -> None:
        self._proxy.order(Delay(seconds), verb=verb, times=-1)

    def cut_streams(self) -> None:
        self._proxy.cut_streams()

    def tear_streams(self) -> None:
        self._proxy.tear_streams()

    def silence_streams(self) -> None:
        self._proxy.silence_streams()

    def well(self) -> None:
        self._proxy.clear()

    @property
    def asked(self) -> list[str]:
        return [one.verb for one in self._proxy.passed]

    @property
    def watched(self) -> bool:
        return self._proxy.open_streams > 0


@asynccontextmanager
async def troubled_world(world: World, plane: RealCluster | None) -> AsyncIterator[Troubled]:
    """Trouble for the operator's view of a world."""
    if plane is None:
        yield MemoryTrouble(world)
        return
    connection = await Kubeconfig(str(plane.kubeconfig("operator"))).load()
    async with (
        FaultProxy(connection) as proxy,
        ApiServer(Direct(proxy.url), watch_idle_s=ProxyTrouble.silence_s) as near,
    ):
        yield ProxyTrouble(near, world.admin, world.namespace, proxy)
