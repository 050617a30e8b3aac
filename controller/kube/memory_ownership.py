"""Who owns which field: the rules of server-side apply and of every other write.

Pure. A manager is a name, an operation (Apply or Update) and a subresource, as one entry of
`metadata.managedFields`; what it owns is a set of paths. Structured lists are addressed by key, all
others are atomic. The rules are those of structured-merge-diff: an apply conflicts where it changes
a value that another manager owns, and takes away what the same manager applied before and no one
else owns; a plain write takes over what it changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from controller.api.resources import Resource
from controller.kube import memory_schema as schema
from controller.kube.memory_patch import Json, copy_json, same_json
from controller.kube.memory_schema import Path

_PRESENT: Final = "."
"""The value of the path of a list element itself: it is there."""
_UNOWNED: Final = frozenset({"apiVersion", "kind"})
_OWNED_METADATA: Final = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})


class Manager(NamedTuple):
    """One entry of managedFields."""

    name: str
    operation: Literal["Apply", "Update"]
    subresource: str = ""


Managers = Mapping[Manager, frozenset[Path]]


@dataclass(frozen=True)
class Clash:
    """A field that an apply would change and that another manager owns."""

    manager: Manager
    path: Path

    def __str__(self) -> str:
        return f'conflict with "{self.manager.name}": .{".".join(self.path)}'


@dataclass(frozen=True)
class Applied:
    """What an apply makes of an object, and what stood in its way."""

    body: dict[str, Any]
    managers: Managers
    clashes: tuple[Clash, ...]


def field_set(resource: Resource[Any], body: Mapping[str, Any]) -> frozenset[Path]:
    """The paths that somebody who wrote this body owns."""
    return frozenset(_leaves(resource, body))


def after_update(
    resource: Resource[Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    managers: Managers,
    writer: Manager,
) -> Managers:
    """Owners after a plain write: the writer has what it changed, nobody has what is gone."""
    before, after = _leaves(resource, old), _leaves(resource, new)
    taken = _changed(before, after)
    gone = before.keys() - after.keys()
    if not taken and not gone:
        return managers
    owned = {
        manager: (paths - gone) if manager == writer else (paths - gone - taken)
        for manager, paths in managers.items()
    }
    owned[writer] = owned.get(writer, frozenset()) | taken
    return {manager: paths for manager, paths in owned.items() if paths}


def apply_body(
    resource: Resource[Any],
    live: Mapping[str, Any],
    body: Mapping[str, Any],
    managers: Managers,
    writer: Manager,
) -> Applied:
    """Live object plus applied fields, minus those that the writer applied before and drops now."""
    applied = field_set(resource, body)
    merged = _merge(resource, live, body, ())
    leaves = _leaves(resource, merged)
    changed = _changed(_leaves(resource, live), leaves)
    others = {manager: paths for manager, paths in managers.items() if manager != writer}
    clashes = tuple(
        Clash(manager, path)
        for manager, paths in others.items()
        for path in sorted(paths & changed)
    )
    kept: set[Path] = {path for paths in others.values() for path in _with_elements(paths)}
    # An empty object that was applied once is no leaf any more when others have filled it.
    dropped = (managers.get(writer, frozenset()) & leaves.keys()) - applied - kept
    pruned = _prune(resource, merged, dropped, kept | applied, ()) if dropped else merged
    rest = {manager: paths - changed for manager, paths in others.items()}
    owned = {manager: paths for manager, paths in rest.items() if paths} | {writer: applied}
    return Applied(pruned, owned, clashes)


def _changed(before: Mapping[Path, Json], after: Mapping[Path, Json]) -> frozenset[Path]:
    """Paths that were added or have another value."""
    return frozenset(
        path
        for path, value in after.items()
        if path not in before or not same_json(before[path], value)
    )


def _with_elements(paths: frozenset[Path]) -> Iterator[Path]:
    """The paths and the list elements that they lie in: who owns a field keeps its element."""
    for path in paths:
        yield path
        for end in range(1, len(path)):
            if path[end - 1].startswith("["):
                yield path[:end]


def _leaves(resource: Resource[Any], body: Mapping[str, Any]) -> dict[Path, Json]:
    found: dict[Path, Json] = {}
    for key, value in body.items():
        if key == "metadata":
            for member in _OWNED_METADATA & value.keys():
                _collect(resource, value[member], ("metadata", member), found)
        elif key not in _UNOWNED:
            _collect(resource, value, (key,), found)
    return found


def _collect(resource: Resource[Any], value: Json, path: Path, into: dict[Path, Json]) -> None:
    if isinstance(value, dict) and value and not schema.is_atomic_map(resource, path):
        for key, item in value.items():
            _collect(resource, item, (*path, key), into)
    elif isinstance(value, list) and schema.is_set(path):
        into.update({(*path, f"[{item}]"): item for item in value})
    elif isinstance(value, list) and (keys := schema.list_keys(resource, path)):
        for item in value:
            element = (*path, schema.element_key(keys, item))
            into[element] = _PRESENT
            _collect(resource, item, element, into)
    else:
        into[path] = value


def _merge(resource: Resource[Any], live: Json, body: Json, path: Path) -> Json:
    if isinstance(body, Mapping) and isinstance(live, Mapping):
        if schema.is_atomic_map(resource, path):
            return copy_json(body)
        merged = {key: copy_json(value) for key, value in live.items()}
        for key, value in body.items():
            merged[key] = _merge(resource, live.get(key), value, (*path, key))
        return merged
    if isinstance(body, list) and isinstance(live, list):
        if schema.is_set(path):
            return [*live, *(item for item in body if item not in live)]
        if keys := schema.list_keys(resource, path):
            return _merge_list(resource, live, body, path, keys)
    return copy_json(body)


def _merge_list(
    resource: Resource[Any],
    live: list[dict[str, Any]],
    body: list[dict[str, Any]],
    path: Path,
    keys: tuple[str, ...],
) -> list[Any]:
    elements = {schema.element_key(keys, item): copy_json(item) for item in live}
    for item in body:
        key = schema.element_key(keys, item)
        elements[key] = _merge(resource, elements.get(key), item, (*path, key))
    return list(elements.values())


def _prune(
    resource: Resource[Any],
    value: Json,
    dropped: frozenset[Path],
    owned: set[Path],
    path: Path,
) -> Json:
    """The value without dropped paths; what they leave empty goes too, unless it is owned so."""
    if isinstance(value, dict):
        kept = {}
        for key, item in value.items():
            below = (*path, key)
            if below in dropped:
                continue
            rest = _prune(resource, item, dropped, owned, below)
            if rest not in ({}, []) or item in ({}, []) or below in owned:
                kept[key] = rest
        return kept
    if isinstance(value, list) and schema.is_set(path):
        return [item for item in value if (*path, f"[{item}]") not in dropped]
    if isinstance(value, list) and (keys := schema.list_keys(resource, path)):
        named = [((*path, schema.element_key(keys, item)), item) for item in value]
        return [
            _prune(resource, item, dropped, owned, at) for at, item in named if at not in dropped
        ]
    return value
