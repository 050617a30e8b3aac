"""Which key is looked at next: one entry a key, a delay, a priority, a back-off after failures.

A key is never in two workers at once; added while it is being worked on, it comes again after
`done`. All waits are on loop time. It holds keys and knows nothing of what they name.

    key = await queue.get()
    try: ...
    finally: queue.done(key)
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from controller.kube import settings
from controller.kube.backoff import Backoff, Jitter

K = TypeVar("K", bound=Hashable)


_OLD_PLACES = 64
"""In the heap of what is due later, beyond as many as it has keys: then they are cleared out."""


class Priority(IntEnum):
    """Who goes first among those that are due. A level is worth `PRIORITY_HEAD_START_S`."""

    URGENT = 0
    """Harm, a person's command, traffic that is not as intended."""
    NORMAL = 1
    BACKGROUND = 2
    """First list after a start, periodic looks."""


@dataclass(frozen=True)
class _Entry:
    due: float
    priority: int
    number: int
    """Tells this entry's place in a heap from the places that it had before."""

    @property
    def rank(self) -> float:
        return self.due + self.priority * settings.PRIORITY_HEAD_START_S


class WorkQueue(Generic[K]):
    """Keys that wait for a worker."""

    def __init__(
        self,
        *,
        backoff: Backoff | None = None,
        jitter: Jitter = random.random,
        on_wait: Callable[[float], None] | None = None,
    ) -> None:
        """`on_wait` is told how many seconds each key waited beyond its due time."""
        self._backoff = backoff or Backoff(settings.QUEUE_RETRY_BASE_S, settings.QUEUE_RETRY_CAP_S)
        self._jitter, self._on_wait = jitter, on_wait
        self._entries: dict[K, _Entry] = {}
        self._busy: set[K] = set()
        self._failures: dict[K, Counter[Backoff]] = {}
        self._later: list[tuple[float, int, K]] = []
        self._ready: list[tuple[float, int, K]] = []
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    # -- adding --------------------------------------------------------------------------------

    def add(self, key: K, *, delay_s: float = 0.0, priority: int = Priority.NORMAL) -> None:
        """Asks for a look at `key` in `delay_s`; of two wishes the earlier and the more urgent."""
        due = asyncio.get_running_loop().time() + max(0.0, delay_s)
        if (old := self._entries.get(key)) is not None:
            if old.due <= due and old.priority <= priority:
                return
            due, priority = min(due, old.due), min(priority, old.priority)
        self._number += 1
        entry = self._entries[key] = _Entry(due, int(priority), self._number)
        if key not in self._busy:
            self._place(key, entry)

    def retry(
        self,
        key: K,
        *,
        priority: int = Priority.NORMAL,
        at_least_s: float = 0.0,
        backoff: Backoff | None = None,
    ) -> float:
        """Asks for another look after a failure; the wait doubles each time, and is returned.

        `backoff` is for a kind of failure that has waits, and a count, of its own: many short waits
        of one kind must not make the first of another a long one.
        """
        kind = backoff or self._backoff
        counts = self._failures.setdefault(key, Counter())
        counts[kind] += 1
        wait_s = max(at_least_s, kind.delay_s(counts[kind], self._jitter))
        self.add(key, delay_s=wait_s, priority=priority)
        return wait_s

    def forget(self, key: K) -> None:
        """The key is well: its next failure waits the shortest time again."""
        self._failures.pop(key, None)

    # -- taking --------------------------------------------------------------------------------

    async def get(self) -> K:
        """The next key that is due; it is this worker's until `done`."""
        while (key := self._take()) is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._abandon(waiter)
                raise
        return key

    def done(self, key: K) -> None:
        """The worker has finished; a wish that came meanwhile counts now."""
        self._busy.discard(key)
        if (entry := self._entries.get(key)) is not None:
            self._place(key, entry)

    def __len__(self) -> int:
        """Keys that wait, due or not."""
        return len(self._entries)

    # -- inside --------------------------------------------------------------------------------

    def _place(self, key: K, entry: _Entry) -> None:
        if entry.due <= asyncio.get_running_loop().time():
            heapq.heappush(self._ready, (entry.rank, entry.number, key))
            self._wake()
        else:
            heapq.heappush(self._later, (entry.due, entry.number, key))
            self._clear_out()
            self._set_timer()

    def _take(self) -> K | None:
        while self._ready:
            _, number, key = heapq.heappop(self._ready)
            if not self._current(key, number):
                continue
            entry = self._entries.pop(key)
            self._busy.add(key)
            if self._on_wait is not None:
                self._on_wait(asyncio.get_running_loop().time() - entry.due)
            return key
        return None

    def _current(self, key: K, number: int) -> bool:
        """Whether a place in a heap still counts: later wishes leave their old places behind."""
        entry = self._entries.get(key)
        return entry is not None and entry.number == number and key not in self._busy

    def _ripen(self) -> None:
        """Moves what has become due over, and sets the timer for the next."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            _, number, key = heapq.heappop(self._later)
            if self._current(key, number):
                heapq.heappush(self._ready, (self._entries[key].rank, number, key))
                self._wake()
        self._set_timer()

    def _clear_out(self) -> None:
        """Old places with deadlines far away would stay until then, one for each earlier wish."""
        if len(self._later) > 2 * len(self._entries) + _OLD_PLACES:
            self._later = [place for place in self._later if self._current(place[2], place[1])]
            heapq.heapify(self._later)

    def _set_timer(self) -> None:
        while self._later and not self._current(self._later[0][2], self._later[0][1]):
            heapq.heappop(self._later)
        if not self._later:
            return
        due = self._later[0][0]
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._ripen)

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _abandon(self, waiter: asyncio.Future[None]) -> None:
        """A worker stopped while it waited: a wake-up meant for it goes to another."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and self._ready:
            self._wake()
