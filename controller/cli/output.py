"""How answers look: tables, ages, numbers, JSON and YAML. Pure text; the columns are the CRDs' own.

Colour appears on a terminal only, and never says what the words do not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import yaml

from controller.api.crd_tables import Column, Kind
from controller.api.meta import Object
from controller.api.names import API_VERSION
from controller.api.quantities import format_duration

GAP: Final = "   "
_FILTER: Final = re.compile(r"(\w+)\[(?:\?\(@\.(\w+)=='([^']+)'\)|(\*))\]")

_COLOURS: Final = {"good": "32", "bad": "31", "busy": "33", "strong": "1"}


def painted(text: str, colour: str, *, colourful: bool) -> str:
    """`text` in a colour of this module's table, or as it is."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colourful and text else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns wide enough for their longest cell, no trailing space; an empty cell is empty."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def listing(
    kind: Kind, objects: Sequence[Object], now: datetime, *, wide: bool, namespaced: bool
) -> str:
    """What `kubectl get` prints for these objects."""
    columns = [column for column in kind.columns if wide or not column.priority]
    head = ["NAME", *[column.name.upper() for column in columns]]
    rows = [[one.name, *[cell(column, one, now) for column in columns]] for one in objects]
    if namespaced:
        head = ["NAMESPACE", *head]
        rows = [[one.namespace, *row] for one, row in zip(objects, rows, strict=True)]
    return table(head, rows)


def cell(column: Column, one: Object, now: datetime) -> str:
    """One value of a printer column."""
    if column.type == "date":
        return age(one.metadata.creation_timestamp, now)
    values = _values(plain(one), column.path)
    return " ".join(number(v) if isinstance(v, int | float) else str(v) for v in values)


def plain(one: Object) -> dict[str, Any]:
    """The object as plain data, defaults left out."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def as_json(kind: Kind, objects: Sequence[Object], *, single: bool) -> str:
    """The object, or a list of them, as JSON that `kubectl` would read."""
    return json.dumps(_document(kind, objects, single), indent=2, ensure_ascii=False)


def as_yaml(kind: Kind, objects: Sequence[Object], *, single: bool) -> str:
    """The same as YAML."""
    document = json.loads(as_json(kind, objects, single=single))
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100).rstrip()


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit or two: `42s`, `5m`, `3h12m`, `4d`."""
    if since is None:
        return ""
    return span(now - since)


def span(length: timedelta) -> str:
    """A length as a person says it; negative ones count as none."""
    seconds = max(0, math.floor(length.total_seconds()))
    if seconds >= 2 * 86400:
        seconds -= seconds % 86400
    elif seconds >= 600:
        seconds -= seconds % 60
    return format_duration(timedelta(seconds=seconds))


def number(value: float) -> str:
    """A count or a share with at most three decimals, thousands apart."""
    if not math.isfinite(value):
        return "-"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def moment(time: datetime, now: datetime) -> str:
    """An absolute time in UTC with how far it is from now."""
    text = f"{time:%H:%M:%S}Z" if time.date() == now.date() else f"{time:%Y-%m-%d %H:%M:%S}Z"
    return f"{text} (in {span(time - now)})" if time > now else f"{text} ({span(now - time)} ago)"


def _document(kind: Kind, objects: Sequence[Object], single: bool) -> dict[str, Any]:
    head = {"apiVersion": API_VERSION, "kind": kind.type.__name__}
    items = [{**head, **json.loads(msgspec.json.encode(one))} for one in objects]
    if single:
        return items[0]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _values(document: Any, path: str) -> list[Any]:
    """What a printer column's path finds: fields, `[*]`, and `[?(@.type=='X')]`."""
    found = [document]
    for name, key, wanted, star in _steps(path):
        inner = [one.get(name) for one in found if isinstance(one, dict)]
        found = [one for one in inner if one is not None]
        if key or star:
            items = [item for one in found if isinstance(one, list | tuple) for item in one]
            found = [i for i in items if not key or (isinstance(i, dict) and i.get(key) == wanted)]
    return found


def _steps(path: str) -> list[tuple[str, str, str, str]]:
    """`(field, filter key, filter value, star)` for each step of a path."""
    parts = re.findall(r"\.((?:\w+)(?:\[[^\]]*\])?)", path)
    steps = []
    for part in parts:
        match = _FILTER.fullmatch(part)
        steps.append(
            (match[1], match[2] or "", match[3] or "", match[4] or "")
            if match
            else (part, "", "", "")
        )
    return steps
