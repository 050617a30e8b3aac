"""Regexes of label values as Prometheus has them: RE2, of the whole value.

Python's own engine tries again and again: one pattern of a template, met by one long path of a
client, could hold the operator for hours. RE2 takes a time in proportion to the text, and is the
syntax that the same query has at a server. It knows no labels and no series. Called by `selector`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

import re2

LARGEST_BYTES: Final = 512 * 1024
"""Of memory for one regex: enough for the names of 5,000 pods, and too little for one that would
still be slow with each character."""
KEPT: Final = 512
"""Compiled regexes: two arms of a few queries, of all releases."""
_WORDS = re.compile(r"[\w-]+(?:\|[\w-]+)*", re.ASCII)
"""Names beside each other, as of pods: looked up, which is ten times faster than matched."""


class RegexError(ValueError):
    """The pattern is not RE2, or too large; the message says what is wrong with it."""


def _options() -> re2.Options:
    options = re2.Options()
    options.dot_nl = True  # as in Prometheus since version 3
    options.log_errors = False
    options.max_mem = LARGEST_BYTES
    return options


@functools.lru_cache(maxsize=KEPT)
def whole(pattern: str) -> Callable[[str], bool]:
    """Says of a text whether all of it matches. RegexError where the pattern is none.

    >>> matches = whole("5..|429")
    >>> [matches(code) for code in ("503", "429", "5033", "")]
    [True, True, False, False]
    """
    if _WORDS.fullmatch(pattern):
        return frozenset(pattern.split("|")).__contains__
    try:
        compiled = re2.compile(pattern.encode(), _options())
    except re2.error as problem:
        said = problem.args[0] if problem.args else problem
        raise RegexError(said.decode() if isinstance(said, bytes) else str(said)) from None
    except UnicodeEncodeError:
        raise RegexError("it holds half a character") from None
    return lambda text: compiled.fullmatch(text.encode(errors="replace")) is not None
