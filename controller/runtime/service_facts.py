"""Whether Services send traffic to the pods that they are meant for. Pure: objects in, facts out.

A Service that selects nothing looks the same in a route as one that works: its share is answered
with errors, and what reads the pods' own numbers sees none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.api import names
from controller.api.k8s import Deployment, Service
from controller.api.meta import LabelSelector
from controller.core.observed import Block
from controller.core.reasons import Reason
from controller.runtime.objects import Objects
from controller.runtime.proposal_facts import run_deployment
from controller.workloads import template
from controller.workloads.arms import Arm, is_canary, pod_labels, who_selects
from controller.workloads.canary import service_selector
from controller.workloads.selectors import selects


def service_blocks(o: Objects, arm: Arm | None) -> Iterator[Block]:
    """What is wrong with the selectors of the apex, of the canary's Service, and of all others."""
    released = run_deployment(o)
    if o.rival or o.service is None or o.deployment is None or released is None:
        return
    apex = f"Service {o.service.namespace}/{o.service.name}"
    if not _plain(o.service.spec.selector):
        text = f"{apex} has no selector; let it select the pods of Deployment {o.deployment.name}"
        yield Block(Reason.TRAFFIC_MISSING, text)
        return
    if not _selects(o.service.spec.selector, _serving_labels(o, o.deployment)):
        listed = _shown(o.service.spec.selector)
        text = f"{apex} selects {listed}, which no pod of Deployment {o.deployment.name} has"
        yield Block(Reason.TRAFFIC_MISSING, text)
        return
    if arm is not None:
        yield from _canary_blocks(o, o.service, released, arm)


def _canary_blocks(o: Objects, apex: Service, released: Deployment, arm: Arm) -> Iterator[Block]:
    labels = pod_labels(released.spec.template, arm)
    selector = service_selector(apex, arm) if o.routed else apex.spec.selector
    if not _selects(selector, labels):
        text = (
            f"Service {apex.namespace}/{apex.name} selects {_shown(apex.spec.selector)}, which the"
            " proposed template does not have; a label by which a Service selects must stay"
        )
        yield Block(Reason.TRAFFIC_MISSING, text)
    others = [s for s in o.services if not is_canary(s)]
    if o.routed and (taken := who_selects(released, others, labels)):
        text = f"{', '.join(taken)} would send traffic to the canary's pods as well; narrow it"
        yield Block(Reason.UNPINNED_SERVICE, text)


def _serving_labels(o: Objects, deployment: Deployment) -> dict[str, str]:
    """Those of the pods that serve now: a proposal must not hide what is wrong at present."""
    stable = o.rollout.status.stable.digest
    serving = o.view.by_digest(stable) if o.view is not None and stable else None
    return template.labels_of((serving or deployment).spec.template)


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selects(LabelSelector(match_labels=_plain(selector)), labels)


def _plain(selector: Mapping[str, str]) -> dict[str, str]:
    """Without the pin by which a release that shares the Service is contained."""
    return {key: value for key, value in selector.items() if key != names.HASH_LABEL}


def _shown(selector: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in _plain(selector).items())
