"""JSON patches that take a Deployment in, hold it, let it roll, and let it go.

Called by act, on the newest object. Each patch carries a `test` of what must still be true when it
arrives, never a resourceVersion: status and scale writes would starve it. No operation at all means
that the Deployment is as it should be.
"""

from __future__ import annotations

from typing import Final

import msgspec

from controller.api import names
from controller.api.k8s import Deployment, ReplicaSet
from controller.api.patch import (
    Ops,
    PatchOp,
    add,
    drop_annotations,
    drop_labels,
    expect,
    expect_label,
    set_annotations,
    set_labels,
)
from controller.workloads.template import content, digest

LEFT_PAUSED: Final = (
    "the Rollout is gone and this template had not been released; it runs when you unpause it: "
    "kubectl -n {namespace} rollout resume deployment/{name}"
)


def adopt(deployment: Deployment, active: ReplicaSet, rollout: str) -> Ops:
    """Label it, if its template still is that of its only active ReplicaSet."""
    return _take_in(deployment, expect(content(active.spec.template), "spec", "template"), rollout)


def adopt_paused(deployment: Deployment, rollout: str) -> Ops:
    """Label one that its owner paused with another template: that template is a first proposal."""
    return _take_in(deployment, expect(True, "spec", "paused"), rollout)


def _take_in(deployment: Deployment, guard: PatchOp, rollout: str) -> Ops:
    labelled = relabel(deployment, rollout)
    if not labelled:
        return []
    # Of two Rollouts that name one Deployment only the first may get it, however close they are.
    unclaimed = expect_label(deployment, names.ROLLOUT_LABEL)
    forgotten = drop_annotations(deployment, names.LEFT_PAUSED_ANNOTATION)
    return [guard, unclaimed, *labelled, *forgotten]


def relabel(deployment: Deployment, rollout: str) -> Ops:
    """Our label with this Rollout's name, whoever stripped or changed it."""
    return set_labels(deployment, {names.ROLLOUT_LABEL: rollout})


def label_stable(replicaset: ReplicaSet, rollout: str) -> Ops:
    """Mark the ReplicaSet that serves, so that the lock guards it."""
    wanted = {names.ROLLOUT_LABEL: rollout, names.ROLE_LABEL: names.ROLE_STABLE}
    return set_labels(replicaset, wanted)


def unlabel(replicaset: ReplicaSet) -> Ops:
    """Take our labels off a ReplicaSet that is not stable any more, or that we leave."""
    return drop_labels(replicaset, names.ROLLOUT_LABEL, names.ROLE_LABEL)


def pause(deployment: Deployment) -> Ops:
    """Pause it. Needs no test: pausing is right whatever the template has become."""
    return [] if deployment.spec.paused else [add(True, "spec", "paused")]


def unpause(deployment: Deployment, approved: msgspec.Raw) -> Ops:
    """Let it roll to the approved template; refused by the server when the template is another."""
    if not deployment.spec.paused:
        return []
    return [expect(content(approved), "spec", "template"), add(False, "spec", "paused")]


def leave(deployment: Deployment, stable_digest: str, reason: str = LEFT_PAUSED) -> Ops:
    """Take our label off; what is not stable stays paused, and says why.

    The template is tested, so that an edit in the same moment is never released by our leaving.
    `reason` may name `{namespace}` and `{name}`.
    """
    unlabelled = drop_labels(deployment, names.ROLLOUT_LABEL)
    if not unlabelled:
        return []
    same = expect(content(deployment.spec.template), "spec", "template")
    if digest(deployment.spec.template) == stable_digest:
        resumed = [add(False, "spec", "paused")] if deployment.spec.paused else []
        said = drop_annotations(deployment, names.LEFT_PAUSED_ANNOTATION)
        return [same, *resumed, *unlabelled, *said]
    why = reason.format(namespace=deployment.namespace, name=deployment.name)
    said = set_annotations(deployment, {names.LEFT_PAUSED_ANNOTATION: why})
    return [same, *pause(deployment), *unlabelled, *said]
