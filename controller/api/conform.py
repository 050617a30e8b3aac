"""Every field of a plain document that does not fit its kind's schema, all at once, with no server.

What the API server would refuse, in our words; `lint` and the text for a malformed object use it.
It reads the same schema that the CRDs carry, and leaves the CEL rules to `validation`. Pure.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from controller.api.crd import object_schema
from controller.api.crd_tables import KINDS
from controller.api.problems import MISSING, Problem, from_decoding, pattern_means, shown
from controller.api.schema import Schema

Problems = Iterator[Problem]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_WORDS: Final = {
    "object": "must be a mapping",
    "array": "must be a list",
    "string": "must be text",
    "boolean": "must be true or false",
    "integer": "must be a whole number",
    "number": "must be a number",
}


def nonconformities(kind: str, document: Any) -> tuple[Problem, ...]:
    """What does not fit the schema of `kind` (one of ours) in `document`, as plain data."""
    schema = object_schema(next(one for one in KINDS if one.type.__name__ == kind))
    return tuple(_check(schema, document, ""))


def refusal(kind: str, document: Any, error: msgspec.ValidationError) -> tuple[Problem, ...]:
    """Why an object was refused by the decoder: by the schema, else as the decoder says it."""
    return nonconformities(kind, document) or (from_decoding(error, document),)


def _check(schema: Schema, value: Any, path: str) -> Problems:
    if value is None and schema.get("nullable"):
        return
    kind = schema.get("type")
    if kind is not None and not _is(kind, value):
        yield Problem(path or "(object)", shown(value), _words(kind, schema))
    elif isinstance(value, dict):
        yield from _check_mapping(schema, value, path)
    elif isinstance(value, list):
        yield from _check_list(schema, value, path)
    elif isinstance(value, str):
        yield from _check_text(schema, value, path)
    elif kind in ("integer", "number"):
        yield from _check_number(schema, value, path)


def _is(kind: str, value: Any) -> bool:
    """Whether JSON data has this type; true is not a number, and 5.0 is a whole one."""
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _words(kind: str, schema: Schema) -> str:
    """What is asked for; a pattern says more than `must be text`."""
    return pattern_means(schema["pattern"]) if "pattern" in schema else _WORDS[kind]


def _check_mapping(schema: Schema, value: dict[str, Any], path: str) -> Problems:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield Problem(_join(path, name), "nothing", MISSING)
    for name, item in value.items():
        where = _join(path, name)
        if name in properties:
            if item is not None or name not in schema.get("required", ()):
                yield from _check_optional(properties[name], item, where)
        elif "additionalProperties" in schema:
            yield from _check(schema["additionalProperties"], item, f"{path}[{name}]")
        elif properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield Problem(where, "an unknown field", _nearest(name, properties))
    if len(value) < schema.get("minProperties", 0):
        yield Problem(path, shown(len(value)), f"must have {schema['minProperties']} key")
    if len(value) > schema.get("maxProperties", len(value)):
        got = ", ".join(str(name) for name in value)
        yield Problem(path, got, f"must have only {schema['maxProperties']} key")


def _check_optional(schema: Schema, value: Any, path: str) -> Problems:
    """A null stands for the default, where there is one; the server treats it so."""
    if value is not None or "default" not in schema:
        yield from _check(schema, value, path)


def _check_list(schema: Schema, value: list[Any], path: str) -> Problems:
    if len(value) < schema.get("minItems", 0):
        yield Problem(path, f"{len(value)} items", f"must have at least {schema['minItems']}")
    if len(value) > schema.get("maxItems", len(value)):
        yield Problem(path, f"{len(value)} items", f"must have at most {schema['maxItems']}")
    for i, item in enumerate(value):
        yield from _check(schema.get("items", {}), item, f"{path}[{i}]")


def _check_text(schema: Schema, value: str, path: str) -> Problems:
    if "enum" in schema and value not in schema["enum"]:
        yield Problem(path, shown(value), "must be one of " + ", ".join(schema["enum"]))
    if len(value) < schema.get("minLength", 0):
        yield Problem(path, "empty text" if not value else shown(value), MISSING)
    elif "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield Problem(path, shown(value), pattern_means(schema["pattern"]))
    if len(value) > schema.get("maxLength", len(value)):
        got = f"{len(value)} characters"
        yield Problem(path, got, f"must have at most {schema['maxLength']}")


def _check_number(schema: Schema, value: float, path: str) -> Problems:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    low_open, high_open = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    too_low = value <= low if low_open else value < low
    too_high = value >= high if high_open else value > high
    if too_low or too_high or not math.isfinite(value):
        above = f"{'over' if low_open else 'at least'} {low:g}" if low > -math.inf else ""
        below = f"{'under' if high_open else 'at most'} {high:g}" if high < math.inf else ""
        allowed = " and ".join(part for part in (above, below) if part) or "finite"
        yield Problem(path, shown(value), f"must be {allowed}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


def _nearest(name: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]}?" if near else "must be one of " + ", ".join(sorted(known))
