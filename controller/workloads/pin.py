"""Containment when the share follows the pods: the apex Service pinned to the stable pods.

Called by act and facts when a Rollout names no route. The selector is only ever patched member by
member: releasing a server-side-applied selector empties it, and then nothing serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.api import names
from controller.api.k8s import ReplicaSet, Service
from controller.api.patch import Ops, add, drop_annotations, expect, remove, set_annotations
from controller.workloads.selectors import selecting
from controller.workloads.view import hash_of


def pin(service: Service, stable_hash: str, mark: str) -> Ops:
    """Only stable pods serve, and the mark says for which Change and why; one patch.

    Without a hash (see `hash_to_pin`) only the mark; a pin that is there is never taken off.
    """
    marked = set_annotations(service, {names.ABORTED_ANNOTATION: mark})
    if not stable_hash or pinned(service) == stable_hash:
        return marked
    key = add(stable_hash, "spec", "selector", names.HASH_LABEL)
    return [expect(service.spec.selector, "spec", "selector"), key, *marked]


def unpin(service: Service, *, clear_aborted: bool = False) -> Ops:
    """The owner's selector again; the mark stays unless it is to be forgotten."""
    forgotten = drop_annotations(service, names.ABORTED_ANNOTATION) if clear_aborted else []
    if not pinned(service):
        return forgotten
    same = expect(service.spec.selector, "spec", "selector")
    return [same, remove("spec", "selector", names.HASH_LABEL), *forgotten]


def hash_to_pin(
    sets: Iterable[ReplicaSet], stable_hash: str, *, same_object: bool, canary_serves: bool
) -> str:
    """The hash of the pods that serve alone once the canary is contained; empty when there is none.

    A Service that is pinned to no ready pod serves nobody. So while others serve and stable does
    not, there is no pin: the canary goes by being removed. `sets` are those of the Deployment;
    where it is not the one that was adopted (`same_object`), stable went with that, and most of
    what is ready serves.
    """
    ready = {hash_of(rs): rs.status.available_replicas for rs in sets}
    ready = {one: pods for one, pods in ready.items() if pods}
    if not same_object:
        return max(ready, key=lambda one: (ready[one], one), default="")
    return "" if stable_hash not in ready and (ready or canary_serves) else stable_hash


def pinned(service: Service) -> str:
    """The hash that the Service is pinned to; empty when it is not."""
    return service.spec.selector.get(names.HASH_LABEL, "")


def aborted_for(service: Service) -> str:
    """Text of the containment mark; empty when there is none."""
    return service.metadata.annotations.get(names.ABORTED_ANNOTATION, "")


def unpinned_services(
    services: Iterable[Service], apex: str, pod_labels: Mapping[str, str]
) -> tuple[str, ...]:
    """Names of other Services that would send traffic to the canary's pods: no pin holds those."""
    return tuple(
        service.name for service in selecting(services, pod_labels) if service.name != apex
    )
