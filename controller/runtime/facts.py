"""From Kubernetes objects to the facts that the core may see. Pure: objects in, `Observed` out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from controller.api import names
from controller.api.change import ChangeSpec, Plan, Version
from controller.api.k8s import Deployment
from controller.api.kinds import Signoff
from controller.api.meta import Object
from controller.core.ladder import ladder
from controller.core.observed import (
    Block,
    Canary,
    Command,
    Floor,
    HoldMode,
    Observed,
    ReplicaSetFact,
    Workload,
)
from controller.core.reasons import Reason
from controller.core.run import stable_of
from controller.runtime.objects import Objects
from controller.runtime.pod_health import crashing, stuck
from controller.runtime.traffic_facts import route_views, traffic, traffic_blocks
from controller.workloads import docs, floor, history, template
from controller.workloads.arms import Arm, by_pods, is_canary, routed, split_label
from controller.workloads.canary import intact, proposal_digest
from controller.workloads.diff import diff
from controller.workloads.network import pod_selectors, selects_old_value
from controller.workloads.view import hash_of


def observe(
    objects: Objects,
    *,
    blocks: Sequence[Block],
    hold_mode: HoldMode,
    acting_since: datetime | None = None,
) -> Observed:
    """All facts about one Rollout but the evidence; `blocks` are those that plug-ins found."""
    workload = _workload(objects)
    change = objects.change
    stable = stable_of(Observed(rollout=objects.rollout, workload=workload, change=objects.change))
    kept = {history.kept_digest(r) for r in objects.revisions}
    arm = arm_of(objects)
    views = route_views(objects)
    return Observed(
        rollout=objects.rollout,
        workload=workload,
        change=objects.change,
        proposal=_proposal(objects, stable.digest),
        proposal_name=_proposal_name(objects),
        canary=_canary(objects, arm if isinstance(arm, Arm) else None),
        traffic=traffic(objects, views),
        blocks=(*traffic_blocks(objects, views, arm), *blocks),
        commands=tuple(_command(s) for s in objects.signoffs),
        floor=_floor(objects),
        revision_kept=stable.digest in kept,
        target_kept=change is not None and change.spec.target.digest in kept,
        hold_mode=hold_mode,
        namespace_ending=objects.namespace_ending,
        acting_since=acting_since,
        notes=_notes(objects, arm if isinstance(arm, Arm) else None),
    )


def _workload(o: Objects) -> Workload | None:
    v, d = o.view, o.deployment
    if v is None or d is None:
        return None
    label = d.metadata.labels.get(names.ROLLOUT_LABEL, "")
    sets = tuple(
        ReplicaSetFact(
            name=rs.name,
            hash=hash_of(rs),
            digest=digest,
            wanted=rs.spec.replicas,
            available=rs.status.available_replicas,
            marked_stable=rs.metadata.labels.get(names.ROLE_LABEL) == names.ROLE_STABLE,
        )
        for rs, digest in zip(v.replicasets, v.digests, strict=True)
    )
    return Workload(
        uid=d.metadata.uid,
        digest=v.template_digest,
        adopted=label == o.rollout.name,
        paused=v.paused,
        replicas=v.wanted,
        rolling=v.rolling,
        complete=v.complete,
        sets=sets,
        taken_by=label if label and label != o.rollout.name else "",
    )


def _stable_template(o: Objects, digest: str) -> msgspec.Raw | None:
    """From the ReplicaSet that serves, or from the revision when that is lost."""
    serving = o.view.by_digest(digest) if o.view else None
    if serving is not None:
        return serving.spec.template
    kept = history.of_digest(o.revisions, digest)
    return history.kept_template(kept) if kept else None


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


def _proposal(o: Objects, stable_digest: str) -> ChangeSpec | None:
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


def _attempts(o: Objects) -> tuple[Object, ...]:
    """Earlier Changes to the very template that is proposed now."""
    digest = o.view.template_digest if o.view else ""
    return tuple(c for c in o.changes if c.spec.target.digest == digest)


def _proposal_name(o: Objects) -> str:
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


def arm_of(o: Objects) -> Arm | Block:
    """What sets this run's canary apart, or why nothing can."""
    change = o.change.metadata.uid if o.change else ""
    if not o.routed:
        return by_pods(o.rollout.name, change)
    deployment = run_deployment(o)
    if deployment is None:
        return Block(Reason.WORKLOAD_MISSING, "no Deployment")
    split = split_label(deployment, o.services, o.rollout.spec.canary.labels)
    if not isinstance(split, tuple):
        return Block(Reason.UNPINNED_SERVICE, str(split))
    return routed(o.rollout.name, change, split, o.rollout.spec.canary.labels)


def _canary(o: Objects, arm: Arm | None) -> Canary | None:
    """The canary Deployment, or what is left of its pods."""
    pods = tuple(p for p in o.canary_pods if p.metadata.deletion_timestamp is None)
    d = o.canary
    if d is None:
        served = o.canary_service is not None and is_canary(o.canary_service)
        # A pod that is ending gets no traffic any more; one that hangs must not hold the way back.
        if not pods and not served:
            return None
        return Canary("", "", 0, 0, pods=len(pods), intact=False)
    released = run_deployment(o)
    fits = (
        arm is not None
        and released is not None
        and intact(d, released, arm, released.spec.template)
        and (not o.routed or o.canary_service is not None)
    )
    return Canary(
        change_uid=d.metadata.labels.get(names.CHANGE_LABEL, ""),
        digest=proposal_digest(d),
        wanted=d.spec.replicas,
        available=d.status.available_replicas,
        pods=len(pods),
        crashing=crashing(pods),
        stuck=stuck(pods),
        intact=fits,
    )


def _notes(o: Objects, arm: Arm | None) -> tuple[str, ...]:
    released = run_deployment(o)
    if arm is None or released is None or arm.split is None:
        return ()
    stable = template.labels_of(released.spec.template)
    return tuple(
        f"{title} selects stable but not the canary; it is copied for the run"
        for title in selects_old_value(pod_selectors(o.policies), stable, arm.over(stable))
    )


def _command(s: Signoff) -> Command:
    created = s.metadata.creation_timestamp
    assert created is not None
    return Command(
        uid=s.metadata.uid,
        name=s.name,
        decision=s.spec.decision,
        by=s.spec.by,
        reason=s.spec.reason,
        change=s.spec.change,
        created_at=created,
        answered=bool(s.status.state),
    )


def _floor(o: Objects) -> Floor | None:
    a = o.autoscaler
    if a is None or a.metadata.deletion_timestamp is not None:
        return None
    return Floor(
        autoscaler=a.name,
        min_replicas=a.spec.min_replicas,
        max_replicas=a.spec.max_replicas,
        original=floor.original(a),
    )
