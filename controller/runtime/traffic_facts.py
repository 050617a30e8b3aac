"""What the routes, or the pods, say about the share of the canary. Pure: objects in, facts out.

Each route is read once for a look: `route_views` reads, the others only combine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from controller.api.mark import Mark
from controller.core.observed import Block, Traffic
from controller.core.reasons import Reason
from controller.routers import pods
from controller.routers.port import RouteView
from controller.runtime.claims import remedy
from controller.runtime.objects import Objects, RouteObject
from controller.runtime.strangers import strange_backends, strangers
from controller.workloads import pin, template
from controller.workloads.arms import Arm, canary_name


def route_views(o: Objects) -> tuple[RouteView | None, ...]:
    """What each route says, in their order; None for one that does not exist."""
    return tuple(_view(o, r) if r.route is not None else None for r in o.routes)


def _view(o: Objects, r: RouteObject) -> RouteView:
    """A canary among the backends that the owner put there himself is nothing of ours."""
    apex = o.rollout.spec.traffic.service
    view: RouteView = r.router.read(r.route, apex, canary_name(apex))
    if view.unclaimed and not o.backends_are_ours:
        return replace(view, weight_pct=0.0, foreign=False, managed=False)
    return replace(view, unclaimed=False)


def traffic(o: Objects, views: Sequence[RouteView | None]) -> Traffic:
    """The share of the canary, and whether it is in force."""
    if o.rival:
        return Traffic(routed=o.routed)  # what is written there is of the other's run
    if not o.routed:
        return _pod_traffic(o)
    seen = [v for v in views if v is not None]
    least = _least(o, views)
    # The first mark counts: one contained route is enough to know that it was contained.
    mark = next(filter(None, (Mark.read(v.aborted_for) for v in seen)), None)
    return Traffic(
        routed=True,
        weight=max((v.weight_pct for v in seen), default=None),
        least=least[1].weight_pct if least else None,
        behind=_behind(least, seen) if least else "",
        in_force=bool(seen) and all(v.in_force for v in seen),
        unresolved=next((v.unresolved for v in seen if v.unresolved), ""),
        mark=mark,
        foreign=any(v.foreign for v in seen),
        touched=any(v.managed for v in seen),
    )


def _least(o: Objects, views: Sequence[RouteView | None]) -> tuple[str, RouteView] | None:
    """The route that gives the canary least, of those that send to the apex. One that does not is
    a Block, and says nothing about the share."""
    named = zip((f"{r.kind} {r.name}" for r in o.routes), views, strict=True)
    carrying = [(name, view) for name, view in named if view is not None and view.carries]
    return min(carrying, key=lambda one: one[1].weight_pct, default=None)


def _behind(least: tuple[str, RouteView], seen: Sequence[RouteView]) -> str:
    name, view = least
    even = all(v.weight_pct == view.weight_pct for v in seen)
    return "" if even else f"{name} says {view.weight_pct:g}%"


def _pod_traffic(o: Objects) -> Traffic:
    if o.service is None:
        return Traffic(routed=False, weight=None, least=None)
    view = pods.read(
        o.service,
        canary_ready=o.canary.status.available_replicas if o.canary else 0,
        stable_ready=o.deployment.status.available_replicas if o.deployment else 0,
    )
    return Traffic(
        routed=False,
        weight=round(view.weight_pct, 2),
        least=round(view.weight_pct, 2),
        mark=Mark.read(view.aborted_for),
        touched=view.managed,
        mispinned=bool(view.aborted_for) and hash_to_pin(o) not in ("", pin.pinned(o.service)),
    )


def hash_to_pin(o: Objects) -> str:
    """The hash that containment pins the Service to, where pods make the share; empty: to none."""
    status, d = o.rollout.status, o.deployment
    return pin.hash_to_pin(
        o.view.replicasets if o.view else (),
        status.stable.hash,
        same_object=d is not None and d.metadata.uid == status.deployment_uid,
        canary_serves=o.canary is not None and o.canary.status.available_replicas > 0,
    )


def traffic_blocks(
    o: Objects, views: Sequence[RouteView | None], arm: Arm | Block
) -> tuple[Block, ...]:
    """What is wrong with the Service, the routes, or the labels that split the arms."""
    if o.rival:
        return (Block(Reason.TRAFFIC_TAKEN, o.rival),)
    found: list[Block] = []
    service = o.rollout.spec.traffic.service
    if o.service is None:
        mend = remedy(o.change, "spec.traffic.service")
        text = f"Service {o.rollout.namespace}/{service} does not exist; {mend}"
        found.append(Block(Reason.TRAFFIC_MISSING, text))
    for r, view in zip(o.routes, views, strict=True):
        if view is None:
            found.append(Block(Reason.TRAFFIC_MISSING, r.problem))
            continue
        found += [Block(Reason.TRAFFIC_MISSING, f"{r.kind} {r.name}: {p}") for p in view.problems]
        found += strange_backends(o, r) if view.unclaimed else ()
    found += strangers(o, arm)
    if isinstance(arm, Block):
        found.append(arm)
    elif not o.routed and o.deployment is not None:
        labels = template.labels_of(o.deployment.spec.template)
        others = pin.unpinned_services(o.services, service, labels)
        if others:
            text = f"Service {', '.join(others)} would send traffic to the canary's pods as well"
            found.append(
                Block(Reason.UNPINNED_SERVICE, f"{text}; name a route, or narrow its selector")
            )
    return tuple(found)
