"""What a pod's metrics page says under the names asked for, in the text exposition format.

Pure, and slow for a large page, so `pod_pages` calls it in a thread. It must not know selectors,
pods or sockets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    ValueError when a line of interest is not in the exposition format, or there are too many.

    >>> page = parse('# TYPE orders_total counter\\norders_total{kind="a"} 3\\nnoise 1\\n',
    ...              frozenset({"orders_total"}))
    >>> page.samples
    (('orders_total', {'kind': 'a'}, 3.0),)
    """
    mine = list(_lines(text, names))
    if len(mine) > MOST_SERIES:
        asked = ", ".join(sorted(names))
        raise ValueError(f"{len(mine)} series of {asked}, more than {MOST_SERIES}")
    samples = tuple(
        (sample.name, dict(sample.labels), float(sample.value))
        for family in text_string_to_metric_families("\n".join(mine) + "\n")
        for sample in family.samples
    )
    return Page(samples, frozenset(_declared(text)))


def _lines(text: str, names: frozenset[str]) -> Iterator[str]:
    for line in text.splitlines():
        name = line.split("{", 1)[0].split(None, 1)
        if name and name[0] in names:
            yield line


def _declared(text: str) -> Iterator[str]:
    """Names of the families with a TYPE line, and of the series that they may hold."""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name = line.split(None, 3)[2]
            yield name
            yield from (name + suffix for suffix in _SUFFIXES)
