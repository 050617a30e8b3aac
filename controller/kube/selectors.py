"""Label selectors: the text form of a list request and the structured form of a spec.

Pure. Used by the cluster in memory and by the controllers of the local stack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.api.meta import LabelSelector

_SET: Final = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_COMMA: Final = re.compile(r",(?![^(]*\))")
"""A comma that is not inside parentheses."""
_OPERATORS: Final = {"in": "In", "notin": "NotIn"}


class BadSelector(ValueError):
    """A selector that no server would take."""


@dataclass(frozen=True)
class Requirement:
    """One condition on one label; `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it. NotIn is met by an absent label, as on the server."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case other:
                raise BadSelector(f"{other!r} is not a valid label selector operator")


Selector = Sequence[Requirement]
"""All requirements must hold; none at all selects everything."""


def parse_selector(text: str) -> Selector:
    """The requirements of `app=shop,tier in (a, b),!canary`.

    >>> [r.operator for r in parse_selector("app=shop,tier in (a, b),!canary,x!=y,z")]
    ['In', 'In', 'DoesNotExist', 'NotIn', 'Exists']
    """
    return tuple(_requirement(part.strip()) for part in _COMMA.split(text) if part.strip())


def _requirement(text: str) -> Requirement:
    if found := _SET.match(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return Requirement(found["key"], _OPERATORS[found["op"]], values)
    for sign, operator in (("!=", "NotIn"), ("==", "In"), ("=", "In")):
        if sign in text:
            key, value = text.split(sign, 1)
            return Requirement(key.strip(), operator, frozenset({value.strip()}))
    if text.startswith("!"):
        return Requirement(text[1:].strip(), "DoesNotExist")
    if " " in text:
        raise BadSelector(f"unable to parse requirement {text!r}")
    return Requirement(text, "Exists")


def selector_of(selector: LabelSelector) -> Selector:
    """The requirements of a `spec.selector` of an apps object."""
    return (
        *(Requirement(k, "In", frozenset({v})) for k, v in selector.match_labels.items()),
        *(_expression(expression) for expression in selector.match_expressions),
    )


def _expression(expression: Mapping[str, Any]) -> Requirement:
    values = frozenset(str(value) for value in expression.get("values") or ())
    return Requirement(str(expression["key"]), str(expression["operator"]), values)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether labels meet every requirement."""
    return all(requirement.holds(labels) for requirement in selector)
