"""What sets the canary's pods apart from the stable ones: the label that splits the arms.

With a route the canary's pods carry a value of their own for one key that the Deployment and every
Service select by, so that no Service, autoscaler or disruption budget ever mixes the arms. Without
a route they carry the labels of the apex, and a role label that only the canary selects.
Called by facts (the question and its problem) and by canary.py (the labels).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

from controller.api import names
from controller.api.k8s import Deployment, Service
from controller.api.meta import Object
from controller.api.problems import Problem, shown
from controller.workloads.selectors import selecting, selects
from controller.workloads.template import labels_of

SUFFIX: Final = "-canary"
NAME_LIMIT: Final = 63
"""A Service's name and a label's value are at most this long."""
PREFERRED: Final = ("app.kubernetes.io/instance", "app", "app.kubernetes.io/name", "k8s-app")
"""Keys to split by, best first: policies and monitors select by the name more than the instance."""

Split = tuple[str, str]
"""Key and canary's value."""


@dataclass(frozen=True)
class Arm:
    """The canary of one Change: whose it is, and the labels that its pods get over the template's.

    `split` is one of them that tells them apart; None when the share follows the pods.
    """

    rollout: str
    change: str
    split: Split | None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the objects that we make for the run."""
        return {
            names.ROLLOUT_LABEL: self.rollout,
            names.ROLE_LABEL: names.ROLE_CANARY,
            names.CHANGE_LABEL: self.change,
        }

    def over(self, labels: Mapping[str, str]) -> dict[str, str]:
        """`labels` of a stable pod as the canary's pods carry them."""
        split = {self.split[0]: self.split[1]} if self.split else {}
        return {**labels, **self.extra, **split, names.ROLE_LABEL: names.ROLE_CANARY}


def routed(
    rollout: str, change: str, split: Split, overrides: Mapping[str, str] | None = None
) -> Arm:
    """The arm of a canary that a route sends traffic to."""
    return Arm(rollout=rollout, change=change, split=split, extra=dict(overrides or {}))


def settled(rollout: str, change: str, labels: Mapping[str, str]) -> Arm:
    """The arm of a run in hand: its labels were settled when it was proposed, as whatever selects
    by them would lose the canary's pods if they moved."""
    return Arm(rollout=rollout, change=change, split=min(labels.items()), extra=labels)


def by_pods(rollout: str, change: str) -> Arm:
    """The arm of a canary that shares the apex's Service."""
    return Arm(rollout=rollout, change=change, split=None)


def pod_labels(template: msgspec.Raw, arm: Arm) -> dict[str, str]:
    """Labels of the canary's pods for this template."""
    return arm.over(labels_of(template))


def canary_name(name: str) -> str:
    """`<name>-canary`; a name too long for that is cut and keeps a hash of the whole.

    >>> canary_name("checkout")
    'checkout-canary'
    """
    if len(name) + len(SUFFIX) <= NAME_LIMIT:
        return name + SUFFIX
    mark = sha256(name.encode()).hexdigest()[:8]
    room = NAME_LIMIT - len(SUFFIX) - len(mark) - 1
    return f"{name[:room].rstrip('-._')}-{mark}{SUFFIX}"


def split_label(
    deployment: Deployment, services: Iterable[Service], overrides: Mapping[str, str]
) -> Split | Problem:
    """The key and the canary's value for it that no Service and not the Deployment selects.

    `services` are those of the namespace; `overrides` is `spec.canary.labels`.
    """
    pods = labels_of(deployment.spec.template)
    others = [s for s in services if not is_canary(s)]
    changed = sorted(key for key, value in overrides.items() if pods.get(key) != value)
    selected_by = deployment.spec.selector.match_labels
    own = [key for key in changed if key in selected_by] or changed
    if own and not who_selects(deployment, others, {**pods, **overrides}):
        return own[0], overrides[own[0]]
    keys = _common_keys(deployment, selecting(others, pods))
    if not keys:
        return _no_common_key(deployment, selecting(others, pods))
    key = keys[0]
    value = overrides.get(key) if key in changed else canary_name(selected_by[key])
    taken = who_selects(deployment, others, {**pods, **overrides, key: str(value)})
    if taken:
        allowed = f"must be a value that nothing selects, but {', '.join(taken)} would"
        return Problem("spec.canary.labels", f"{key}={value}", allowed)
    return key, str(value)


def _common_keys(deployment: Deployment, services: Iterable[Service]) -> list[str]:
    """Keys that the Deployment and all of these Services select by, best first."""
    keys = {key for key, value in deployment.spec.selector.match_labels.items() if value}
    for service in services:
        keys &= set(service.spec.selector)
    return sorted(keys, key=lambda key: (PREFERRED.index(key) if key in PREFERRED else 99, key))


def who_selects(
    deployment: Deployment, services: Iterable[Service], labels: Mapping[str, str]
) -> list[str]:
    """Who selects pods with these labels, by kind and name."""
    found = [f"Service {service.name}" for service in selecting(services, labels)]
    if selects(deployment.spec.selector, labels):
        found.append(f"Deployment {deployment.name}")
    return found


def _no_common_key(deployment: Deployment, services: Iterable[Service]) -> Problem:
    selectors = {f"Deployment {deployment.name}": deployment.spec.selector.match_labels}
    selectors |= {f"Service {service.name}": service.spec.selector for service in services}
    listed = "; ".join(f"{who} by {', '.join(sorted(by))}" for who, by in selectors.items())
    return Problem(
        path="spec.canary.labels",
        got=shown(None),
        allowed=f"must give the canary's pods labels that none of these select: {listed}",
    )


def is_canary(item: Object) -> bool:
    """Whether an object is one that we made for a canary."""
    return item.metadata.labels.get(names.ROLE_LABEL) == names.ROLE_CANARY


def is_canary_of(item: Object, rollout: str) -> bool:
    """Whether we made it for this Rollout. One that lost its name is still ours."""
    return is_canary(item) and item.metadata.labels.get(names.ROLLOUT_LABEL, rollout) == rollout
