"""From Kubernetes objects to the facts that the core may see. Pure: objects in, `Observed` out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from analysis.verdict import Reason as Unfit
from controller.api import names
from controller.api.change import ChangeSpec, Plan, Version
from controller.api.k8s import Deployment, Pod
from controller.api.kinds import Signoff
from controller.api.meta import Object
from controller.core.ladder import ladder
from controller.core.observed import (
    Block,
    Canary,
    Command,
    Evidence,
    Floor,
    HoldMode,
    Observed,
    ReplicaSetFact,
    Verdict,
    Workload,
)
from controller.core.reasons import Reason
from controller.core.run import stable_of
from controller.runtime.objects import Objects
from controller.runtime.traffic_facts import route_views, traffic, traffic_blocks
from controller.workloads import docs, floor, history, template
from controller.workloads.arms import Arm, by_pods, is_canary, routed, split_label
from controller.workloads.canary import intact, proposal_digest
from controller.workloads.diff import diff
from controller.workloads.network import pod_selectors, selects_old_value
from controller.workloads.view import hash_of

CRASHES = 3
"""Restarts of one container that count as crash-looping before the kubelet says so."""


UNFIT = frozenset({Unfit.HARM_SUSPECTED, Unfit.HELD, Unfit.NO_DATA, Unfit.DATA_MISSING})
"""Reasons of the analysis for which the data allow no promotion, at a step or in the watch."""


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


def run_template(o: Objects, deployment: Deployment) -> msgspec.Raw:
    """What the run in hand releases: the Deployment's, or the kept one while a newer edit waits."""
    own = deployment.spec.template
    if o.change is None or o.view is None or o.view.template_digest == o.change.spec.target.digest:
        return own
    kept = history.of_digest(o.revisions, o.change.spec.target.digest)
    return history.kept_template(kept) if kept else own


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
    if o.deployment is None:
        return Block(Reason.WORKLOAD_MISSING, "no Deployment")
    split = split_label(o.deployment, o.services, o.rollout.spec.canary.labels)
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
    fits = (
        arm is not None
        and o.deployment is not None
        and intact(d, o.deployment, arm, run_template(o, o.deployment))
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


def crashing(pods: Sequence[Pod]) -> str:
    """A container that crashes again and again, with what the kubelet says about it."""
    for pod in pods:
        for c in pod.status.container_statuses:
            waiting: dict[str, Any] = c.state.get("waiting") or {}
            ended: dict[str, Any] = c.last_state.get("terminated") or {}
            if waiting.get("reason") == "CrashLoopBackOff" or c.restart_count >= CRASHES:
                code = ended.get("exitCode", "?")
                return f"container {c.name} of {pod.name}, {c.restart_count} restarts, exit {code}"
    return ""


def stuck(pods: Sequence[Pod]) -> str:
    """Why a container does not start, in the kubelet's own words; empty while it is only slow."""
    for pod in pods:
        for c in pod.status.container_statuses:
            waiting: dict[str, Any] = c.state.get("waiting") or {}
            said = str(waiting.get("message", ""))
            if said and waiting.get("reason") != "CrashLoopBackOff":
                return f"{waiting.get('reason')} of container {c.name}: {said:.300}"
    return ""


def _notes(o: Objects, arm: Arm | None) -> tuple[str, ...]:
    if arm is None or o.deployment is None or arm.split is None:
        return ()
    stable = template.labels_of(o.deployment.spec.template)
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


def to_evidence(view: Any, state: str) -> Evidence | None:
    """The sampler's newest view as the core sees it; `state` is its JSON text."""
    if view is None:
        return None
    silent = "; ".join(f"{n.metric}: {n.reason}" for n in view.no_data)
    a = view.assessment
    if a is None:
        return Evidence(
            Verdict.HOLD, "no tick has been read yet", no_data=silent,
            no_data_since=view.no_data_since, state=state, window_end=view.window_end,
        )  # fmt: skip
    return Evidence(
        verdict=Verdict(a.verdict),
        explain=a.explain,
        headline=view.column,
        no_data=silent,
        no_data_since=view.no_data_since,
        doubt=a.explain if a.reason in UNFIT else "",
        state=state,
        window_end=view.window_end,
        reports=view.reports,
        log_harm=a.log_e,
        log_threshold=a.log_rollback,
        orders_lost=a.orders_lost,
    )
