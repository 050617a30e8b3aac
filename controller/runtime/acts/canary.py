"""The canary's objects: made by server-side apply, found by label, removed by name."""

from __future__ import annotations

from controller.api import names
from controller.api.quantities import parse_duration
from controller.api.resources import DEPLOYMENTS, NETWORK_POLICIES, SERVICES
from controller.core.observed import Block
from controller.runtime.acts.writer import Writer
from controller.runtime.facts import arm_of
from controller.runtime.objects import Objects
from controller.runtime.proposal_facts import run_deployment
from controller.runtime.strangers import strangers
from controller.workloads.arms import is_canary_of
from controller.workloads.canary import canary_deployment, canary_service
from controller.workloads.network import canary_network_policies
from controller.workloads.template import digest


async def apply_canary(w: Writer, o: Objects, replicas: int) -> None:
    """Service and policies first, so that the first pod already has them."""
    arm = arm_of(o)
    released = run_deployment(o)
    if isinstance(arm, Block) or released is None or o.service is None or o.change is None:
        return
    if digest(released.spec.template) != o.change.spec.target.digest:
        return  # a newer edit stands there, and the run's own template was not kept
    if o.rival or strangers(o, arm):
        return  # a Block says so; applying would take somebody's object over
    ns, template = o.rollout.namespace, released.spec.template
    if o.routed:
        await w.apply(SERVICES, ns, canary_service(o.service, arm))
        for body in canary_network_policies(o.policies, released, arm):
            await w.apply(NETWORK_POLICIES, ns, body)
    deadline = parse_duration(o.change.spec.plan.limits.progress_deadline)
    # The API server wants progressDeadlineSeconds above minReadySeconds; our own deadline counts.
    least = released.spec.min_ready_seconds + 1
    seconds = max(least, round(deadline.total_seconds()))
    body = canary_deployment(released, arm, template, replicas, seconds)
    await w.apply(DEPLOYMENTS, ns, body)


async def remove_canary(w: Writer, o: Objects) -> None:
    """Everything that apply_canary made."""
    if o.canary is not None:
        await w.delete(DEPLOYMENTS, o.canary)
    if o.canary_service is not None:
        await w.delete(SERVICES, o.canary_service)
    for policy in o.policies:
        if is_canary_of(policy, o.rollout.name) and names.ROLLOUT_LABEL in policy.metadata.labels:
            await w.delete(NETWORK_POLICIES, policy)
