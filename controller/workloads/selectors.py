"""Which selector selects which pods, for the few questions that a canary's labels raise.

Called by arms, network and pin. A Service without selector selects nothing; an empty label
selector of a policy selects everything: that is how the server has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.api.k8s import Service
from controller.api.meta import LabelSelector


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether pods with these labels are selected."""
    plain = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return plain and all(_holds(expression, labels) for expression in selector.match_expressions)


def service_selects(service: Service, labels: Mapping[str, str]) -> bool:
    """Whether the Service sends traffic to pods with these labels."""
    wanted = service.spec.selector
    if not wanted or service.spec.type == "ExternalName":
        return False
    return all(labels.get(key) == value for key, value in wanted.items())


def selecting(services: Iterable[Service], labels: Mapping[str, str]) -> tuple[Service, ...]:
    """The Services that select pods with these labels, by name."""
    found = (service for service in services if service_selects(service, labels))
    return tuple(sorted(found, key=lambda service: service.name))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.get("key", ""))
    values = expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:  # A server never stores one; what nobody understands selects nothing.
            return False
