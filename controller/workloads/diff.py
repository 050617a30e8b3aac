"""What differs between two templates, as lines that a person can read and a Change can keep.

Called when a Change is recorded. Bounded in lines and in length, and secrets stay out: a Change is
read by more people than the Deployment is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from controller.api.change import DiffLine
from controller.workloads.template import content

LINES: Final = 50
VALUE_LENGTH: Final = 200
MASK: Final = "***"

_NAMED_BY: Final = ("name", "mountPath", "containerPort", "key", "ip")
"""Members that tell the elements of a list apart, so that a moved element is no difference."""
_SECRET_WORD: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|"
    r"credentials?|auth(?:orization)?|dsn|connection[-_]?string|signature|salt)"
)
_SECRET_NAME: Final = re.compile(rf"(?:^|[^a-z]){_SECRET_WORD}(?:$|[^a-z])|_key$", re.IGNORECASE)
_ASSIGNED: Final = re.compile(rf"(?i)([\w.-]*{_SECRET_WORD}[\w.-]*\s*[=:]\s*)(\S+)")
_FLAG: Final = re.compile(rf"(?i)^--?[\w-]*{_SECRET_WORD}[\w-]*$")
_USERINFO: Final = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_TELLTALE: Final = re.compile(
    r"-----BEGIN|\beyJ[\w-]{10,}\.|\bAKIA[0-9A-Z]{12,}|\bgh[pousr]_\w{20,}|\bsk-[\w-]{16,}"
)

_Leaves = dict[str, str]


def diff(a: msgspec.Raw, b: msgspec.Raw) -> tuple[DiffLine, ...]:
    """Fields of template `a` (old) that differ from `b` (new), as `spec.containers[shop].image`.

    An absent field shows as an empty text, an empty one as `""`. More than 50 differences end in a
    line that counts the rest; a value is cut at 200 characters.
    """
    old, new = _leaves(content(a)), _leaves(content(b))
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    if len(paths) <= LINES:
        return tuple(_line(path, old, new) for path in paths)
    shown = paths[: LINES - 1]
    rest = DiffLine(path="...", new=f"{len(paths) - len(shown)} more fields differ")
    return (*(_line(path, old, new) for path in shown), rest)


def _line(path: str, old: _Leaves, new: _Leaves) -> DiffLine:
    return DiffLine(path=_cut(path), old=_shown(path, old), new=_shown(path, new))


def _shown(path: str, leaves: _Leaves) -> str:
    return _cut(masked(path, leaves[path])) if path in leaves else ""


def masked(path: str, value: str) -> str:
    """The value without what looks like a secret: by its variable's name, its form or its flag."""
    variable = re.search(r"\.env\[([^\]]+)\]$", path)
    if variable and _SECRET_NAME.search(variable[1]):
        return MASK
    if _TELLTALE.search(value):
        return MASK
    return _USERINFO.sub(rf"\g<1>{MASK}", _ASSIGNED.sub(rf"\g<1>{MASK}", value))


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"


def _leaves(document: Any) -> _Leaves:
    return dict(_walk(document, ""))


def _walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
    match node:
        case {"name": str(), "value": str(value)} if re.search(r"\.env\[[^\]]+\]$", path):
            yield path, value or '""'
        case dict() if node:
            for key in sorted(node):
                if not (key == "name" and path.endswith(f"[{node[key]}]")):
                    yield from _walk(node[key], f"{path}.{key}" if path else key)
        case list() if node:
            yield from _walk_list(node, path)
        case None:
            return
        case _:
            yield path, _text(node)


def _walk_list(nodes: Sequence[Any], path: str) -> Iterator[tuple[str, str]]:
    for key in _NAMED_BY:
        if _tells_apart(key, nodes):
            for node in nodes:
                yield from _walk(node, f"{path}[{node[key]}]")
            return
    after_flag = False
    for index, node in enumerate(nodes):
        # `--password x` comes as two arguments; the second one gives nothing away by itself.
        yield from [(f"{path}[{index}]", MASK)] if after_flag else _walk(node, f"{path}[{index}]")
        after_flag = isinstance(node, str) and bool(_FLAG.match(node))


def _tells_apart(key: str, nodes: Sequence[Any]) -> bool:
    if not all(isinstance(node, Mapping) and node.get(key) for node in nodes):
        return False
    return len({str(node[key]) for node in nodes}) == len(nodes)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    return msgspec.json.encode(value).decode()
