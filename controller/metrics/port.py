"""What a metric plug-in is: a Spec type, a few pure functions, and one `fetch` with borrowed tools.

A plug-in answers one question: which raw samples of which series lie in a window. It owns no
client, no retry, no cache and no thread; those come from the runtime as `Tools`. It must not know
releases, steps or statistics: increments, resets and gaps are the work of `analysis.counters`.
Absence is `NoData` with a reason: never zero, never a pass. Called by `runtime.reading`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from aiohttp import ClientSession

T = TypeVar("T")
Role = Literal["events", "exposures", "histogram"]
Arm = Literal["canary", "stable"]
ARMS: tuple[Arm, Arm] = ("canary", "stable")
MOST_SERIES = 10_000
"""That one question may select: more would hold up the evidence of all releases."""
Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of an arm, where it answers, and since when it runs."""

    name: str
    ip: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question: the series that `expression` (placeholders filled) selects for one arm."""

    metric: str
    role: Role
    arm: Arm
    expression: str
    pods: tuple[Pod, ...] = ()
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open stretch (start_s, end_s] of wall-clock seconds since 1970 that is read."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Series:
    """Raw samples of one series, as (seconds since 1970, value), in order of time."""

    name: str
    labels: Labels
    samples: tuple[tuple[float, float], ...]

    def label(self, name: str) -> str:
        """The value of a label, empty when the series has no such label."""
        return dict(self.labels).get(name, "")


@dataclass(frozen=True, slots=True)
class Samples:
    """What was read. `silent` names pods that gave no answer, with why (their part is a gap).

    No series at all is possible only when the source itself says that the counter exists and has
    no child yet: then nothing was counted, which is a zero that was seen.
    """

    series: tuple[Series, ...]
    silent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NoData:
    """Nothing can be said, and why, in words that name the metric and show the query.

    empty: the source answered well, and it knows no such series.
    """

    reason: str
    empty: bool = False


Reading = Samples | NoData


@dataclass(frozen=True)
class Tools:
    """What the runtime lends to `fetch`: it owns the sockets, threads and clients behind these.

    `in_thread(lane, call, deadline_s)` runs a blocking call; calls of one lane (one server) can
    never take all threads; raises TimeoutError. `kept(key, make)` is a client made once and kept.
    `reads` is the number of pod reads that may be under way at once, over all releases. `address`
    maps a pod's IP to where it is reached.
    """

    http: ClientSession
    in_thread: Callable[[str, Callable[[], Any], float], Awaitable[Any]]
    kept: Callable[[str, Callable[[], Any]], Any]
    reads: asyncio.Semaphore
    address: Callable[[str], str]


class Provider(Protocol):
    """A metric plug-in."""

    name: str
    spec: type[msgspec.Struct]
    """Its settings, as they stand under its name in a template's `provider`."""
    rereads: bool
    """Whether a past window can be read again, as after a restart of the operator. Such a source
    knows nothing of an arm but the query, so each query must tell the arms apart."""

    def interval_s(self, spec: Any, tick_s: float) -> float:
        """Seconds between two reads, for a template with this tick."""
        ...

    def settle_s(self, spec: Any) -> float:
        """Seconds after the end of a window before its samples can be read."""
        ...

    def problem(self, spec: Any, expression: str) -> str | None:
        """Why this expression can never be read, or None."""
        ...

    async def fetch(
        self, spec: Any, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        """An answer for each question. Raises nothing that a server or a user can cause."""
        ...
