"""Faults that a test orders from the cluster in memory: the network and the server at their worst.

A call that fails before it is carried out, one whose answer is lost after it was, one that is slow;
streams that break or fall silent; lists that are stale. Each is ordered for a verb, a resource and
a user, so that the machinery of the cluster can stay well while the operator suffers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.api.meta import Key
from controller.api.resources import Resource
from controller.kube.memory_store import Store, Stored
from controller.kube.port import ApiError, Unreachable


@dataclass(frozen=True)
class Call:
    """One call on its way: verb as in the journal, or get, list, watch."""

    user: str
    verb: str
    resource: Resource[Any]
    name: str = ""

    @property
    def what(self) -> str:
        """`patch deployments.apps checkout`, for error texts."""
        return f"{self.verb} {self.resource} {self.name}".rstrip()


@dataclass
class _Order:
    verb: str
    resource: str
    user: str
    times: int
    error: ApiError | None = None
    delay_s: float = 0
    after: bool = False
    hook: Callable[[Call], None] | None = None

    def meets(self, call: Call) -> bool:
        return (
            self.times != 0
            and self.verb in ("", call.verb)
            and self.resource in ("", str(call.resource))
            and self.user in ("", call.user)
        )


@dataclass
class Snapshot:
    """What a stale server believes of one resource."""

    objects: dict[Key, Stored]
    version: int


@dataclass
class Stream:
    """An open watch: `broken` ends it, `silent` keeps its events back."""

    call: Call
    broken: ApiError | None = None
    silent: bool = False


@dataclass
class Faults:
    """What is ordered, nothing by default: for `victim`, for the user named, or for all ("")."""

    store: Store
    victim: str
    _orders: list[_Order] = field(default_factory=list)
    _streams: list[Stream] = field(default_factory=list)
    _stale: dict[tuple[str, str], Snapshot] = field(default_factory=dict)
    _silenced: set[str] = field(default_factory=set)

    def fail_next(
        self,
        verb: str = "",
        resource: Resource[Any] | None = None,
        error: ApiError | None = None,
        *,
        times: int = 1,
        user: str | None = None,
        after: bool = False,
    ) -> None:
        """Fail so many calls; with `after` they are carried out and only the answer is lost.

        `times=-1` fails them until `clear`. The default error is Unreachable.
        """
        lost = error or Unreachable(0, "Unreachable", "connection reset by peer")
        name = str(resource) if resource else ""
        self._orders.append(_Order(verb, name, self._who(user), times, error=lost, after=after))

    def delay(
        self,
        seconds: float,
        verb: str = "",
        resource: Resource[Any] | None = None,
        *,
        times: int = -1,
        user: str | None = None,
    ) -> None:
        """Let calls wait before they are carried out (in the loop's time)."""
        name = str(resource) if resource else ""
        self._orders.append(_Order(verb, name, self._who(user), times, delay_s=seconds))

    def before_each(self, hook: Callable[[Call], None], *, user: str | None = None) -> None:
        """Call a function before every call, after its delay: it may raise, or cancel a task."""
        self._orders.append(_Order("", "", self._who(user), -1, hook=hook))

    def drop_watches(
        self, resource: Resource[Any] | None = None, *, user: str | None = None
    ) -> None:
        """Break the open streams with Unreachable."""
        self._end(resource, self._who(user), Unreachable(0, "Unreachable", "the watch broke off"))

    def silence_watches(
        self, resource: Resource[Any] | None = None, *, user: str | None = None
    ) -> None:
        """Half-open streams: no event and no bookmark until `clear` or `drop_watches`.

        Those of one resource, as far as they are open, or all, also those opened later.
        """
        who = self._who(user)
        if resource is None:
            self._silenced.add(who)
        for stream in self._streams:
            if resource in (None, stream.call.resource) and who in ("", stream.call.user):
                stream.silent = True

    def stale_lists(self, resource: Resource[Any], *, user: str | None = None) -> None:
        """Answer lists of a resource as of now, until `clear`."""
        present = dict(self.store.collection(resource).objects)
        self._stale[str(resource), self._who(user)] = Snapshot(present, self.store.version)

    def clear(self) -> None:
        """All is well again; broken streams stay broken, silent ones speak."""
        self._orders.clear()
        self._stale.clear()
        self._silenced.clear()
        for stream in self._streams:
            stream.silent = False
        self.store.ring()

    async def on_the_way(self, call: Call) -> None:
        """The way to the server: at least one turn of the loop, and what was ordered."""
        await asyncio.sleep(sum(order.delay_s for order in self._due(call, after=False)))
        for order in self._due(call, after=False):
            self._strike(order, call)

    async def on_the_way_back(self, call: Call) -> None:
        """The way back: the write has happened, its answer may be lost."""
        await asyncio.sleep(0)
        for order in self._due(call, after=True):
            self._strike(order, call)

    def stale(self, call: Call) -> Snapshot | None:
        """The snapshot that a list has to be answered from."""
        name = str(call.resource)
        return self._stale.get((name, call.user)) or self._stale.get((name, ""))

    @contextmanager
    def stream(self, call: Call) -> Iterator[Stream]:
        """An open watch, known here while it lives."""
        stream = Stream(call, silent=bool({"", call.user} & self._silenced))
        self._streams.append(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def _who(self, user: str | None) -> str:
        return self.victim if user is None else user

    def _due(self, call: Call, *, after: bool) -> list[_Order]:
        return [order for order in self._orders if order.after == after and order.meets(call)]

    def _strike(self, order: _Order, call: Call) -> None:
        order.times -= 1 if order.times > 0 else 0
        if order.hook is not None:
            order.hook(call)
        if order.error is not None:
            raise order.error

    def _end(self, resource: Resource[Any] | None, user: str, error: ApiError) -> None:
        for stream in self._streams:
            if resource in (None, stream.call.resource) and user in ("", stream.call.user):
                stream.broken = error
        self.store.ring(resource)
