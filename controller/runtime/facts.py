"""From Kubernetes objects to the facts that the core may see. Pure: objects in, `Observed` out.

What needs more than a line has a module of its own beside this one: `proposal_facts`,
`traffic_facts`, `pod_health`. The evidence is added by whoever has it (`evidence_facts`). Called by
the reconciler and by `once`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from controller.api import names
from controller.api.k8s import Deployment
from controller.api.kinds import Rollout, Signoff
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
from controller.core.phases import Phase
from controller.core.reasons import Reason
from controller.core.run import running, stable_of
from controller.runtime.objects import Objects
from controller.runtime.pod_health import crashing, stuck
from controller.runtime.proposal_facts import proposal, proposal_name, run_deployment
from controller.runtime.service_facts import service_blocks
from controller.runtime.traffic_facts import route_views, traffic, traffic_blocks
from controller.workloads import floor, history, template
from controller.workloads.arms import Arm, by_pods, routed, settled, split_label
from controller.workloads.canary import intact, proposal_digest, service_intact
from controller.workloads.network import pod_selectors, selects_old_value
from controller.workloads.view import hash_of


def last_hold_mode(rollout: Rollout) -> HoldMode | None:
    """As the operator last wrote it down; None before it first has."""
    known = {mode.value: mode for mode in HoldMode}
    return known.get(rollout.status.hold)


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
    known = Observed(rollout=objects.rollout, workload=workload, change=change)
    stable, in_hand = stable_of(known), running(known)
    kept = {history.kept_digest(r) for r in objects.revisions}
    arm = arm_of(objects)
    known_arm = arm if isinstance(arm, Arm) else None
    views = route_views(objects)
    return Observed(
        rollout=objects.rollout,
        workload=workload,
        change=change,
        proposal=proposal(objects, stable.digest),
        proposal_name=proposal_name(objects),
        canary=_canary(objects, known_arm),
        traffic=traffic(objects, views),
        blocks=(
            *traffic_blocks(objects, views, arm),
            *service_blocks(objects, known_arm),
            *_strategy_blocks(objects),
            *blocks,
        ),
        commands=tuple(_command(s) for s in objects.signoffs),
        floor=_floor(objects),
        revision_kept=stable.digest in kept,
        target_kept=change is not None and change.spec.target.digest in kept,
        spare_revisions=history.spare(
            objects.revisions, stable.digest, in_hand.spec.target.digest if in_hand else ""
        ),
        hold_mode=hold_mode,
        namespace_ending=objects.namespace_ending,
        acting_since=acting_since,
        notes=_notes(objects, known_arm),
    )


def _strategy_blocks(o: Objects) -> Iterator[Block]:
    """Absorbed in place, a Deployment that is recreated would serve with nothing for a while."""
    promotion, d = o.rollout.spec.promotion, o.deployment
    behind_canary = o.routed and promotion.mode == "ShiftThenAbsorb"
    if d is not None and d.spec.strategy.get("type") == "Recreate" and not behind_canary:
        text = (
            f"Deployment {d.namespace}/{d.name}: spec.strategy.type: got Recreate, which stops all"
            " pods before the new ones are ready; use RollingUpdate, or a route with"
            " promotion.mode ShiftThenAbsorb"
        )
        yield Block(Reason.INVALID, text)


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
        surge=v.surge,
        unavailable=v.unavailable,
    )


def arm_of(o: Objects) -> Arm | Block:
    """What sets this run's canary apart, or why nothing can."""
    change = o.change.metadata.uid if o.change else ""
    if not o.routed:
        return by_pods(o.rollout.name, change)
    deployment = run_deployment(o)
    if deployment is None:
        return Block(Reason.WORKLOAD_MISSING, "no Deployment")
    if o.change is not None and o.change.status.phase != Phase.FINISHED:
        labels = o.change.spec.plan.canary_labels
        if labels:
            return settled(o.rollout.name, change, labels)
    split = split_label(deployment, o.services, o.rollout.spec.canary.labels)
    if not isinstance(split, tuple):
        return Block(Reason.UNPINNED_SERVICE, str(split))
    return routed(o.rollout.name, change, split, o.rollout.spec.canary.labels)


def _canary(o: Objects, arm: Arm | None) -> Canary | None:
    """The canary Deployment, or what is left of its pods."""
    # A pod that is ending gets no traffic any more; one that hangs must not hold the way back.
    pods = tuple(p for p in o.canary_pods if p.metadata.deletion_timestamp is None)
    d = o.canary
    if d is None:
        if not pods and o.canary_service is None:
            return None
        return Canary("", "", 0, 0, pods=len(pods), intact=False)
    released = run_deployment(o)
    fits = (
        arm is not None
        and released is not None
        and intact(d, released, arm, released.spec.template)
        and (not o.routed or _service_fits(o, released, arm))
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


def _service_fits(o: Objects, released: Deployment, arm: Arm) -> bool:
    """Traffic that a route gives the canary reaches it. Without the apex there is nothing that the
    canary's Service could be compared with; a Block says so."""
    made, apex, new = o.canary_service, o.service, released.spec.template
    return made is not None and (apex is None or service_intact(made, apex, arm, new))


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
