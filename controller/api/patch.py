"""JSON patches (RFC 6902) as values: how an operation is spelled, and labels put on and taken off.

Shared by workloads/ and routers/. Knows no object but its metadata; sends nothing. Every function
compares first: equal means no operation, so that a repeated intent costs no request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.api.meta import Object

PatchOp = Mapping[str, Any]
"""One operation: `{"op": "test", "path": ..., "value": ...}`."""
Ops = list[PatchOp]


def pointer(*keys: str | int) -> str:
    """The JSON pointer of a path: `pointer("metadata", "labels", "a/b")`.

    >>> pointer("metadata", "labels", "a/b")
    '/metadata/labels/a~1b'
    """
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def expect(value: Any, *keys: str | int) -> PatchOp:
    """The whole patch is refused unless the field is exactly this."""
    return {"op": "test", "path": pointer(*keys), "value": value}


def add(value: Any, *keys: str | int) -> PatchOp:
    """Set a field, whether it is there or not (a list index inserts)."""
    return {"op": "add", "path": pointer(*keys), "value": value}


def remove(*keys: str | int) -> PatchOp:
    """Remove a field that is there."""
    return {"op": "remove", "path": pointer(*keys)}


def set_labels(of: Object, wanted: Mapping[str, str]) -> Ops:
    """Labels that are to have these values."""
    return _set(of, "labels", of.metadata.labels, wanted)


def set_annotations(of: Object, wanted: Mapping[str, str]) -> Ops:
    """Annotations that are to have these values."""
    return _set(of, "annotations", of.metadata.annotations, wanted)


def drop_labels(of: Object, *keys: str) -> Ops:
    """Labels that are to be gone."""
    return [remove("metadata", "labels", key) for key in keys if key in of.metadata.labels]


def drop_annotations(of: Object, *keys: str) -> Ops:
    """Annotations that are to be gone."""
    return [
        remove("metadata", "annotations", key) for key in keys if key in of.metadata.annotations
    ]


def _set(of: Object, field: str, have: Mapping[str, str], wanted: Mapping[str, str]) -> Ops:
    changed = {key: value for key, value in wanted.items() if have.get(key) != value}
    if not changed:
        return []
    if have:
        return [add(value, "metadata", field, key) for key, value in changed.items()]
    # Adding the map would wipe one that somebody made since we read, so its absence is tested: the
    # API server's library lets an absent member pass for null.
    return [expect(None, "metadata", field), add(changed, "metadata", field)]


def expect_label(of: Object, key: str) -> PatchOp:
    """The whole patch is refused unless the label still is what we read, or still absent."""
    return _still(of.metadata.labels, "labels", key)


def expect_annotation(of: Object, key: str) -> PatchOp:
    """The whole patch is refused unless the annotation still is what we read, or still absent."""
    return _still(of.metadata.annotations, "annotations", key)


def _still(have: Mapping[str, str], field: str, key: str) -> PatchOp:
    return (
        expect(have.get(key), "metadata", field, key) if have else expect(None, "metadata", field)
    )
