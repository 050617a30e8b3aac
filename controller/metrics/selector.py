"""The selector grammar `name{label="value", other=~"regex"}`: parse, match, and write back.

It is the part of PromQL that names series, so that a template's query means the same for every
provider. It must not know where series come from. Called by the prometheus and scrape plug-ins.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from controller.metrics.regexes import RegexError, whole

Operator = Literal["=", "!=", "=~", "!~"]

_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*")
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*"""
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class SelectorError(ValueError):
    """The text is not a selector; the message says where it stops being one."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label. A label that a series lacks counts as empty, as in Prometheus."""

    label: str
    operator: Operator
    value: str

    def matches(self, value: str) -> bool:
        """Whether a label with this value satisfies the condition; regexes match the whole."""
        if self.operator == "=":
            return value == self.value
        if self.operator == "!=":
            return value != self.value
        found = whole(self.value)(value)
        return found if self.operator == "=~" else not found

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{quoted}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric name and the conditions on its labels."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a series is selected."""
        return name == self.name and all(
            matcher.matches(labels.get(matcher.label, "")) for matcher in self.matchers
        )

    def narrows(self, other: Selector) -> bool:
        """Whether all that this selects is selected by `other` too, as far as the text shows."""
        return self.name == other.name and set(other.matchers) <= set(self.matchers)

    def __str__(self) -> str:
        inside = ",".join(str(matcher) for matcher in self.matchers)
        return f"{self.name}{{{inside}}}" if inside else self.name


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Selector:
    """The selector that `text` is; SelectorError with the place when it is not one.

    >>> str(parse('orders_total{pod=~"a|b", code!="500"}'))
    'orders_total{pod=~"a|b",code!="500"}'
    >>> parse('sum(orders_total)')
    Traceback (most recent call last):
    controller.metrics.selector.SelectorError: at column 4: expected `{` or the end, came `(`
    """
    name = _NAME.match(text)
    if name is None:
        raise SelectorError("it must start with the name of a metric")
    at = name.end()
    if at == len(text):
        return Selector(name[1])
    if text[at] != "{":
        raise _error(text, at, "`{` or the end")
    matchers, at = _matchers(text, at + 1)
    if text[at:].strip():
        raise _error(text, at, "the end")
    return Selector(name[1], matchers)


def _matchers(text: str, at: int) -> tuple[tuple[Matcher, ...], int]:
    """Conditions up to and with the closing brace, and the place behind it."""
    matchers: list[Matcher] = []
    while not text[at:].lstrip().startswith("}"):
        found = _MATCHER.match(text, at)
        if found is None:
            raise _error(text, at, '`label="value"` or `}`')
        matchers.append(_matcher(found))
        at = found.end()
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise _error(text, at, "`,` or `}`")
    return tuple(matchers), text.index("}", at) + 1


def _matcher(found: re.Match[str]) -> Matcher:
    value = _unquoted(found[3])
    if found[2] in ("=~", "!~"):
        try:
            whole(value)
        except RegexError as problem:
            raise SelectorError(f"label {found[1]}: bad regex `{value}`: {problem}") from None
    return Matcher(found[1], found[2], value)  # type: ignore[arg-type]  # the regex allows no other


def _error(text: str, at: int, expected: str) -> SelectorError:
    came = f"`{text[at]}`" if at < len(text) else "the end"
    return SelectorError(f"at column {at + 1}: expected {expected}, came {came}")
