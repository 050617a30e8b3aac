"""The page of the kinds, from the same schema that the CRDs carry: every field, once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from controller.api.crd import object_schema
from controller.api.crd_tables import KINDS, Kind
from controller.api.names import API_VERSION
from controller.api.schema import Schema

_INTRODUCTION: Final = (
    f"All are namespaced and in `{API_VERSION}`. `kubectl explain rollout.spec.steps` shows the"
    " same words. Required fields are marked *; a bound or a rule is what the API server refuses"
    " to break."
)


def crd_page() -> str:
    """The whole page, as Markdown."""
    lines = ["# Kinds", "", _INTRODUCTION]
    for kind in KINDS:
        lines += ["", *_section(kind)]
    return "\n".join(lines) + "\n"


def _section(kind: Kind) -> Iterator[str]:
    schema = object_schema(kind)
    name = kind.type.__name__
    yield from (f"## {name}", "", f"{schema['description']} Short name: `{kind.short}`.", "")
    shown = ", ".join(column.name.upper() for column in kind.columns if not column.priority)
    wide = ", ".join(column.name.upper() for column in kind.columns if column.priority)
    yield from (f"Columns: {shown}; with `-o wide` also {wide}.", "")
    for part in ("spec", "status"):
        yield from (f"### {name} {part}", "", schema["properties"][part]["description"], "")
        yield from ("| field | type | what it says |", "|---|---|---|")
        yield from _rows(schema["properties"][part], "")
        yield ""
    rules = list(_rules(schema, ""))
    if rules:
        yield from (f"### {name} rules", "", "| where | rule |", "|---|---|", *rules, "")


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        mark = " *" if name in required else ""
        text = str(field.get("description", "")).replace("|", r"\|")
        bounds = _bounds(field)
        yield f"| `{path}`{mark} | {_type(field)} | {text}{f' ({bounds})' if bounds else ''} |"
        yield from _rows(field, f"{path}.")
        if field.get("type") == "array":
            yield from _rows(field["items"], f"{path}[].")


def _type(field: Schema) -> str:
    kind = str(field.get("type", "text or mapping"))
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    words = {"object": "mapping", "string": "text", "integer": "whole number"}
    if field.get("format") == "date-time":
        return "time"
    return words.get(kind, kind)


def _bounds(field: Schema) -> str:
    """Choices and limits in words."""
    found = []
    if "enum" in field:
        found.append("one of " + ", ".join(f"`{choice}`" for choice in field["enum"]))
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minItems", "maxItems", " items"),
        ("maxLength", "maxLength", " characters"),
    ):
        found += _limits(field, low, high, unit)
    return "; ".join(found)


def _limits(field: Schema, low: str, high: str, unit: str) -> list[str]:
    found: list[Any] = []
    if low in field and low != high:
        word = "over" if field.get("exclusiveMinimum") else "at least"
        found.append(f"{word} {field[low]:g}{unit}")
    if high in field:
        word = "under" if field.get("exclusiveMaximum") else "at most"
        found.append(f"{word} {field[high]:g}{unit}")
    return found


def _rules(schema: Schema, path: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"| `{path or 'the object'}` | {rule['message']} |"
    for name, field in schema.get("properties", {}).items():
        where = f"{path}.{name}" if path else name
        yield from _rules(field, where)
        if field.get("type") == "array":
            yield from _rules(field["items"], f"{where}[]")
