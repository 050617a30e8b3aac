"""Writes that move traffic: the routes' weights, or the pin of the Service."""

from __future__ import annotations

from typing import Any

from controller.api.k8s import Service
from controller.api.patch import Ops
from controller.api.resources import SERVICES
from controller.runtime.acts.writer import Writer
from controller.runtime.objects import Objects
from controller.workloads import pin
from controller.workloads.arms import canary_name


async def set_weight(w: Writer, o: Objects, percent: float, change_uid: str) -> None:
    """The canary's share on every route; never raised on one that is marked for this Change."""
    apex, canary = _names(o)
    for r in o.routes:
        if r.route is None:
            continue

        def wanted(route: Any, router: Any = r.router) -> Ops:
            marked = router.read(route, apex, canary).aborted_for
            if percent > 0 and marked and marked == change_uid:
                return []
            ops: Ops = router.desired(route, apex, canary, percent)
            return ops

        await w.patch(r.router.resource, r.route, wanted)


async def contain(w: Writer, o: Objects, change_uid: str) -> None:
    """Weight 0 and the mark, in one patch for each route; without a route, the pin."""
    if not o.routed:
        stable_hash = o.rollout.status.stable.hash
        if o.service is not None and stable_hash:
            await w.patch(SERVICES, o.service, lambda s: pin.pin(s, stable_hash, change_uid))
        return
    apex, canary = _names(o)
    for r in o.routes:
        if r.route is None:
            continue

        def wanted(route: Any, router: Any = r.router) -> Ops:
            ops: Ops = router.desired(route, apex, canary, 0, change_uid)
            return ops

        await w.patch(r.router.resource, r.route, wanted)


async def restore(w: Writer, o: Objects, *, forget: bool) -> None:
    """The owner's weights or selector; with `forget` the mark goes as well."""
    apex, canary = _names(o)

    def unpinned(service: Service) -> Ops:
        return pin.unpin(service, clear_aborted=forget)

    if not o.routed and o.service is not None:
        await w.patch(SERVICES, o.service, unpinned)
    for r in o.routes:
        if r.route is None:
            continue

        def wanted(route: Any, router: Any = r.router) -> Ops:
            ops: Ops = router.restore(route, apex, canary, clear_aborted=forget)
            return ops

        await w.patch(r.router.resource, r.route, wanted)


def _names(o: Objects) -> tuple[str, str]:
    apex = o.rollout.spec.traffic.service
    return apex, canary_name(apex)
