"""What a pod's metrics page says under the names asked for, in the text exposition format.

Pure, and slow for a large page, so `pod_pages` calls it in a thread. It must not know selectors,
pods or sockets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from controller.metrics.port import MOST_SERIES

_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created")


@dataclass(frozen=True, slots=True)
class Page:
    """What one pod showed: its samples under the names asked for, and the names it declares."""

    samples: tuple[tuple[str, Mapping[str, str], float], ...]
    declared: frozenset[str]


def parse(text: str, names: frozenset[str]) -> Page:
    """The samples of `names`; other lines are not parsed, as a page may hold thousands.

    ValueError when a line of interest is not in the exposition format, or there are too many: what
    a pod writes is never more than the trouble of its own page.

    >>> page = parse('# TYPE orders_total counter\\norders_total{kind="a"} 3\\nnoise 1\\n',
    ...              frozenset({"orders_total"}))
    >>> page.samples
    (('orders_total', {'kind': 'a'}, 3.0),)
    """
    every = _lines(text)
    mine = [line for line in every if _name_of(line) in names]
    if len(mine) > MOST_SERIES:
        asked = ", ".join(sorted(names))
        raise ValueError(f"{len(mine)} series of {asked}, more than {MOST_SERIES}")
    try:
        samples = tuple(_samples(mine))
    except (ArithmeticError, LookupError) as problem:  # of the parser, or a number beyond a float
        raise ValueError(f"not in the exposition format ({problem!r})") from None
    return Page(samples, frozenset(_declared(every)))


def _samples(lines: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            yield sample.name, dict(sample.labels), float(sample.value)


def _lines(text: str) -> list[str]:
    """Only a line feed ends a line: what Unicode counts as one may stand in a label's value."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def _name_of(line: str) -> str:
    """The name that a line begins with; empty where there is none."""
    words = line.split("{", 1)[0].split(None, 1)
    return words[0] if words else ""


def _declared(lines: Iterable[str]) -> Iterator[str]:
    """Names of the families with a TYPE line, and of the series that they may hold."""
    for line in lines:
        words = line.split(None, 3) if line.startswith("# TYPE ") else []
        if len(words) > 2:
            yield words[2]
            yield from (words[2] + suffix for suffix in _SUFFIXES)
