"""The Kubernetes objects that concern one Rollout, looked up in the caches once per look.

`facts.py` turns them into what the core may see; `act.py` patches the same objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from controller.api.k8s import (
    ControllerRevision,
    Deployment,
    HorizontalPodAutoscaler,
    NetworkPolicy,
    Pod,
    ReplicaSet,
    Service,
)
from controller.api.kinds import AnalysisTemplate, Change, Rollout, Signoff
from controller.api.meta import Key, Object
from controller.api.resources import (
    AUTOSCALERS,
    CHANGES,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    Resource,
)
from controller.api.rollout import RouteRef
from controller.runtime.claims import as_in_hand, has_begun, remedy
from controller.runtime.rivals import rival
from controller.runtime.world import World
from controller.workloads.arms import canary_name, is_canary_of
from controller.workloads.history import is_ours
from controller.workloads.view import WorkloadView

T = TypeVar("T", bound=Object)


@dataclass(frozen=True)
class RouteObject:
    """One route that the Rollout names; `route` is None when it does not exist."""

    kind: str
    name: str
    router: Any
    """The plug-in; None when no such kind is known, and `problem` says so."""
    route: Any
    problem: str = ""


@dataclass(frozen=True)
class Objects:
    """One consistent look; absence is None or an empty tuple."""

    rollout: Rollout
    """With the traffic of the run in hand, if its Change froze one."""
    deployment: Deployment | None
    view: WorkloadView | None
    canary: Deployment | None
    canary_sets: tuple[ReplicaSet, ...]
    canary_pods: tuple[Pod, ...]
    service: Service | None
    canary_service: Service | None
    services: tuple[Service, ...]
    routes: tuple[RouteObject, ...]
    templates: tuple[AnalysisTemplate | str, ...]
    """A text instead of a template: why it cannot be used."""
    change: Change | None
    changes: tuple[Change, ...]
    signoffs: tuple[Signoff, ...]
    revisions: tuple[ControllerRevision, ...]
    autoscaler: HorizontalPodAutoscaler | None
    policies: tuple[NetworkPolicy, ...]
    namespace_ending: bool
    strangers: tuple[str, ...] = ()
    """Kind and name of what stands where the canary's objects would and is not ours."""
    rival: str = ""
    """Why nothing of the traffic is ours: another Rollout has its Service or a route."""

    @property
    def backends_are_ours(self) -> bool:
        """A canary among a route's backends can only be ours, also when our note on it is lost."""
        return has_begun(self.change) or self.canary_service is not None

    @property
    def routed(self) -> bool:
        """The share is made by routes, not by pods."""
        return bool(self.rollout.spec.traffic.routes)


def look(world: World, rollout: Rollout) -> Objects:
    """Everything in the caches that concerns this Rollout."""
    ns = rollout.namespace
    changes = world.changes.store.by("rollout", (ns, rollout.name))
    change = next((c for c in changes if c.name == rollout.status.change), None)
    rollout = as_in_hand(rollout, change)
    spec, mend = rollout.spec, remedy(change, "spec.traffic.routes")
    deployment = world.deployments.store.get(Key(ns, spec.workload.name))
    named = Key(ns, canary_name(spec.workload.name))
    canary, other = _ours(world.deployments.store.get(named), rollout)
    served = Key(ns, canary_name(spec.traffic.service))
    canary_service, other_service = _ours(world.services.store.get(served), rollout)
    namespace = world.namespaces.store.get(Key("", ns))
    autoscalers = world.autoscalers.store.by("target", (ns, spec.workload.name))
    revisions = world.revisions.store.by("rollout", (ns, rollout.name))
    return Objects(
        rollout=rollout,
        deployment=deployment,
        view=WorkloadView.of(deployment, _sets(world, deployment)) if deployment else None,
        canary=canary,
        canary_sets=_sets(world, canary),
        canary_pods=() if other else world.canary_pods.store.by("workload", (ns, named.name)),
        service=world.services.store.get(Key(ns, spec.traffic.service)),
        canary_service=canary_service,
        services=world.services.store.by("namespace", ns),
        routes=tuple(_route(world, ns, r, mend) for r in spec.traffic.routes),
        templates=tuple(_template(world, ns, a.template) for a in spec.analysis),
        change=change,
        changes=changes,
        signoffs=world.signoffs.store.by("rollout", (ns, rollout.name)),
        revisions=tuple(r for r in revisions if is_ours(r)),
        autoscaler=autoscalers[0] if autoscalers else None,
        policies=world.policies.store.by("namespace", ns),
        namespace_ending=bool(namespace and namespace.metadata.deletion_timestamp),
        rival=rival(world, rollout, change),
        strangers=tuple(
            f"{resource.kind} {one.name}"
            for resource, one in ((DEPLOYMENTS, other), (SERVICES, other_service))
            if one is not None and (resource is DEPLOYMENTS or spec.traffic.routes)
        ),
    )


def touched(o: Objects) -> Iterator[tuple[Resource[Any], Key]]:
    """What our writes touch, by name: what was made a moment ago may not be in the caches yet."""
    ns, spec = o.rollout.namespace, o.rollout.spec
    yield ROLLOUTS, o.rollout.key
    if o.rollout.status.change:
        yield CHANGES, Key(ns, o.rollout.status.change)
    for resource, name in ((DEPLOYMENTS, spec.workload.name), (SERVICES, spec.traffic.service)):
        yield resource, Key(ns, name)
        yield resource, Key(ns, canary_name(name))
    for rs in o.view.replicasets if o.view else ():
        yield REPLICASETS, rs.key
    for revision in o.revisions:
        yield CONTROLLER_REVISIONS, revision.key
    if o.autoscaler is not None:
        yield AUTOSCALERS, o.autoscaler.key
    for r in o.routes:
        if r.route is not None:
            yield r.router.resource, r.route.key


def _ours(found: T | None, rollout: Rollout) -> tuple[T | None, T | None]:
    """What has a canary's name: as ours, or as somebody else's."""
    if found is None or is_canary_of(found, rollout.name):
        return found, None
    return None, found


def _sets(world: World, deployment: Deployment | None) -> tuple[ReplicaSet, ...]:
    if deployment is None:
        return ()
    return world.replicasets.store.by("owner", deployment.metadata.uid)


def _route(world: World, namespace: str, ref: RouteRef, mend: str) -> RouteObject:
    kind, name = ref.kind, ref.name
    router = world.plugins.routers.get(kind)
    if router is None:
        return RouteObject(kind, name, None, None, world.plugins.routers.problem(kind) or "")
    reflector = world.routes[kind]
    route = reflector.store.get(Key(namespace, name))
    if route is not None:
        return RouteObject(kind, name, router, route)
    malformed = reflector.store.malformed.get(Key(namespace, name))
    problem = f"{kind} {namespace}/{name} does not exist; {mend}"
    if malformed is not None:
        problem = f"{kind} {namespace}/{name} cannot be read: {malformed.problem}"
    elif reflector.problem:
        problem = f"{kind} {namespace}/{name} cannot be seen: {reflector.problem}"
    return RouteObject(kind, name, router, None, problem)


def _template(world: World, namespace: str, name: str) -> AnalysisTemplate | str:
    key = Key(namespace, name)
    found = world.templates.store.get(key)
    if found is not None:
        return found
    malformed = world.templates.store.malformed.get(key)
    if malformed is not None:
        return f"AnalysisTemplate {key} cannot be used: {malformed.problem}"
    return f"AnalysisTemplate {key} does not exist; create it, or mend spec.analysis"
