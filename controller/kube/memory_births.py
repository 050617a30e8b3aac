"""Who writes, what was written, and what a new object gets from the system.

Small facts of the cluster in memory that the write path shares with its callers. Uids and generated
names come from a counter, so that a run can be repeated to the letter.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from controller.api.meta import Key
from controller.kube.port import Invalid
from controller.kube.timestamps import stamp

_SUFFIX_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names: no vowels, so no words."""
_SUFFIX_LENGTH: Final = 5


@dataclass(frozen=True)
class Actor:
    """Who writes, and under which name of a field manager."""

    user: str
    manager: str


@dataclass(frozen=True)
class Write:
    """One line of the journal: a write that was carried out. `changed`: it made a new version."""

    user: str
    verb: str
    resource: str
    key: Key
    subresource: str = ""
    changed: bool = True
    dry_run: bool = False


class Births:
    """Names, uids, times and addresses for new objects."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._count = 0

    def metadata(self, key: Key) -> dict[str, Any]:
        """What the system writes into `metadata` once and for ever."""
        self._count += 1
        made: dict[str, Any] = {"name": key.name}
        if key.namespace:
            made["namespace"] = key.namespace
        made["uid"] = f"00000000-0000-4000-8000-{self._count:012d}"
        made["creationTimestamp"] = stamp(self._now())
        return made

    def name(self, prefix: str | None) -> str:
        """A name for `generateName`."""
        if not prefix:
            raise Invalid(422, "Invalid", "metadata.name: Required value: name or generateName")
        self._count += 1
        number, letters = zlib.crc32(f"{prefix}{self._count}".encode()), ""
        for _ in range(_SUFFIX_LENGTH):
            number, at = divmod(number, len(_SUFFIX_LETTERS))
            letters += _SUFFIX_LETTERS[at]
        return prefix + letters

    def cluster_ip(self) -> str:
        """An address of the service range."""
        high, low = divmod(self._count % 65_000 + 10, 256)
        return f"127.96.{high}.{low}"
