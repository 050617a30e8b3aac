"""The structural OpenAPI schema of a struct, as a CustomResourceDefinition wants it.

Structural means: every level has a type, no references, no nulls. The structs say everything;
nothing here knows a kind. Pure; called by `crd` and by `conform`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import inspect as types

Schema = dict[str, Any]

FREE_FORM: Final[Schema] = {"x-kubernetes-preserve-unknown-fields": True}
"""Any value: the reader of the object checks it (text or mapping, settings of a plug-in)."""


def structural(cls: type, *, with_defaults: bool) -> Schema:
    """The schema of `cls`. Without defaults for what only the operator writes, such as a status:
    there a default would be a value that nobody observed."""
    return _schema(types.type_info(cls), with_defaults)


def _schema(kind: types.Type, with_defaults: bool) -> Schema:
    match kind:
        case types.Metadata():
            return _annotated(kind, with_defaults)
        case types.StructType():
            return _struct(kind, with_defaults)
        case types.UnionType():
            return _union(kind, with_defaults)
        case types.VarTupleType():
            bounds = {"minItems": kind.min_length, "maxItems": kind.max_length}
            items = {"items": _schema(kind.item_type, with_defaults)}
            return {"type": "array", **_given(bounds), **items}
        case types.DictType():
            if isinstance(kind.value_type, types.AnyType):
                return {"type": "object", **FREE_FORM}
            values = _schema(kind.value_type, with_defaults)
            return {"type": "object", "additionalProperties": values}
        case _:
            return _scalar(kind)


def _scalar(kind: types.Type) -> Schema:
    match kind:
        case types.StrType():
            bounds = {"minLength": kind.min_length, "maxLength": kind.max_length}
            return {"type": "string", **_given({**bounds, "pattern": kind.pattern})}
        case types.LiteralType():
            return {"type": "string", "enum": _declared(kind.values)}
        case types.BoolType():
            return {"type": "boolean"}
        case types.IntType():
            return {"type": "integer", "format": "int64", **_bounds(kind)}
        case types.FloatType():
            return {"type": "number", **_bounds(kind)}
        case types.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case types.AnyType():
            return dict(FREE_FORM)
        case _:
            raise TypeError(f"no structural schema for {kind!r}; extend controller/api/schema.py")


def _annotated(kind: types.Metadata, with_defaults: bool) -> Schema:
    extra = kind.extra_json_schema or {}
    schema = _schema(kind.type, with_defaults)
    description = extra.get("description") or schema.pop("description", "")
    examples = extra.get("examples") or schema.pop("x-examples", None)
    schema.pop("description", None)
    schema.pop("x-examples", None)
    head = {"description": description} if description else {}
    tail = {"x-examples": examples} if examples else {}
    return {**head, **schema, **tail}


def _struct(kind: types.StructType, with_defaults: bool) -> Schema:
    nulls_are_sent = not kind.cls.__struct_config__.omit_defaults
    properties = {}
    for field in kind.fields:
        schema = _schema(field.type, with_defaults)
        examples = schema.pop("x-examples", None)
        default = _default(field) if with_defaults else None
        if default is not None:
            schema = _saying(schema, "" if isinstance(default, dict) else f"Default: {default}.")
            schema["default"] = default
        elif examples and with_defaults:
            schema = _saying(schema, f"For example {', '.join(examples)}.")
        if nulls_are_sent and field.default is None:
            schema["nullable"] = True
        properties[field.encode_name] = schema
    required = [field.encode_name for field in kind.fields if field.required]
    return {
        "description": paragraph(inspect.getdoc(kind.cls) or ""),
        "type": "object",
        **({"required": required} if required else {}),
        "properties": properties,
    }


def _union(kind: types.UnionType, with_defaults: bool) -> Schema:
    """Optional is a field that may be left out; *text or mapping* has no structural form."""
    options = [option for option in kind.types if not isinstance(option, types.NoneType)]
    return _schema(options[0], with_defaults) if len(options) == 1 else dict(FREE_FORM)


def _saying(schema: Schema, more: str) -> Schema:
    """More words in the description: `kubectl explain` shows neither defaults nor examples."""
    text = f"{schema.pop('description', '')} {more}".strip()
    return {"description": text, **schema} if text else schema


def _default(field: types.Field) -> Any:
    """The default as plain data; None when there is none or when it says nothing (empty, false)."""
    if isinstance(field.default, msgspec.Struct):
        return msgspec.to_builtins(field.default)
    if field.default is msgspec.NODEFAULT or not field.default:
        return None
    return field.default


def _bounds(kind: types.IntType | types.FloatType) -> Schema:
    low, high = (kind.ge, kind.gt), (kind.le, kind.lt)
    schema: Schema = {}
    if any(bound is not None for bound in low):
        schema["minimum"] = low[0] if low[0] is not None else low[1]
    if low[1] is not None:
        schema["exclusiveMinimum"] = True
    if any(bound is not None for bound in high):
        schema["maximum"] = high[0] if high[0] is not None else high[1]
    if high[1] is not None:
        schema["exclusiveMaximum"] = True
    return schema


def _declared(values: Iterable[Any]) -> list[Any]:
    return sorted(values)


def _given(bounds: dict[str, Any]) -> Schema:
    return {name: bound for name, bound in bounds.items() if bound is not None}


def paragraph(docstring: str) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join(docstring.split("\n\n")[0].split())
