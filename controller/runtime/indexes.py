"""By what the caches find objects again: from one object to the values that it is asked for by.

Pure. Used by `world`, as indexes and to tell which Rollouts a change concerns.
"""

from __future__ import annotations

from controller.api import names
from controller.api.k8s import ControllerRevision, HorizontalPodAutoscaler, Pod
from controller.api.kinds import Change, Rollout, Signoff
from controller.api.meta import Object

Named = tuple[tuple[str, str], ...]
"""Namespace and name of each object that is meant."""


def namespace_of(item: Object) -> tuple[str, ...]:
    """Its namespace."""
    return (item.namespace,)


def workload_of_rollout(r: Rollout) -> Named:
    """The Deployment that it releases."""
    return ((r.namespace, r.spec.workload.name),)


def templates_of_rollout(r: Rollout) -> Named:
    """The AnalysisTemplates that it names."""
    return tuple((r.namespace, a.template) for a in r.spec.analysis)


def rollout_of_change(c: Change) -> Named:
    """The Rollout whose Change it is."""
    return ((c.namespace, c.spec.rollout),)


def rollout_of_signoff(s: Signoff) -> Named:
    """The Rollout that it speaks of."""
    return ((s.namespace, s.spec.rollout),)


def labelled_rollout(item: ControllerRevision) -> Named:
    """The Rollout that made it."""
    return ((item.namespace, item.metadata.labels.get(names.ROLLOUT_LABEL, "")),)


def target_of_autoscaler(a: HorizontalPodAutoscaler) -> Named:
    """The Deployment that it scales; none when it scales something else."""
    target = a.spec.scale_target_ref
    return ((a.namespace, target.name),) if target.kind == "Deployment" else ()


def workload_of_pod(pod: Pod) -> Named:
    """Namespace and name of the Deployment whose ReplicaSet made the pod."""
    return tuple(
        (pod.namespace, owner.name.rsplit("-", 1)[0])
        for owner in pod.metadata.owner_references
        if owner.controller and owner.kind == "ReplicaSet"
    )
