"""How a release ended, as everything that anybody could see in the shop, and how two ends differ.

Versions, names and times are replaced by what they stand for (`new`, `before`, `older`), so that
two releases of different versions have equal ends when they ended alike. Pure: it reads objects
that were fetched by `shopstate` and asks no server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import dropwhile

import msgspec

from controller.api import names
from controller.api.k8s import (
    ControllerRevision,
    Deployment,
    HTTPRoute,
    Pod,
    ReplicaSet,
    Service,
)
from controller.api.kinds import Change, Rollout
from controller.local import shop_objects
from controller.workloads import history, template

NAME = shop_objects.NAME
CANARY = f"{NAME}-canary"
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Objects:
    """What is in the shop's namespace at one time."""

    rollout: Rollout
    route: HTTPRoute
    changes: tuple[Change, ...]
    deployments: tuple[Deployment, ...]
    replicasets: tuple[ReplicaSet, ...]
    revisions: tuple[ControllerRevision, ...]
    services: tuple[Service, ...]
    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class End:
    """A state without the names and times of one release. Rows are sorted."""

    rollout: tuple[str, ...]
    """Phase, reason, hold, and which version it calls stable."""
    conditions: Rows
    changes: Rows
    """One row for each Change that proposes the new version: phase, outcome, reason."""
    deployments: Rows
    """Name, version, paused, and pods: wanted, updated, available."""
    replicasets: Rows
    """Version, role, size."""
    revisions: Rows
    """Version and role of the kept templates; those older than the version before are left out."""
    services: Rows
    """Name and selector."""
    route: tuple[str, ...]
    """Backends with their weights, and what the annotations of ours say."""
    pods: Rows
    """Version and number of the pods that are not on their way out."""


def read(o: Objects, new: str, before: str) -> End:
    """The end of the release of version `new` over version `before`."""

    def role(images: Iterable[str]) -> str:
        tags = {image.rpartition(":")[2] for image in images}
        return {(new,): "new", (before,): "before"}.get(tuple(sorted(tags)), "older")

    stable = {rs.metadata.labels.get(names.HASH_LABEL, ""): rs for rs in o.replicasets}.get(
        o.rollout.status.stable.hash
    )
    status = o.rollout.status
    return End(
        rollout=(
            status.phase, status.reason, status.hold,
            role(template.images(stable.spec.template)) if stable else "no ReplicaSet",
        ),
        conditions=_rows((c.type, c.status, c.reason) for c in status.conditions),
        changes=_rows(
            (c.status.phase, c.status.outcome, c.status.reason)
            for c in o.changes if role(c.spec.target.images) == "new"
        ),
        deployments=_rows(
            (
                d.name, role(template.images(d.spec.template)), "paused" if d.spec.paused else "",
                f"{d.spec.replicas}/{d.status.updated_replicas}/{d.status.available_replicas}",
            )
            for d in o.deployments
        ),
        replicasets=_rows(
            (role(template.images(rs.spec.template)), _role_label(rs), str(rs.spec.replicas))
            for rs in o.replicasets
        ),
        revisions=_rows(
            (version, _role_label(r))
            for r in o.revisions if history.is_ours(r)
            if (version := role(_kept_images(r))) != "older"
        ),
        services=_rows((s.name, *sorted(s.spec.selector)) for s in o.services),
        route=_route(o.route, mine_among(o.changes, new)),
        pods=_rows(
            (version, str(count))
            for version, count in Counter(
                role(c.image for c in p.spec.containers)
                for p in o.pods if p.metadata.deletion_timestamp is None
            ).items()
        ),
    )  # fmt: skip


def differences(reference: End, end: End) -> tuple[str, ...]:
    """One sentence for each field that is not as in the reference; none when they are equal."""
    return tuple(
        f"{field.name}: {getattr(end, field.name)!r} instead of {getattr(reference, field.name)!r}"
        for field in fields(End)
        if getattr(end, field.name) != getattr(reference, field.name)
    )


def mine_among(changes: Iterable[Change], version: str) -> frozenset[str]:
    """UIDs of the Changes that propose a version."""
    return frozenset(
        c.metadata.uid for c in changes if c.spec.target.images[0].endswith(f":{version}")
    )


def _kept_images(revision: ControllerRevision) -> list[str]:
    kept = msgspec.json.decode(revision.data)
    return [str(c["image"]) for c in kept["template"]["spec"]["containers"]]


def _role_label(item: ReplicaSet | ControllerRevision) -> str:
    return item.metadata.labels.get(names.ROLE_LABEL, "")


def _rows(rows: Iterable[Iterable[object]]) -> Rows:
    return tuple(sorted(tuple(str(cell) for cell in row) for row in rows))


def _route(route: HTTPRoute, mine: frozenset[str]) -> tuple[str, ...]:
    """The mark's UID becomes `this` or `another`."""
    backends = [f"{ref.name}={ref.weight}" for r in route.spec.rules for ref in r.backend_refs]
    annotations = route.metadata.annotations
    said = []
    if mark := annotations.get(names.ABORTED_ANNOTATION, "").split():
        said.append(" ".join(("marked for", "this" if mark[0] in mine else "another", *mark[1:])))
    if names.ROUTE_ORIGINAL_ANNOTATION in annotations:
        said.append("keeps weights")
    return (*backends, *said)


@dataclass(frozen=True)
class Seen:
    """One state of the route in a watch: the canary's share, and the mark of containment."""

    weight_pct: float
    mark: str


def seen(route: HTTPRoute) -> Seen:
    """What a watcher reads in a route."""
    refs = [ref for rule in route.spec.rules for ref in rule.backend_refs]
    total = sum(ref.weight for ref in refs)
    share = sum(ref.weight for ref in refs if ref.name == CANARY)
    mark = route.metadata.annotations.get(names.ABORTED_ANNOTATION, "")
    return Seen(100 * share / total if total else 0.0, mark)


def rises_after_mark(states: Iterable[Seen], old_mark: str) -> tuple[float, ...]:
    """Shares above 0 that came with a new mark of containment, or at any time after it.

    `old_mark` is the mark that an earlier release left: it binds nothing in this one.
    """
    after = dropwhile(lambda state: state.mark in ("", old_mark), states)
    return tuple(state.weight_pct for state in after if state.weight_pct > 0)
