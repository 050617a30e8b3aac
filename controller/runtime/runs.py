"""The run in hand as the sampler is to read it: both arms, the step, the share, since when."""

from __future__ import annotations

from collections.abc import Iterable

from controller.api.change import Change
from controller.api.k8s import Pod
from controller.api.meta import Key
from controller.core.observed import Observed
from controller.core.phases import CARRYING, Phase
from controller.core.run import phase, running, stable_of
from controller.metrics.plans import Plan, Problems
from controller.runtime.evidence import NO_SHARE
from controller.runtime.judgement import Judgement
from controller.runtime.objects import Objects
from controller.runtime.sampler import Arm, Run
from controller.runtime.sampler import Pod as SampledPod
from controller.workloads.arms import canary_name
from controller.workloads.view import hash_of


def current_run(
    o: Observed, objects: Objects, judgement: Judgement, stable_pods: Iterable[Pod]
) -> Run | Problems | None:
    """What is to be sampled; None when no canary may carry traffic."""
    change = running(o)
    if change is None or phase(o) not in CARRYING:
        return None
    plan = judgement.plan(objects, change)
    if isinstance(plan, Problems):
        return plan
    apex = objects.rollout.spec.traffic.service
    canary_hash = next((hash_of(s) for s in objects.canary_sets if s.spec.replicas), "")
    return Run(
        key=Key(objects.rollout.namespace, objects.rollout.name),
        change_uid=change.metadata.uid,
        workload=objects.rollout.spec.workload.name,
        plan=plan,
        canary=Arm(
            hash=canary_hash,
            service=canary_name(apex) if objects.routed else apex,
            pods=_pods(objects.canary_pods),
        ),
        stable=Arm(hash=stable_of(o).hash, service=apex, pods=_pods(stable_pods)),
        step=_step(o, change, plan),
        share=_share(o),
        in_force_since=change.status.in_force_since,
        evidence=change.status.evidence,
        window_end=change.status.window_end,
    )


def _step(o: Observed, change: Change, plan: Plan) -> int:
    """Index into the plan's shares; the watch is the one after the ladder."""
    ladder = len(change.spec.plan.steps)
    watch = phase(o) in {Phase.SHIFTING, Phase.WATCHING}
    return min(ladder if watch else change.status.step, len(plan.release.shares) - 1)


def _share(o: Observed) -> float:
    return min(max((o.traffic.weight or 0.0) / 100, NO_SHARE), 1 - NO_SHARE)


def _pods(pods: Iterable[Pod]) -> tuple[SampledPod, ...]:
    """Pods with an address that is theirs, by name: one that was evicted keeps an address in its
    status that may be somebody else's by now."""
    found = [
        SampledPod(name=p.name, ip=p.status.pod_ip, started_at=p.status.start_time)
        for p in pods
        if p.status.pod_ip
        and p.metadata.deletion_timestamp is None
        and p.status.phase not in {"Failed", "Succeeded"}
    ]
    return tuple(sorted(found, key=lambda p: p.name))
