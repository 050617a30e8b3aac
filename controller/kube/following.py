"""How well one cache follows its server: what is wrong, since when, and how long to wait.

A stream is believed once it has said something or has stood for some seconds. That it was opened
proves nothing: what stands between us and the server may open streams and swallow what they say.
Waits and times are on loop time. It asks the server nothing: that is `reflector`'s part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum

from structlog.typing import FilteringBoundLogger

from controller.kube import settings
from controller.kube.backoff import Backoff, Jitter

_FIRST = Backoff(settings.RECONNECT_S, settings.RECONNECT_S)
_BACKOFF = Backoff(settings.RELIST_BASE_S, settings.RELIST_CAP_S)
_KEPT_FAILURES = 3
"""Of those before a stream was opened: one that breaks soon is asked for again within seconds."""


class _Proof(IntEnum):
    """What the newest stream has shown so far."""

    NOTHING = 0
    SPOKE = 1
    STOOD = 2


class Following:
    """The standing of one cache; told by its reflector what happens, in the order of the calls."""

    def __init__(self, jitter: Jitter, log: FilteringBoundLogger) -> None:
        self.problem = ""
        """What stands between us and the server right now; empty while all is well."""
        self._jitter, self._log = jitter, log
        self._lost_at: float | None = None
        self._failures, self._gones = 0, 0
        self._silent, self._mute = False, False
        """One stream was silent to its end; two in a row were, and the cache needs a list."""
        self._proof = _Proof.NOTHING
        self._standing: asyncio.TimerHandle | None = None
        self._recovered: list[Callable[[float], None]] = []

    def on_recovery(self, tell: Callable[[float], None]) -> None:
        """Calls `tell` when the cache is followed again, with the seconds for which it was not."""
        self._recovered.append(tell)

    @property
    def lost_s(self) -> float:
        """For how many seconds the store may have fallen behind the server; 0 while it follows."""
        return 0.0 if self._lost_at is None else _now() - self._lost_at

    @property
    def needs_list(self) -> bool:
        """Whether streams have failed to keep the cache for so long that a list must do it."""
        return self._mute or self.lost_s >= settings.RELIST_AFTER_S

    # -- what is well --------------------------------------------------------------------------

    def listed(self) -> None:
        """The cache is as the server was a moment ago."""
        self._mute = False
        self._caught_up()

    def opened(self) -> None:
        """A stream has begun; `closed` must follow."""
        self._failures = min(self._failures, _KEPT_FAILURES)
        self._proof = _Proof.NOTHING
        loop = asyncio.get_running_loop()
        self._standing = loop.call_later(settings.WATCH_HEALTHY_S, self._stood)

    def spoke(self) -> None:
        """The stream has said something: the way to the server is open."""
        self._proof = max(self._proof, _Proof.SPOKE)
        self._failures, self._silent = 0, False
        self._well()

    def _stood(self) -> None:
        self._proof = _Proof.STOOD
        self._failures, self._gones = 0, 0
        if self._silent:
            self._caught_up()  # but for all that we know this stream may be as silent
        else:
            self._well()

    def _well(self) -> None:
        if self.problem:
            self._log.info("server answers again", lost_s=round(self.lost_s, 1))
        self.problem = ""
        self._caught_up()

    def _caught_up(self) -> None:
        lost_s, self._lost_at = self.lost_s, None
        if lost_s > 0:
            for tell in self._recovered:
                tell(lost_s)

    # -- what is not ---------------------------------------------------------------------------

    def closed(self) -> None:
        """The stream is over, or could not be opened: from now on something may be missed."""
        if self._standing is not None:
            self._standing.cancel()
            self._standing = None
        if self._lost_at is None:
            self._lost_at = _now()

    def ended(self) -> float:
        """The server has ended a stream as it should; the seconds to wait, as after the others."""
        match self._proof:
            case _Proof.STOOD:
                return 0.0
            case _Proof.SPOKE:
                # A server that ends streams after each word must not be asked in a loop.
                return _FIRST.delay_s(1, self._jitter)
            case _:
                return self.failed("streams end at once")

    def silent(self, why: str) -> float:
        """A stream was silent for too long. One is asked for anew without ado (decision 9); two in
        a row may be a way on which nothing gets through, so that only a list can tell."""
        if not self._silent:
            self._silent = True
            self._log.debug("quiet stream asked for anew")
            return 0.0
        self._mute = True
        return self.failed(why)

    def gone(self, why: str) -> float:
        """The version is compacted. The first list after that must not wait, whatever was before;
        one Gone after another must, as a list costs the server most."""
        before, self._gones = self._gones, self._gones + 1
        return self._wait(why, before) if before else 0.0

    def failed(self, why: str) -> float:
        """The stream broke, or the server refused."""
        self._failures += 1
        return self._wait(why, self._failures)

    def _wait(self, why: str, failures: int) -> float:
        if failures == 1:
            # One broken stream is no outage: back at once, yet not all clients together.
            wait_s = _FIRST.delay_s(1, self._jitter)
        else:
            wait_s = _BACKOFF.delay_s(failures - 1, self._jitter)
        if why != self.problem:
            self._log.warning("cannot follow", why=why, failures=failures, wait_s=wait_s)
        self.problem = why
        return wait_s


def _now() -> float:
    return asyncio.get_running_loop().time()
