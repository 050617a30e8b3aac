"""What the Deployment's template proposes, and which template the run in hand releases. Pure.

A Change freezes what is said here: both versions, their difference, the plan, and the author's own
words. Called by `facts`, and by `acts.canary`, which makes the canary of what a run releases.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from controller.api.change import Change, ChangeSpec, Plan, Version
from controller.api.k8s import Deployment
from controller.core.ladder import ladder
from controller.runtime.objects import Objects
from controller.workloads import docs, history, template
from controller.workloads.arms import split_label
from controller.workloads.diff import diff
from controller.workloads.view import hash_of


def run_deployment(o: Objects) -> Deployment | None:
    """The Deployment with the template of the run in hand, also while a newer edit waits in it."""
    d = o.deployment
    if d is None or o.change is None or o.view is None:
        return d
    target = o.change.spec.target.digest
    if o.view.template_digest == target:
        return d  # nearly always; reading the revisions costs a decoding of each
    kept = history.of_digest(o.revisions, target)
    if kept is None:
        return d
    return replace(d, spec=replace(d.spec, template=history.kept_template(kept)))


def proposal(o: Objects, stable_digest: str) -> ChangeSpec | None:
    """What a Change of the Deployment's present template says."""
    if o.deployment is None or o.view is None or not stable_digest:
        return None
    if o.view.template_digest == stable_digest:
        return None
    stable, said = _stable_template(o, stable_digest), docs.read(o.deployment)
    new, spec = o.deployment.spec.template, o.rollout.spec
    found = [t for t in o.templates if not isinstance(t, str)]
    serving = o.view.by_digest(stable_digest)
    return ChangeSpec(
        rollout=o.rollout.name,
        workload_uid=o.deployment.metadata.uid,
        source=Version(
            digest=stable_digest,
            hash=hash_of(serving) if serving else "",
            images=template.images(stable) if stable is not None else (),
        ),
        target=Version(digest=o.view.template_digest, images=template.images(new)),
        plan=Plan(
            steps=ladder(spec),
            promotion=spec.promotion,
            limits=spec.limits,
            analysis=tuple(t.spec for t in found),
            traffic=spec.traffic,
            canary_labels=_canary_labels(o, o.deployment),
        ),
        restart=stable is not None and template.only_restart_differs(stable, new),
        attempt=len(_attempts(o)) + 1,
        origin=said.origin,
        what=said.what,
        why=said.why,
        rollback=said.rollback,
        commits=said.commits,
        principal=said.principal,
        incident=said.incident,
        diff=diff(stable, new) if stable is not None else (),
    )


def _canary_labels(o: Objects, d: Deployment) -> dict[str, str]:
    """None by pods, and none while nothing can set the canary apart: a Block says so."""
    overrides = o.rollout.spec.canary.labels
    split = split_label(d, o.services, overrides) if o.routed else None
    return {**overrides, **dict([split])} if isinstance(split, tuple) else {}


def proposal_name(o: Objects) -> str:
    """`<rollout>-<digest8>`, numbered from the second attempt on.

    A Change that was named but whose creation a crash swallowed keeps its name.
    """
    if o.view is None:
        return ""
    base = f"{o.rollout.name[:230]}-{o.view.template_digest[:8]}"
    taken = {c.name for c in o.changes}
    number = len(_attempts(o)) + 1
    name = base if number == 1 else f"{base}-{number}"
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _stable_template(o: Objects, digest: str) -> msgspec.Raw | None:
    """From the ReplicaSet that serves, or from the revision when that is lost."""
    serving = o.view.by_digest(digest) if o.view else None
    if serving is not None:
        return serving.spec.template
    kept = history.of_digest(o.revisions, digest)
    return history.kept_template(kept) if kept else None


def _attempts(o: Objects) -> tuple[Change, ...]:
    """Earlier Changes to the very template that is proposed now."""
    digest = o.view.template_digest if o.view else ""
    return tuple(c for c in o.changes if c.spec.target.digest == digest)
