"""The local gateway: HTTPRoutes, Services and EndpointSlices -> Envoy, and back into status.

It reads through the port of a cluster, so it serves the one in memory and the real one alike. A
route's status is written after Envoy has taken the route, never before: whoever reads `Accepted` at
the current generation may count on the weights. A route that Envoy refuses is left out and told so;
the others go on. Run by `stack`; the translation is in `envoy_routes` and `gateway_backends`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import structlog

from controller.api.k8s import HTTPRoute
from controller.api.resources import ENDPOINT_SLICES, HTTP_ROUTES, SERVICES
from controller.kube.port import ApiError, Cluster, NotFound
from controller.kube.reflector import Reflector
from controller.local import gateway_backends, gateway_status
from controller.local.envoy import Envoy, RefusedError
from controller.local.envoy_routes import Problem, Served, serve, virtual_hosts
from controller.runtime.clock import system_now

log = structlog.get_logger(__name__)

_STATUS_RETRY_S: Final = 0.5


class Gateway:
    """Keeps one Envoy in step with the routes of a cluster."""

    def __init__(
        self,
        cluster: Cluster,
        envoy: Envoy,
        *,
        namespace: str = "",
        now: Callable[[], datetime] = system_now,
    ) -> None:
        self._cluster, self._envoy, self._now = cluster, envoy, now
        self._routes = Reflector(cluster, HTTP_ROUTES, namespace)
        self._services = Reflector(cluster, SERVICES, namespace)
        self._slices = Reflector(cluster, ENDPOINT_SLICES, namespace)
        self._changed = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._refused: dict[str, tuple[int, Problem]] = {}
        """By UID of a route: the generation that Envoy refused, and why."""
        self._known_clusters: frozenset[str] = frozenset()
        for reflector in (self._routes, self._services, self._slices):
            reflector.on_change(self._wake)

    def _wake(self, old: object, new: object) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Serves until cancelled."""
        reflectors = (self._routes, self._services, self._slices)
        async with asyncio.TaskGroup() as tasks:
            for reflector in reflectors:
                tasks.create_task(reflector.run())
            for reflector in reflectors:
                await reflector.synced.wait()
            self._changed.set()
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._program()

    async def _program(self) -> None:
        """One pass: clusters that are new, then routes, then the clusters nobody needs go."""
        services = {one.key: one for one in self._services.store}
        backends = gateway_backends.clusters(services.values(), self._slices.store)
        for cluster, addresses in backends.items():
            self._envoy.set_endpoints(cluster, addresses)
        names = frozenset(backends)
        await self._envoy.set_clusters(self._known_clusters | names)
        served = [
            serve(route, lambda owner, ref: gateway_backends.resolve(services, owner, ref))
            for route in self._routes.store
        ]
        await self._set_routes(served)
        await self._envoy.set_clusters(names)
        self._known_clusters = names
        for one in served:
            await self._report(one)

    async def _set_routes(self, served: Iterable[Served]) -> None:
        tried = [one for one in served if self._refusal(one.route) is None]
        try:
            await self._envoy.set_routes(virtual_hosts(tried))
        except RefusedError:
            await self._find_refused(tried)

    async def _find_refused(self, served: Iterable[Served]) -> None:
        """Adds one route after the other, so that only those that Envoy refuses stay out."""
        taken: list[Served] = []
        for one in served:
            try:
                await self._envoy.set_routes(virtual_hosts([*taken, one]))
                taken.append(one)
            except RefusedError as error:
                generation = one.route.metadata.generation
                problem = Problem("UnsupportedValue", str(error))
                self._refused[one.route.metadata.uid] = (generation, problem)
                log.warning("route refused", route=str(one.route.key), why=str(error))
        await self._envoy.set_routes(virtual_hosts(taken))

    def _refusal(self, route: HTTPRoute) -> Problem | None:
        generation, problem = self._refused.get(route.metadata.uid, (0, None))
        return problem if generation == route.metadata.generation else None

    async def _report(self, served: Served) -> None:
        """Writes the route's status if it says anything new."""
        route = served.route
        refusal = self._refusal(route)
        not_accepted = (refusal,) if refusal else served.unsupported
        parents = gateway_status.wanted_parents(route, not_accepted, served.unresolved, self._now())
        if parents == route.status.parents:
            return
        try:
            await self._cluster.patch_merge(
                HTTP_ROUTES,
                route.namespace,
                route.name,
                gateway_status.patch(parents),
                subresource="status",
            )
        except NotFound:
            return
        except ApiError as error:
            log.warning("route status not written", route=str(route.key), why=str(error))
            self._look_again()

    def _look_again(self) -> None:
        """One more pass in a while, however many have asked for it."""
        if self._retry is not None:
            self._retry.cancel()
        loop = asyncio.get_running_loop()
        self._retry = loop.call_later(_STATUS_RETRY_S, self._changed.set)
