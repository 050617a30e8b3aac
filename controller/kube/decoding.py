"""From the bytes of an answer to typed values: an object, a page of a list, a line of a watch.

Pure. Each object is judged by itself: one that our struct refuses, or that is nested too deep to be
read, becomes a `Malformed` that names it, and the others live. A null means absent, as it does to
the server (EndpointSlices carry `"endpoints": null`): such an object is decoded a second time
without its nulls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from controller.api.meta import Object, ObjectMeta
from controller.api.resources import Resource
from controller.kube import depth
from controller.kube.errors import Status, error_from
from controller.kube.port import Malformed, Page, WatchEvent

T = TypeVar("T", bound=Object)
Item = TypeVar("Item")


class Undecodable(ValueError):
    """Bytes that are no JSON, or not of the shape that every answer of that kind has."""


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    next_page: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, Generic[Item], frozen=True):
    items: tuple[Item, ...] | None = None
    metadata: _ListMeta = _ListMeta()


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _MetaOnly(msgspec.Struct, frozen=True):
    metadata: ObjectMeta = ObjectMeta()


class _Name(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class _NameOnly(msgspec.Struct, frozen=True):
    metadata: _Name = _Name()


# `cache` hides its function's type variables from the checker: hence Any here, T below.
@cache
def _object_decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _list_decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_List[kind])  # type: ignore[valid-type]


_TOO_DEEP = f"nested deeper than can be read; keep it below {depth.LEVELS} levels"
_raw_list_decoder = msgspec.json.Decoder(_List[msgspec.Raw])
_line_decoder = msgspec.json.Decoder(_Line)


def decode_object(resource: Resource[T], body: bytes) -> T | Malformed:
    """One object, or why it is none of ours; raises Undecodable when it is no object at all."""
    decoder: msgspec.json.Decoder[T] = _object_decoder(resource.type)
    with _readable():
        if depth.MARK in body:
            return Malformed(_metadata_of(body), _TOO_DEEP)
        try:
            return decoder.decode(body)
        except RecursionError:
            return Malformed(_metadata_of(depth.cut(body)), _TOO_DEEP)
        except msgspec.ValidationError as error:
            problem = str(error)
        try:
            bare = _without_nulls(msgspec.json.decode(body))
            return decoder.decode(msgspec.json.encode(bare))
        except (msgspec.ValidationError, RecursionError):
            return Malformed(_metadata_of(depth.cut(body)), problem)


def decode_page(resource: Resource[T], body: bytes) -> Page[T]:
    """A page of a list: in one go when all are well, else each for itself."""
    decoder: msgspec.json.Decoder[_List[T]] = _list_decoder(resource.type)
    with _readable():
        try:
            whole = decoder.decode(body)
        except (msgspec.ValidationError, RecursionError):
            pass
        else:
            meta = whole.metadata
            return Page(whole.items or (), meta.resource_version, meta.next_page)
    parts = _shallow(_raw_list_decoder, body)
    items = tuple(decode_object(resource, bytes(raw)) for raw in parts.items or ())
    return Page(items, parts.metadata.resource_version, parts.metadata.next_page)


def decode_line(resource: Resource[T], line: bytes, *, what: str) -> WatchEvent[T]:
    """One line of a watch; an ERROR line is raised as the ApiError that it says."""
    event = _shallow(_line_decoder, line)
    match event.type:
        case "ADDED" | "MODIFIED" | "DELETED" as kind:
            found = decode_object(resource, bytes(event.object))
            return WatchEvent(kind, found, found.metadata.resource_version)
        case "BOOKMARK":
            with _readable():
                version = _metadata_of(bytes(event.object)).resource_version
            return WatchEvent("BOOKMARK", None, version)
        case "ERROR":
            raise error_from(_status_of(event.object), what=what)
        case other:
            raise Undecodable(f"unknown event type {other!r}")


@contextmanager
def _readable() -> Iterator[None]:
    """Bytes that are no JSON, or not of the shape asked for, raise Undecodable."""
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error


def _shallow(decoder: msgspec.json.Decoder[Item], body: bytes) -> Item:
    """What a decoder makes of bytes whose inner parts it leaves as they are, at any depth."""
    with _readable():
        try:
            return decoder.decode(body)
        except RecursionError:
            return decoder.decode(depth.cut(body))


def _status_of(raw: msgspec.Raw) -> Status:
    try:
        said = msgspec.json.decode(raw, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Status(f"unreadable ERROR event: {error}", "Unknown", 500)
    return said if said.code else msgspec.structs.replace(said, code=500)


def _metadata_of(body: bytes) -> ObjectMeta:
    """The metadata of an object whose rest may be anything; at least its name."""
    try:
        return msgspec.json.decode(body, type=_MetaOnly).metadata
    except msgspec.ValidationError:
        pass
    try:
        name = msgspec.json.decode(body, type=_NameOnly).metadata
    except msgspec.ValidationError:
        return ObjectMeta()
    return ObjectMeta(
        name=name.name,
        namespace=name.namespace,
        uid=name.uid,
        resource_version=name.resource_version,
    )


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
