"""The two patch formats of the API server on plain JSON: RFC 6902 and RFC 7396.

Pure: takes a document, gives a new one. It knows nothing of versions, kinds or owners of fields.
Used by the cluster in memory; `test`, `add`, `replace` and `remove` are the operations that we and
`kubectl` send, others are refused by name. Where the server's library is laxer than the RFC (a
replaced member may be absent, an absent one equals null) so are we: the contract tests say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = Any
"""Whatever JSON can say: dict, list, str, int, float, bool or None."""


class PatchFailed(ValueError):
    """The document does not fit the patch: a path that is not there, a test that does not hold."""


def copy_json(value: Json) -> Json:
    """A deep copy of dicts and lists; scalars are shared."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_json(item) for item in value]
    return value


def without_nulls(value: Json) -> Json:
    """The same document without members that are null: to a typed object they are absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def merge_patch(document: Json, patch: Json) -> Json:
    """RFC 7396: objects merge, null removes, everything else replaces.

    >>> merge_patch({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": [3]}})
    {'a': {'c': 2, 'd': [3]}}
    """
    if not isinstance(patch, Mapping):
        return copy_json(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: Json, operations: Sequence[Mapping[str, Any]]) -> Json:
    """RFC 6902: all operations in order, or PatchFailed and nothing.

    >>> json_patch({"a": [1]}, [{"op": "test", "path": "/a/0", "value": 1},
    ...                         {"op": "add", "path": "/a/-", "value": 2}])
    {'a': [1, 2]}
    """
    root = {"": copy_json(document)}
    for operation in operations:
        _apply(root, operation)
    return root[""]


def pointer(path: str) -> list[str]:
    """The unescaped members of a JSON pointer.

    >>> pointer("/metadata/labels/blastdoor.dev~1rollout")
    ['metadata', 'labels', 'blastdoor.dev/rollout']
    """
    if path and not path.startswith("/"):
        raise PatchFailed(f"path {path!r} does not start with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _apply(root: dict[str, Json], operation: Mapping[str, Any]) -> None:
    path = str(operation.get("path", ""))
    parent, last = _parent(root, ["", *pointer(path)], path)
    match operation.get("op"):
        case "test":
            _test(parent, last, operation.get("value"), path)
        case "add":
            _add(parent, last, copy_json(operation["value"]), path)
        case "replace":
            if not isinstance(parent, dict):  # Of an object the server's library asks no more.
                _existing(parent, last, path)
            parent[_index(parent, last, path)] = copy_json(operation["value"])
        case "remove":
            _existing(parent, last, path)
            del parent[_index(parent, last, path)]
        case other:
            raise PatchFailed(f"unknown operation {other!r}")


def _parent(root: dict[str, Json], parts: list[str], path: str) -> tuple[Json, str]:
    node: Json = root
    for part in parts[:-1]:
        node = _existing(node, part, path)
        if not isinstance(node, dict | list):
            raise PatchFailed(f"{path}: {part!r} is no object and no array")
    return node, parts[-1]


def _existing(node: Json, part: str, path: str) -> Json:
    try:
        return node[_index(node, part, path)]
    except (KeyError, IndexError) as error:
        raise PatchFailed(f"{path}: there is no {part!r}") from error


def _index(node: Json, part: str, path: str) -> Any:
    if isinstance(node, dict):
        return part
    if not part.isdecimal():
        raise PatchFailed(f"{path}: {part!r} is no index of an array")
    return int(part)


def _test(parent: Json, last: str, expected: Json, path: str) -> None:
    if expected is None and isinstance(parent, dict) and parent.get(last) is None:
        return  # The API server's library lets an absent member pass for null.
    found = _existing(parent, last, path)
    if not same_json(found, expected):
        raise PatchFailed(f"testing value {path} failed")


def same_json(one: Json, other: Json) -> bool:
    """Equality that tells `true` from `1`, which Python's `==` does not.

    >>> same_json({"a": [True]}, {"a": [1]}), same_json([1], [1.0])
    (False, True)
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def _add(parent: Json, last: str, value: Json, path: str) -> None:
    if isinstance(parent, dict):
        parent[last] = value
        return
    at = len(parent) if last == "-" else _index(parent, last, path)
    if at > len(parent):
        raise PatchFailed(f"{path}: the array has {len(parent)} elements")
    parent.insert(at, value)
