"""Who else selects the stable pods by the value that splits the arms, and policies for the canary.

A NetworkPolicy only ever allows more, so one copy in which the old value is widened to both values
opens for the canary what is open for stable, in both directions and between the arms. Called by
facts (the condition before the run) and act (the copies).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from controller.api.k8s import Deployment, NetworkPolicy
from controller.api.meta import LabelSelector
from controller.workloads.arms import Arm, canary_name, is_canary, is_canary_of, pod_labels
from controller.workloads.selectors import selects
from controller.workloads.template import labels_of

Labels = Mapping[str, str]


def selects_old_value(
    selectors: Iterable[tuple[str, LabelSelector]], stable: Labels, canary: Labels
) -> tuple[str, ...]:
    """Titles of those that select pods labelled `stable` but not pods labelled `canary`.

    For the condition before a run: budgets, monitors and policies, as (title, selector).
    """
    return tuple(
        title
        for title, selector in selectors
        if selects(selector, stable) and not selects(selector, canary)
    )


def pod_selectors(policies: Iterable[NetworkPolicy]) -> list[tuple[str, LabelSelector]]:
    """Title and selector of each NetworkPolicy of the owner's."""
    return [(f"NetworkPolicy {p.name}", p.spec.pod_selector) for p in policies if not is_canary(p)]


def canary_network_policies(
    policies: Iterable[NetworkPolicy], deployment: Deployment, arm: Arm
) -> list[dict[str, Any]]:
    """Bodies to apply: a widened copy of each policy that names the stable pods and not the canary.

    Empty when the share follows the pods: then every policy selects both arms already.
    """
    template = deployment.spec.template
    stable, canary = labels_of(template), pod_labels(template, arm)
    copies = (_copy(p, arm, stable, canary) for p in policies if not is_canary(p))
    return [copy for copy in copies if copy is not None]


def taken_names(
    policies: Iterable[NetworkPolicy], deployment: Deployment, arm: Arm
) -> tuple[str, ...]:
    """Policies that stand where a copy would be written and were not made for this Rollout."""
    standing = tuple(policies)
    others = {p.name for p in standing if not is_canary_of(p, arm.rollout)}
    if not any(_copy_name(p, arm) in others for p in standing):
        return ()  # nearly always; a copy costs a decoding
    copies = canary_network_policies(standing, deployment, arm)
    return tuple(c["metadata"]["name"] for c in copies if c["metadata"]["name"] in others)


def _copy_name(policy: NetworkPolicy, arm: Arm) -> str:
    """Several Rollouts may each need a copy of one policy, of a door that lets all of them in."""
    whose = "" if policy.name == arm.rollout else f"-{arm.rollout}"
    return canary_name(policy.name + whose)


def _copy(policy: NetworkPolicy, arm: Arm, stable: Labels, canary: Labels) -> dict[str, Any] | None:
    original: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(policy.spec))
    original.setdefault("podSelector", {})
    widened = {
        **original,
        "podSelector": _widened(original["podSelector"], stable, canary),
        **{way: _rules(original[way], stable, canary) for way in _WAYS if way in original},
    }
    if widened == original:
        return None
    metadata = {
        "name": _copy_name(policy, arm),
        "namespace": policy.namespace,
        "labels": arm.labels,
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": widened,
    }


_WAYS = {"ingress": "from", "egress": "to"}


def _rules(rules: Iterable[Any], stable: Labels, canary: Labels) -> list[Any]:
    return [
        {
            key: [_peer(peer, stable, canary) for peer in value] if key in _WAYS.values() else value
            for key, value in rule.items()
        }
        for rule in rules
    ]


def _peer(peer: Mapping[str, Any], stable: Labels, canary: Labels) -> dict[str, Any]:
    if not peer.get("podSelector"):
        return dict(peer)
    return {**peer, "podSelector": _widened(peer["podSelector"], stable, canary)}


def _widened(selector: dict[str, Any], stable: Labels, canary: Labels) -> dict[str, Any]:
    """The selector with each moved value beside the old one; as it was if that does not help."""
    parsed = msgspec.convert(selector, LabelSelector)
    if not selects(parsed, stable) or selects(parsed, canary):
        return selector
    plain = dict(parsed.match_labels)
    expressions = [dict(expression) for expression in parsed.match_expressions]
    for expression in expressions:
        if expression.get("operator") == "In" and expression["key"] in canary:
            both = {*expression["values"], canary[expression["key"]]}
            expression["values"] = sorted(both)
    for key in [key for key in plain if key in canary and canary[key] != plain[key]]:
        values = sorted({plain.pop(key), canary[key]})
        expressions.append({"key": key, "operator": "In", "values": values})
    wide = {"matchLabels": plain, "matchExpressions": expressions}
    return wide if selects(msgspec.convert(wide, LabelSelector), canary) else selector
