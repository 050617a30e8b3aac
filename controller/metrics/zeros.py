"""When no series of events is a zero that was seen, and when the question can never match.

A label's value comes into being with its first event, so an answer without a series is what a
healthy arm gives. It is also what a misspelt query gives. What the exposures beside it show tells
one from the other. It knows queries and series; not arms, ticks or providers. Called by the
runtime, which has the samples.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from controller.metrics import selector

_LABEL = re.compile(r'[,{]([a-zA-Z_][a-zA-Z0-9_]*)="')


def events_are_part(events: str, exposures: str) -> bool:
    """Whether one query selects a part of what the other selects, as errors of requests."""
    try:
        return selector.parse(events).narrows(selector.parse(exposures))
    except selector.SelectorError:
        return False


def labels_of_the_part(events: str, exposures: str) -> frozenset[str]:
    """The labels by which events that are a part are told from the rest of the exposures.

    >>> labels_of_the_part('r{code=~"5..",pod="a"}', 'r{pod="a"}')
    frozenset({'code'})
    """
    whole = set(selector.parse(exposures).matchers)
    return frozenset(m.label for m in selector.parse(events).matchers if m not in whole)


def label_unknown(labels: Iterable[str], exposures: Iterable[str]) -> str | None:
    """A label that no series of the exposures has, so that no event could ever match; else None.

    exposures: series as text. `code` where the program says `status` is the commonest mistake.
    """
    lacking = set(labels)
    for key in exposures:
        if not lacking:
            return None
        lacking -= _labels(key)
    return min(lacking, default=None)


@functools.lru_cache(maxsize=1 << 16)
def _labels(key: str) -> frozenset[str]:
    return frozenset(_LABEL.findall(key))
