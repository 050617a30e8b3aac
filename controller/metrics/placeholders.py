"""Fills `{{namespace}}`, `{{arm.pods}}` and their kin into a template's queries.

It knows the names and what each stands for; it must not know any provider. Values are escaped for
where they stand, between quotes in a selector. Called by `metrics.template_parts` (to check a
template) and by `runtime.questions` (to ask for one arm).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.metrics.port import Arm

KNOWN = ("namespace", "workload", "arm.role", "arm.hash", "arm.pods", "arm.service")
SERVICE = "arm.service"
APART = ("arm.pods", "arm.role", "arm.hash")
"""Never the same for both arms of a release."""
NO_POD = "-"
"""Matches no pod: names cannot be a lone dash. An arm without pods selects nothing."""

_HOLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_OPEN = re.compile(r"\{\{|\}\}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the placeholders stand for: one arm of one release."""

    namespace: str
    workload: str
    role: Arm
    hash: str
    service: str
    pods: tuple[str, ...]

    def value(self, name: str) -> str:
        """What one placeholder stands for."""
        match name:
            case "namespace":
                return self.namespace
            case "workload":
                return self.workload
            case "arm.role":
                return self.role
            case "arm.hash":
                return self.hash
            case "arm.service":
                return self.service
            case "arm.pods":
                return pods_pattern(self.pods)
        raise KeyError(name)


def pods_pattern(pods: Sequence[str]) -> str:
    """A regex that matches these pod names and no other; dots in names stand for themselves.

    >>> pods_pattern(["shop-2", "shop-1"]), pods_pattern([])
    ('shop-1|shop-2', '-')
    """
    return "|".join(name.replace(".", "[.]") for name in sorted(pods)) or NO_POD


def names_in(query: str) -> tuple[str, ...]:
    """The placeholders of `query`, as written between their braces, known or not."""
    return tuple(_HOLE.findall(query))


def filled(query: str, value: Callable[[str], str]) -> str:
    """`query` with each placeholder replaced by the value of its name."""
    return _HOLE.sub(lambda hole: value(hole[1]), query)


def unknown(query: str) -> tuple[str, ...]:
    """Placeholders in `query` that do not exist, as written; also braces without a partner."""
    wrong = [name for name in names_in(query) if name not in KNOWN]
    if _OPEN.search(filled(query, lambda _: "")):
        wrong.append("{{ without }}")
    return tuple(wrong)


def problem(metric: str, field: str, query: str) -> str | None:
    """What is wrong with the placeholders of one query, in words for the template's author."""
    wrong = unknown(query)
    if not wrong:
        return None
    known = ", ".join(f"{{{{{name}}}}}" for name in KNOWN)
    came = ", ".join(f"`{name}`" for name in wrong)
    return f"metric {metric}, field {field}: unknown placeholder {came}; known: {known}"


def alike(query: str, *, routed: bool) -> str | None:
    """Why both arms would be asked the same with `query`, and what to write; None if they are not.

    routed: each arm has a Service of its own. Without a route the Service is one for both.

    >>> alike('orders_total{pod=~"{{arm.pods}}"}', routed=False)
    >>> alike('orders_total{service="{{arm.service}}"}', routed=True)
    """
    names = set(names_in(query))
    apart = [*APART, SERVICE] if routed else APART
    if names & set(apart):
        return None
    use = " or ".join(f"{{{{{name}}}}}" for name in apart)
    allowed = f"must tell the arms apart with {use}: both arms would be asked the same"
    if SERVICE in names:
        return f"{allowed}, as without a route {{{{{SERVICE}}}}} is one Service for both"
    return allowed


def render(query: str, scope: Scope) -> str:
    """`query` with every placeholder filled; KeyError for one that `problem` would have named.

    >>> scope = Scope("shop", "checkout", "canary", "5d9", "checkout-canary", ("a-1", "a-2"))
    >>> render('orders_total{pod=~"{{arm.pods}}"}', scope)
    'orders_total{pod=~"a-1|a-2"}'
    """
    return filled(query, scope.value)


def example(query: str) -> str:
    """`query` with a plain word in each placeholder's place, to see whether its form can stand."""
    return filled(query, lambda _: "x")
