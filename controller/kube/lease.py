"""Which of several replicas acts: leader election on a Lease, on monotonic time.

No two replicas believe to lead at once, however their wall clocks are set. A candidate takes a
lease over only after it has seen it unchanged for the lease's whole duration on its own loop time;
a leader counts from *before* it sent its last successful renewal and stops acting a margin earlier.
`is_leader` is asked before each write; a write already on its way when it turns false is fenced by
the version that it carries. The times written into the Lease are for people.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import structlog

from controller.api.k8s import Lease
from controller.api.resources import LEASES
from controller.kube import settings
from controller.kube.backoff import Jitter
from controller.kube.port import AlreadyExists, ApiError, Cluster, Conflict, NotFound
from controller.kube.timestamps import micro_stamp

log = structlog.get_logger(__name__)


class LeaderElection:
    """One candidate for one Lease. Run `run` in a task of its own; cancelling it lets go.

    Whoever writes on behalf of the leader must have stopped before `run` is cancelled.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        deposed: Callable[[], None] = lambda: None,
        duration_s: int = settings.LEASE_DURATION_S,
        jitter: Jitter = random.random,
    ) -> None:
        """`identity` must be unique to this process: a pod's name and a random part. `deposed` is
        called when another has led since we did, or may have: what we remember is old."""
        if duration_s <= settings.LEASE_MARGIN_S + settings.LEASE_RENEW_S:
            raise ValueError(f"a lease of {duration_s} s leaves no time to act")
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self.identity = identity
        self.elected = asyncio.Event()
        """Set while this candidate leads: workers wait for it, then ask `is_leader`."""
        self.holder = ""
        """Who holds the lease as far as we have seen."""
        self.led_since: datetime | None = None
        """When this candidate last won the lease; None before the first time."""
        self._now, self._duration_s, self._jitter = now, duration_s, jitter
        self._deposed, self._led_last = deposed, False
        self._version, self._acts_until = "", 0.0
        self._stamped: datetime | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        """The version of the lease last seen, and the loop time of its first sight."""
        self._log = log.bind(lease=f"{namespace}/{name}", identity=identity)

    @property
    def is_leader(self) -> bool:
        """Whether this process may write right now."""
        return self.elected.is_set() and asyncio.get_running_loop().time() < self._acts_until

    async def run(self) -> NoReturn:
        """Candidate, leader, candidate again, for ever; lets the lease go when cancelled."""
        try:
            while True:
                await self._campaign()
                self._enter()
                self._leave(await self._lead())
        finally:
            if self.elected.is_set():
                self._leave("shutting down")
                await self._release()

    # -- candidate -----------------------------------------------------------------------------

    async def _campaign(self) -> None:
        """Waits until the lease is ours."""
        while True:
            try:
                if await self._try_acquire():
                    return
            except (Conflict, AlreadyExists):
                pass  # Another candidate was faster; the next look will say who.
            except ApiError as error:
                self._log.warning("cannot look at the lease", why=str(error))
            await asyncio.sleep(settings.LEASE_POLL_S * (1 + 0.2 * self._jitter()))

    async def _try_acquire(self) -> bool:
        """Whether the lease is ours now."""
        asked_at = asyncio.get_running_loop().time()
        try:
            lease = await self._cluster.get(LEASES, self._namespace, self._name)
        except NotFound:
            self._give_way()
            body = {"metadata": {"name": self._name}, "spec": self._claim(transitions=0)}
            made = await self._cluster.create(LEASES, self._namespace, body)
            self._hold(made, asked_at)
            return True
        self.holder = lease.spec.holder_identity
        if self.holder != self.identity:
            self._give_way()
        if self.holder not in ("", self.identity) and not self._expired(lease):
            return False
        changes_hands = int(self.holder != self.identity)
        claim = self._claim(transitions=lease.spec.lease_transitions + changes_hands)
        sent_at = asyncio.get_running_loop().time()
        self._hold(await self._write(lease.metadata.resource_version, claim), sent_at)
        return True

    def _expired(self, lease: Lease) -> bool:
        """Whether the lease stood still for its whole duration before our own eyes."""
        now = asyncio.get_running_loop().time()
        version = lease.metadata.resource_version
        if self._seen[0] != version:
            self._seen = (version, now)
        return now > self._seen[1] + max(lease.spec.lease_duration_seconds, 1)

    # -- leader --------------------------------------------------------------------------------

    async def _lead(self) -> str:
        """Renews until that fails for too long, or another holds it; why it ended."""
        loop = asyncio.get_running_loop()
        wait_s = settings.LEASE_RENEW_S
        while loop.time() + wait_s < self._acts_until:
            await asyncio.sleep(wait_s)
            try:
                async with asyncio.timeout_at(self._acts_until):
                    if not await self._renew():
                        return f"the lease is held by {self.holder!r}"
                wait_s = settings.LEASE_RENEW_S
            except (ApiError, TimeoutError) as error:
                self._log.warning("renewal failed", why=str(error) or "no answer in time")
                wait_s = settings.LEASE_RETRY_S
        # Not renewed: act on to the last moment, and not longer.
        await asyncio.sleep(max(0.0, self._acts_until - loop.time()))
        return "the lease could not be renewed in time"

    async def _renew(self) -> bool:
        """False when another holds the lease."""
        try:
            await self._write_renewal()
        except Conflict:
            # Someone wrote the lease: a label, our own write whose answer was lost, or a leader.
            lease = await self._cluster.get(LEASES, self._namespace, self._name)
            self._version, self.holder = lease.metadata.resource_version, lease.spec.holder_identity
            if self.holder != self.identity:
                return False
            await self._write_renewal()
        return True

    async def _write_renewal(self) -> None:
        sent_at = asyncio.get_running_loop().time()
        self._hold(await self._write(self._version, {"renewTime": self._stamp()}), sent_at)

    async def _release(self) -> None:
        """Leaves an empty holder, so that the next one need not wait for the lease to expire."""
        released = {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            async with asyncio.timeout(settings.LEASE_MARGIN_S):
                await self._write(self._version, released)
        except (ApiError, TimeoutError) as error:
            self._log.warning("the lease was not released", why=str(error) or "no answer in time")

    # -- shared --------------------------------------------------------------------------------

    async def _write(self, version: str, spec: dict[str, Any]) -> Lease:
        """The version is a precondition: of two who write at once, one is refused."""
        body = {"metadata": {"resourceVersion": version}, "spec": spec}
        return await self._cluster.patch_merge(LEASES, self._namespace, self._name, body)

    def _claim(self, *, transitions: int) -> dict[str, Any]:
        stamp = self._stamp()
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._duration_s,
            "acquireTime": stamp,
            "renewTime": stamp,
            "leaseTransitions": transitions,
        }

    def _hold(self, lease: Lease, sent_at: float) -> None:
        """The server took our write. Others may count from then, never from before it was sent."""
        self._version = lease.metadata.resource_version
        self._acts_until = sent_at + self._duration_s - settings.LEASE_MARGIN_S

    def _enter(self) -> None:
        self.holder = self.identity
        self.led_since = self._now()
        self._led_last = True
        self.elected.set()
        self._log.info("leading")

    def _leave(self, why: str) -> None:
        self.elected.clear()
        self._log.warning("no longer leading", why=why)

    def _give_way(self) -> None:
        if self._led_last:
            self._led_last = False
            self._deposed()

    def _stamp(self) -> str:
        """MicroTime, as the Lease wants it, and never the last one again.

        A write that changes nothing makes no new version: with a wall clock that stands still,
        the others would see the lease stand still too.
        """
        moment = self._now()
        if moment == self._stamped:
            moment += timedelta(microseconds=1)
        self._stamped = moment
        return micro_stamp(moment)
