"""Templates kept in ControllerRevisions, and a ReplicaSet made again from one.

Each stable template is kept; the template of a run in hand (its target) as well where a newer edit
may replace the Deployment's text before the run has ended (`limits.supersede: Queue`).
Called by facts (what is kept) and act (bodies). A revision belongs to the
Deployment by a plain owner reference: not controlling and not blocking, so that deleting it, or the
Rollout, or the operator, touches nothing that serves, and none outlives the workload that it
describes. The Rollout's finalizer deletes them by label when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from controller.api import names
from controller.api.k8s import ControllerRevision, Deployment, ReplicaSet
from controller.workloads.template import content, digest, labels_of, with_labels
from controller.workloads.view import hash_of

KEEP: Final = 10
"""Revisions kept for each workload: as many as a Deployment keeps ReplicaSets by default."""
_NATIVE_REVISION: Final = "deployment.kubernetes.io/revision"


class _Kept(msgspec.Struct, frozen=True):
    """The `data` of a revision of ours."""

    hash: str
    replicaset: str
    digest: str
    template: msgspec.Raw
    native: str = ""


def revision_name(deployment: str, template_digest: str) -> str:
    """Same template, same name: keeping it twice is one object."""
    return f"{deployment[:240]}-{template_digest[:8]}"


def target_body(deployment: Deployment, rollout: str, number: int) -> dict[str, Any]:
    """The ControllerRevision that keeps the Deployment's own template, which no ReplicaSet runs.

    Its hash is ours: the Deployment controller knows a ReplicaSet by its template, not by its name.
    """
    template_digest = digest(deployment.spec.template)
    template_hash = template_digest[:10]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{deployment.name[:230]}-target-{template_digest[:8]}",
            "namespace": deployment.namespace,
            "labels": {names.ROLLOUT_LABEL: rollout, names.ROLE_LABEL: names.ROLE_TARGET},
            "ownerReferences": [_owner(deployment, controller=False)],
        },
        "revision": number,
        "data": {
            "hash": template_hash,
            "replicaset": f"{deployment.name}-{template_hash}",
            "digest": template_digest,
            "template": content(deployment.spec.template),
        },
    }


def is_target(revision: ControllerRevision) -> bool:
    """Whether it keeps the template of a run rather than one that was stable."""
    return revision.metadata.labels.get(names.ROLE_LABEL) == names.ROLE_TARGET


def of_digest(
    revisions: Iterable[ControllerRevision], template_digest: str
) -> ControllerRevision | None:
    """The revision that keeps this template; one that was stable before one of a run."""
    found = [r for r in revisions if kept_digest(r) == template_digest]
    return min(found, key=is_target, default=None)


def next_number(revisions: Iterable[ControllerRevision]) -> int:
    """One above all that are kept."""
    return max((revision.revision for revision in revisions), default=0) + 1


def revision_body(
    deployment: Deployment, stable: ReplicaSet, rollout: str, number: int
) -> dict[str, Any]:
    """The ControllerRevision that keeps the template of a ReplicaSet that became stable."""
    template_digest = digest(stable.spec.template)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": revision_name(deployment.name, template_digest),
            "namespace": deployment.namespace,
            "labels": {names.ROLLOUT_LABEL: rollout, names.ROLE_LABEL: names.ROLE_STABLE},
            "ownerReferences": [_owner(deployment, controller=False)],
        },
        "revision": number,
        "data": {
            "hash": hash_of(stable),
            "replicaset": stable.name,
            "digest": template_digest,
            "template": content(stable.spec.template),
            "native": stable.metadata.annotations.get(_NATIVE_REVISION, ""),
        },
    }


def kept_digest(revision: ControllerRevision) -> str:
    """The digest of the kept template."""
    return _kept(revision).digest


def kept_template(revision: ControllerRevision) -> msgspec.Raw:
    """The kept template, without the hash label."""
    return _kept(revision).template.copy()


def is_ours(revision: ControllerRevision) -> bool:
    """Whether it is one of these: DaemonSets and StatefulSets keep ControllerRevisions too."""
    if names.ROLLOUT_LABEL not in revision.metadata.labels:
        return False
    try:
        return bool(_kept(revision).hash)
    except msgspec.DecodeError:
        return False


def recreate_replicaset(
    deployment: Deployment, revision: ControllerRevision, replicas: int | None = None
) -> dict[str, Any]:
    """The ReplicaSet of a kept template, as the Deployment controller would make it.

    It adopts it as its own. With the hash that its pods had, so that a Service that is pinned to it
    still finds them. `replicas` defaults to what the Deployment wants now.
    """
    kept = _kept(revision)
    hashed = {names.HASH_LABEL: kept.hash}
    marks = {names.ROLLOUT_LABEL: revision.metadata.labels.get(names.ROLLOUT_LABEL, "")}
    if not is_target(revision):
        marks[names.ROLE_LABEL] = names.ROLE_STABLE
    annotations = {_NATIVE_REVISION: kept.native} if kept.native else {}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": kept.replicaset or f"{deployment.name}-{kept.hash}",
            "namespace": deployment.namespace,
            "labels": {**labels_of(kept.template), **hashed, **marks},
            "annotations": annotations,
            "ownerReferences": [_owner(deployment, controller=True)],
        },
        "spec": {
            "replicas": deployment.spec.replicas if replicas is None else replicas,
            "minReadySeconds": deployment.spec.min_ready_seconds,
            "selector": _hashed_selector(deployment, kept.hash),
            "template": with_labels(kept.template, hashed),
        },
    }


def stable_digests(revisions: Iterable[ControllerRevision]) -> frozenset[str]:
    """Digests of the templates that are kept because they were stable."""
    return frozenset(kept_digest(r) for r in revisions if not is_target(r))


def spare(
    revisions: Iterable[ControllerRevision], stable: str, target: str, keep: int = KEEP
) -> tuple[str, ...]:
    """Names of those that nothing needs: the oldest beyond `keep`, and targets of other runs.

    stable: digest that serves. target: digest of the run in hand; empty when there is none.
    """
    newest_first = sorted(revisions, key=lambda r: r.revision, reverse=True)
    in_use = (stable, target)
    once_stable = [r for r in newest_first if not is_target(r) and kept_digest(r) not in in_use]
    needed = {target, stable} - stable_digests(newest_first)
    targets = [r for r in newest_first if is_target(r) and kept_digest(r) not in needed]
    return tuple(r.name for r in (*once_stable[keep - 1 :], *targets))


def _kept(revision: ControllerRevision) -> _Kept:
    return msgspec.json.decode(revision.data, type=_Kept)


def _owner(deployment: Deployment, *, controller: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment.name,
        "uid": deployment.metadata.uid,
    }
    governing = {"controller": True, "blockOwnerDeletion": True} if controller else {}
    return {**reference, **governing}


def _hashed_selector(deployment: Deployment, template_hash: str) -> dict[str, Any]:
    selector = deployment.spec.selector
    hashed = {**selector.match_labels, names.HASH_LABEL: template_hash}
    expressions = [dict(expression) for expression in selector.match_expressions]
    return {"matchLabels": hashed} | ({"matchExpressions": expressions} if expressions else {})
