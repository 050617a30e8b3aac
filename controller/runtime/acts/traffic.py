"""Writes that move traffic: the routes' weights, or the pin of the Service.

A Service or a route that another Rollout has is not written (`objects.rival`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from controller.api.mark import Mark
from controller.api.patch import Ops
from controller.api.resources import SERVICES
from controller.runtime.acts.writer import Writer, each
from controller.runtime.objects import Objects
from controller.runtime.traffic_facts import hash_to_pin
from controller.workloads import pin
from controller.workloads.arms import canary_name


async def set_weight(w: Writer, o: Objects, percent: float, change_uid: str) -> None:
    """The canary's share on every route; never raised on one that is marked for this Change."""

    def wanted(router: Any, route: Any, apex: str, canary: str) -> Ops:
        mark = Mark.read(router.read(route, apex, canary).aborted_for)
        if percent > 0 and mark is not None and mark.change_uid == change_uid:
            return []
        ops: Ops = router.desired(route, apex, canary, percent)
        return ops

    await _each_route(w, o, wanted)


async def contain(w: Writer, o: Objects, mark: Mark) -> None:
    """Weight 0 and the mark, in one patch for each route; without a route, the pin.

    A mark of this Change stays as it is: the first reason is the true one.
    """

    def text(standing: str) -> str:
        known = Mark.read(standing)
        return standing if known and known.change_uid == mark.change_uid else str(mark)

    def wanted(router: Any, route: Any, apex: str, canary: str) -> Ops:
        standing = router.read(route, apex, canary).aborted_for
        ops: Ops = router.desired(route, apex, canary, 0, text(standing))
        return ops

    if o.routed:
        await _each_route(w, o, wanted)
        return
    if o.service is not None and not o.rival:
        serving = hash_to_pin(o)
        await w.patch(SERVICES, o.service, lambda s: pin.pin(s, serving, text(pin.aborted_for(s))))


async def restore(w: Writer, o: Objects, *, forget: bool) -> None:
    """The owner's weights or selector; with `forget` the mark goes as well."""

    def wanted(router: Any, route: Any, apex: str, canary: str) -> Ops:
        ops: Ops = router.restore(route, apex, canary, clear_aborted=forget)
        return ops

    if not o.routed and o.service is not None and not o.rival:
        await w.patch(SERVICES, o.service, lambda s: pin.unpin(s, clear_aborted=forget))
    await _each_route(w, o, wanted)


async def _each_route(w: Writer, o: Objects, wanted: Callable[..., Ops]) -> None:
    """Patch every route that exists; `wanted` is asked with router, route, apex and canary.

    One that is refused keeps no other from being written: traffic is taken from all that let it.
    """
    apex = o.rollout.spec.traffic.service
    names = {"apex": apex, "canary": canary_name(apex)}
    await each(
        partial(
            w.patch, r.router.resource, r.route,
            partial(_unless_strange, o, wanted, r.router, **names),
        )
        for r in o.routes
        if r.route is not None and not o.rival
    )  # fmt: skip


def _unless_strange(
    o: Objects, wanted: Callable[..., Ops], router: Any, route: Any, *, apex: str, canary: str
) -> Ops:
    """What is wanted of a route; nothing of one whose owner sends to a canary of his own."""
    if not o.backends_are_ours and router.read(route, apex, canary).unclaimed:
        return []
    return wanted(router, route, apex, canary)
