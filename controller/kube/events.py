"""Kubernetes Events for people: `kubectl describe` shows what we did and why.

`record` never waits and never fails: a decision must not depend on an Event. The same words about
the same object become one Event with a count; each object has a budget; what is too much is dropped
and counted. One task, `run`, writes. Nothing is ever decided from an Event.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar

import structlog
from prometheus_client import Counter

from controller.api.meta import Object
from controller.api.resources import EVENTS, Resource
from controller.kube import settings
from controller.kube.port import ApiError, Cluster, NotFound
from controller.kube.timestamps import stamp

K = TypeVar("K")
V = TypeVar("V")

log = structlog.get_logger(__name__)

EventType = Literal["Normal", "Warning"]
DROPPED: Final = Counter(
    "blastdoor_events_dropped_total",
    "Events that were not written, by cause: overflow, budget, refused.",
    ("cause",),
)


@dataclass(frozen=True)
class Subject:
    """What an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, resource: Resource[Any], item: Object) -> Subject:
        """The reference to an object."""
        meta = item.metadata
        return cls(resource.api_version, resource.kind, meta.namespace, meta.name, meta.uid)


@dataclass(frozen=True)
class _Words:
    """What makes two Events the same series."""

    subject: Subject
    type: EventType
    reason: str
    message: str


@dataclass
class _Waiting:
    """Occurrences that are not written yet."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class _Series:
    """An Event that exists on the server."""

    name: str
    count: int
    fresh_until: float


@dataclass
class _Budget:
    tokens: float
    at: float


@dataclass
class _Recent(Generic[K, V]):
    """A mapping that forgets the oldest beyond `EVENT_MEMORY` entries."""

    entries: OrderedDict[K, V] = field(default_factory=OrderedDict)

    def get(self, key: K) -> V | None:
        return self.entries.get(key)

    def put(self, key: K, value: V) -> None:
        self.entries[key] = value
        self.entries.move_to_end(key)
        if len(self.entries) > settings.EVENT_MEMORY:
            self.entries.popitem(last=False)

    def drop(self, key: K) -> None:
        self.entries.pop(key, None)


class EventRecorder:
    """Takes Events from anywhere, writes them one after the other."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        component: str = "blastdoor",
        instance: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster, self._component, self._instance = cluster, component, instance
        self._now = now
        self._waiting: OrderedDict[_Words, _Waiting] = OrderedDict()
        self._series: _Recent[_Words, _Series] = _Recent()
        self._budgets: _Recent[Subject, _Budget] = _Recent()
        self._some = asyncio.Event()

    def record(
        self,
        resource: Resource[Any],
        item: Object,
        reason: str,
        message: str,
        *,
        type: EventType = "Normal",  # noqa: A002  the field's own name
    ) -> None:
        """Says something about an object; returns at once."""
        subject = Subject.of(resource, item)
        words = _Words(subject, type, reason, _shortened(message))
        now = self._now()
        if (waiting := self._waiting.get(words)) is not None:
            waiting.count, waiting.last = waiting.count + 1, now
            return
        if not self._may_speak_of(subject):
            DROPPED.labels("budget").inc()
            return
        self._waiting[words] = _Waiting(1, now, now)
        if len(self._waiting) > settings.EVENT_QUEUE_LENGTH:
            self._waiting.popitem(last=False)
            DROPPED.labels("overflow").inc()
        self._some.set()

    async def run(self) -> NoReturn:
        """Writes what was recorded, for ever; ends by cancellation only."""
        while True:
            await self._some.wait()
            self._some.clear()
            await self.flush()

    async def flush(self) -> None:
        """Writes all that waits; for `run`, and for a clean exit."""
        while self._waiting:
            words, waiting = self._waiting.popitem(last=False)
            try:
                await self._write(words, waiting)
            except ApiError as error:
                # The client has retried what is worth it; an Event is not worth more.
                DROPPED.labels("refused").inc()
                log.debug("event not written", reason=words.reason, why=str(error))

    def _may_speak_of(self, subject: Subject) -> bool:
        """Takes a token of the object's budget."""
        now = asyncio.get_running_loop().time()
        budget = self._budgets.get(subject) or _Budget(settings.EVENT_BURST, now)
        grown = budget.tokens + (now - budget.at) / settings.EVENT_REFILL_S
        budget.tokens, budget.at = min(settings.EVENT_BURST, grown), now
        self._budgets.put(subject, budget)
        if budget.tokens < 1:
            return False
        budget.tokens -= 1
        return True

    async def _write(self, words: _Words, waiting: _Waiting) -> None:
        series = self._series.get(words)
        if series is not None and asyncio.get_running_loop().time() < series.fresh_until:
            try:
                await self._raise_count(words, series, waiting)
                return
            except NotFound:
                self._series.drop(words)  # Events expire on the server after an hour.
        await self._create(words, waiting)

    async def _raise_count(self, words: _Words, series: _Series, waiting: _Waiting) -> None:
        count = series.count + waiting.count
        body = {"count": count, "lastTimestamp": stamp(waiting.last)}
        await self._cluster.patch_merge(EVENTS, _home(words.subject), series.name, body)
        self._remember(words, series.name, count)

    async def _create(self, words: _Words, waiting: _Waiting) -> None:
        name = _name(words, waiting.first)
        body = self._manifest(words, waiting, name)
        await self._cluster.create(EVENTS, _home(words.subject), body)
        self._remember(words, name, waiting.count)

    def _remember(self, words: _Words, name: str, count: int) -> None:
        fresh_until = asyncio.get_running_loop().time() + settings.EVENT_SERIES_S
        self._series.put(words, _Series(name, count, fresh_until))

    def _manifest(self, words: _Words, waiting: _Waiting, name: str) -> dict[str, Any]:
        subject = words.subject
        return {
            "metadata": {"name": name, "namespace": _home(subject)},
            "involvedObject": {
                "apiVersion": subject.api_version,
                "kind": subject.kind,
                "name": subject.name,
                "uid": subject.uid,
                **({"namespace": subject.namespace} if subject.namespace else {}),
            },
            "type": words.type,
            "reason": words.reason,
            "message": words.message,
            "count": waiting.count,
            "firstTimestamp": stamp(waiting.first),
            "lastTimestamp": stamp(waiting.last),
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
        }


def _home(subject: Subject) -> str:
    """The Event's namespace: the object's, or `default` for one without, as kubectl expects."""
    return subject.namespace or "default"


def _name(words: _Words, first: datetime) -> str:
    """Unique to the series: two creations of it would be one."""
    subject = words.subject
    parts = (subject.uid, subject.kind, words.type, words.reason, words.message, first.isoformat())
    digest = hashlib.blake2s("\0".join(parts).encode(), digest_size=8).hexdigest()
    return f"{subject.name[:200].rstrip('.-')}.{digest}"


def _shortened(message: str) -> str:
    """The API server counts bytes."""
    raw = message.encode()
    if len(raw) <= settings.EVENT_MESSAGE_MAX:
        return message
    return raw[: settings.EVENT_MESSAGE_MAX - 3].decode(errors="ignore") + "..."
