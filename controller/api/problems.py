"""What is wrong with an object: which field, what came, what is allowed. One line for a person.

A problem is a value, never an exception: it becomes a condition, an event or a line of `lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from controller.api.fields import DURATION_PATTERN, NAME_PATTERN, PERCENT_PATTERN
from controller.api.meta import Key
from controller.api.quantities import DURATION_ALLOWED, PERCENT_ALLOWED

GOT_LIMIT: Final = 80
"""Characters of a value that a message repeats: a query may be a page long."""

MISSING: Final = "must be given"

_PATTERN_MEANS: Final = {
    DURATION_PATTERN: DURATION_ALLOWED,
    PERCENT_PATTERN: PERCENT_ALLOWED,
    NAME_PATTERN: "must be a name of lower-case letters, digits, '-' and '.'",
}
_TYPE_WORDS: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")


@dataclass(frozen=True)
class Problem:
    """One field that cannot stand. `path` is as in `spec.steps[1].weight`."""

    path: str
    got: str
    """What came, as a person would type it; `nothing` when it is absent."""
    allowed: str
    """What would be right, as in `must be over the step before (10)`."""

    def __str__(self) -> str:
        return f"{self.path}: got {self.got}, {self.allowed}"

    def of(self, kind: str, key: Key | str) -> str:
        """The line with the object in front: `Rollout shop/checkout: spec.steps[1]...`."""
        return f"{kind} {key}: {self}"


def shown(value: object) -> str:
    """`value` as a message repeats it: numbers bare, text in quotes, long things cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > 1e300:
        return "a number of more than 300 digits"
    if isinstance(value, int | float):
        return f"{value:g}"
    return brief(json.dumps(value, ensure_ascii=False, default=str))


def brief(text: str) -> str:
    """The text, no longer than a message repeats it."""
    return text if len(text) <= GOT_LIMIT else text[: GOT_LIMIT - 3] + "..."


def summary(kind: str, key: Key | str, problems: Sequence[Problem]) -> str:
    """All problems of one object in one line, for a condition's message."""
    return f"{kind} {key}: " + "; ".join(str(problem) for problem in problems)


def pattern_means(pattern: str) -> str:
    """What a person has to write to match one of the patterns of our kinds."""
    return _PATTERN_MEANS.get(pattern, f"must match {pattern}")


def from_decoding(error: msgspec.ValidationError, document: Any) -> Problem:
    """The problem that the decoder found in `document` (the object as plain data).

    The decoder names the path but not the value, and a person needs both.
    """
    text, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    missing = re.search(r"missing required field `(.+)`", text)
    if missing:
        return Problem(f"{path}.{missing[1]}".lstrip("."), "nothing", MISSING)
    return Problem(path or "(object)", _came(text, document, path), _plain(text))


def _came(text: str, document: Any, path: str) -> str:
    """The value, or its type where the decoder left the key of a mapping out (`labels[...]`)."""
    kind = re.search(r", got `(\w+)`$", text)
    if "[...]" in path and kind:
        return _TYPE_WORDS.get(kind[1], kind[1])
    return shown(_value_at(document, path))


def _plain(text: str) -> str:
    """The decoder's sentence as ours: `must be a number <= 100`."""
    pattern = re.search(r"matching regex '(.+)'$", text)
    if pattern:
        return pattern_means(pattern[1].replace("\\\\", "\\"))
    text = re.sub(r", got `.+`$", "", text).replace("Expected ", "must be ")
    text = re.sub(r"`([\w| ]+)`", lambda match: _types(match[1]), text)
    text = re.sub(r"\.0$", "", text).replace("`", "")
    return text if text.startswith("must") else f"must be one of those allowed ({text})"


def _types(words: str) -> str:
    """`str | object` as `text or a mapping`."""
    return " or ".join(_TYPE_WORDS.get(word, word) for word in words.split(" | "))


def _value_at(document: Any, path: str) -> object:
    for name, index in _STEP.findall(path):
        if index and isinstance(document, list) and index.isdigit():
            document = document[int(index)]
        elif name and isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return document if not isinstance(document, msgspec.Raw) else None


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems without repetition, in the order in which they were found."""
    return tuple(dict.fromkeys(problems))
