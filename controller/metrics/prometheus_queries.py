"""As few queries as answer all questions, and the answers dealt out again. Pure.

Questions that differ only in the values of their labels (both arms, many releases) share one query
for raw samples, `selector[window]`, and the series that come back are told apart by their labels.
It must not know a server or a client. Called by the `prometheus` plug-in.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from controller.metrics import selector
from controller.metrics.duplicates import read_twice
from controller.metrics.port import (
    MOST_SERIES,
    NoData,
    Reading,
    Samples,
    Series,
    Wanted,
    Window,
)
from controller.metrics.selector import Matcher, Selector

MOST_PER_QUERY = 64
"""Questions in one query: keeps the regexes short and one failure from silencing everything."""
MOST_CHARACTERS = 4_000
"""More is not joined into one query; a single question may be longer, as by many pods' names."""
SHOWN = 300
"""Characters of a query or an answer that a reason shows."""

_PLAIN = re.compile(r"[\w.|/:\[\] -]*")
"""Label values that may be joined by `|` as they stand: no group or flag of one reaches another."""


@dataclass(frozen=True, slots=True)
class Query:
    """One request to the server, and the questions that it answers."""

    text: str
    at_s: float
    parts: tuple[Wanted, ...]

    @property
    def method(self) -> Literal["GET", "POST"]:
        """GET as long as proxies let it pass (URLs of 8 kB), as some let nothing else pass."""
        return "GET" if len(self.text) <= MOST_CHARACTERS else "POST"


def plan(wanted: Sequence[Wanted], window: Window) -> list[Query]:
    """As few queries as possible that answer all questions."""
    groups: dict[object, list[Wanted]] = defaultdict(list)
    for one in wanted:
        groups[_shape(one)].append(one)
    queries: list[Query] = []
    for members in groups.values():
        for parts in _parts(members):
            text = f"{_merged(parts)}[{_milliseconds(window)}ms]"
            queries.append(Query(text, window.end_s, parts))
    return queries


def _parts(members: Sequence[Wanted]) -> Iterator[tuple[Wanted, ...]]:
    """The questions of one group, in portions that fit into one query."""
    portion: list[Wanted] = []
    length = 0
    for one in members:
        length += len(one.expression)
        if portion and (len(portion) == MOST_PER_QUERY or length > MOST_CHARACTERS):
            yield tuple(portion)
            portion, length = [], len(one.expression)
        portion.append(one)
    if portion:
        yield tuple(portion)


def _milliseconds(window: Window) -> int:
    return max(1, round((window.end_s - window.start_s) * 1000))


def _shape(one: Wanted) -> object:
    """Questions of one shape can share a query: same names and operators, joinable values."""
    found = parsed(one.expression)
    if found is None:
        return one.expression
    labels = [matcher.label for matcher in found.matchers]
    if len(set(labels)) < len(labels):
        return found
    return (found.name, tuple(sorted(_slot(matcher) for matcher in found.matchers)))


def _slot(matcher: Matcher) -> tuple[str, str, str]:
    joinable = matcher.operator in ("=", "=~") and _PLAIN.fullmatch(matcher.value)
    kind = "=~" if matcher.operator == "=" else matcher.operator
    return (
        (matcher.label, kind, "") if joinable else (matcher.label, matcher.operator, matcher.value)
    )


def parsed(expression: str) -> Selector | None:
    """The expression as a selector, or None: then the server is asked as it stands."""
    try:
        return selector.parse(expression)
    except selector.SelectorError:
        return None


def _merged(parts: Sequence[Wanted]) -> str:
    """One selector that selects at least what each part does."""
    found = [parsed(part.expression) for part in parts]
    first = found[0]
    if first is None or len(set(parts)) == 1 or len({str(one) for one in found}) == 1:
        return parts[0].expression
    every = [one.matchers for one in found if one is not None]
    return str(Selector(first.name, tuple(_joined(m.label, every) for m in first.matchers)))


def _joined(label: str, every: Iterable[tuple[Matcher, ...]]) -> Matcher:
    same = {m for matchers in every for m in matchers if m.label == label}
    if len(same) == 1:
        return same.pop()
    patterns = {
        m.value if m.operator == "=~" else re.escape(m.value).replace("\\-", "-") for m in same
    }
    return Matcher(label, "=~", "|".join(sorted(patterns)))


def parse(query: Query, result: Any) -> dict[Wanted, Reading]:
    """Deals the series of an answer out to the questions that they belong to.

    Slow for a large answer; called in a thread.
    """
    try:
        every = [_raw(one) for one in result]
        return {part: _answer(part, every) for part in query.parts}
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        why = f"the answer is not a list of series with samples ({problem!r})"
        return refused(query, why)


def _raw(one: Any) -> tuple[dict[str, str], Any]:
    """Labels and samples as they came; the first sample speaks for the shape of all."""
    labels = {str(name): str(value) for name, value in one["metric"].items()}
    _series(labels, one["values"][:1])
    return labels, one["values"]


def _series(labels: Mapping[str, str], values: Any) -> Series:
    named = sorted(label for label in labels.items() if label[0] != "__name__")
    samples = tuple((float(at), float(value)) for at, value in values)
    return Series(labels.get("__name__", ""), tuple(named), samples)


def _answer(part: Wanted, every: Sequence[tuple[dict[str, str], Any]]) -> Reading:
    wanted = parsed(part.expression)
    chosen = [
        (labels, values)
        for labels, values in every
        if values and (wanted is None or wanted.matches(labels.get("__name__", ""), labels))
    ]
    if len(chosen) > MOST_SERIES:
        return _no_data(part, f"it selects {len(chosen)} series, more than {MOST_SERIES}")
    mine = tuple(_series(labels, values) for labels, values in chosen)
    if not mine:
        return _no_data(part, "no series in the window", empty=True)
    for one in mine:
        if any(math.isnan(value) for _, value in one.samples):
            return _no_data(part, f"a sample of {cut(dict(one.labels))} is NaN")
    twice = read_twice(mine)
    return Samples(mine) if twice is None else _no_data(part, twice)


def cut(value: object) -> str:
    """The text of a query or an answer, no longer than a reason shows."""
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _no_data(part: Wanted, why: str, *, empty: bool = False) -> NoData:
    return NoData(
        f"metric {part.metric}, {part.role} of the {part.arm} arm: {why};"
        f" query: {cut(part.expression)}",
        empty,
    )


def refused(query: Query, why: str) -> dict[Wanted, Reading]:
    """No data for every question of a query, for one reason."""
    return {part: _no_data(part, why) for part in query.parts}
