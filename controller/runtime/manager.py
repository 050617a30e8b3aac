"""Puts the shell together and keeps it running: caches, probe, leader election, workers.

`Operator` runs on any `Cluster`, so the demo and the tests run the very same one in memory.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import NoReturn

import structlog

from controller.api.kinds import Signoff
from controller.api.meta import Key
from controller.core.observed import HoldMode
from controller.kube.backoff import Backoff
from controller.kube.client import ApiServer
from controller.kube.config import source_of
from controller.kube.events import EventRecorder
from controller.kube.lease import LeaderElection
from controller.kube.port import ApiError, Cluster, Conflict
from controller.kube.queue import Priority, WorkQueue
from controller.kube.store import Seen
from controller.metrics.port import Tools
from controller.runtime import exporter, health, logs
from controller.runtime.acts.writer import NotLeading, Writer
from controller.runtime.alarm import Alarm
from controller.runtime.announce import Announcer
from controller.runtime.clock import Now, steady_now, system_now
from controller.runtime.plugins import Registry, installed
from controller.runtime.pods import StablePods
from controller.runtime.probe import HoldProbe, ProbeAccount
from controller.runtime.reconciler import Reconciler
from controller.runtime.sampler import Sampler
from controller.runtime.settings import Settings
from controller.runtime.templates import TemplateReviewer
from controller.runtime.tools import lend_tools
from controller.runtime.world import World

log = structlog.get_logger(__name__)

CONFLICT = Backoff(0.05, 1.5)
"""Waits after a refused version: news is on its way, so look again soon. They grow, as news may not
come by a stream that fell silent; and they end at about a second, so that nothing waits long."""


class Operator:
    """The operator on one cluster. `probe` acts as the probe's account; None: edits are trusted
    to be paused (a cluster in memory that always applies the rules)."""

    def __init__(
        self,
        cluster: Cluster,
        tools: Tools,
        settings: Settings,
        *,
        now: Now,
        wall: Now | None = None,
        probe: Cluster | None = None,
        plugins: Registry | None = None,
    ) -> None:
        self._cluster, self._settings, self._now = cluster, settings, now
        self.queue: WorkQueue[Key] = WorkQueue(on_wait=exporter.QUEUE_WAIT_SECONDS.observe)
        self.world = World(cluster, plugins or installed())
        self.sampler = Sampler(tools, now, self._urgent, wall=wall)
        self._stable_pods = StablePods(cluster, self.queue.add)
        self._recorder = EventRecorder(cluster)
        self._announcer = Announcer(self._recorder)
        self._lease = LeaderElection(
            cluster,
            settings.namespace,
            "blastdoor",
            settings.identity,
            now=now,
            deposed=lambda: self.reconciler.stand_down(),
        )
        self.probe = (
            HoldProbe(probe, settings.namespace, settings.probe_interval_s) if probe else None
        )
        writer = Writer(cluster, self.world, self.may_write)
        self._reviewer = TemplateReviewer(self.world, writer, self._recorder, now)
        self.reconciler = Reconciler(
            self.world,
            writer,
            self.sampler,
            self._stable_pods,
            self._announcer,
            self.queue,
            now,
            acting_since=self._acting_since,
            hold_mode=self._hold_mode,
            status_interval_s=settings.status_interval_s,
        )
        self._alarm = Alarm(
            self.reconciler.contain, self.reconciler.looked_at, now, armed=self.may_write
        )
        self.world.signoffs.on_change(self._command)
        self._synced, self._began = False, now()
        exporter.LEADING.set_function(lambda: float(self.may_write()))

    def may_write(self) -> bool:
        """Leadership, asked before every write."""
        return not self._settings.leader_election or self._lease.is_leader

    def unready(self) -> str:
        """Why this process is not ready; empty when it is."""
        behind = [str(r.resource) for r in self.world.reflectors if r.problem]
        if not self._synced:
            return f"waiting for the first lists {', '.join(behind)}".strip()
        return ""

    async def run(self) -> None:
        """Run until cancelled."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.sampler)
            stack.push_async_callback(self._stable_pods.close)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.world.run(self.queue.add), name="caches")
                group.create_task(self._recorder.run(), name="events")
                await self.world.synced()
                self._synced, self._began = True, self._now()
                if self.probe is not None:
                    self.probe.on_change(self._look_at_all)
                    await self.probe.probe()
                    group.create_task(self.probe.run(), name="probe")
                if self._settings.leader_election:
                    group.create_task(self._lease.run(), name="lease")
                elected = self._lease.elected if self._settings.leader_election else None
                group.create_task(self._alarm.run(), name="alarm")
                group.create_task(self._reviewer.run(elected), name="templates")
                for number in range(self._settings.workers):
                    group.create_task(self._work(), name=f"worker {number}")

    async def _work(self) -> NoReturn:
        while True:
            if self._settings.leader_election:
                await self._lease.elected.wait()
            key = await self.queue.get()
            try:
                with exporter.RECONCILE_SECONDS.time():
                    await self._look(key)
            finally:
                self.queue.done(key)

    async def _look(self, key: Key) -> None:
        """One look, and what follows from its failure: nothing here stops another key."""
        if not self.may_write():
            self.queue.add(key, delay_s=1.0)
            return
        try:
            await self.reconciler.reconcile(key)
        except Conflict as error:
            log.debug("moved on", release=str(key), error=str(error))
            self.queue.retry(key, priority=Priority.URGENT, backoff=CONFLICT)
        except NotLeading:
            self.queue.add(key, delay_s=1.0)
        except ApiError as error:
            wait_s = self.queue.retry(
                key, priority=Priority.URGENT, at_least_s=error.retry_after_s or 0.0
            )
            exporter.RECONCILE_ERRORS.labels(kind=type(error).__name__).inc()
            self._announcer.refused(key, self.world.rollouts.store.get(key), error)
            log.warning("api error", release=str(key), error=str(error), retry_in_s=wait_s)
        except Exception as error:  # one key's bug must not stop the others
            wait_s = self.queue.retry(key)
            exporter.RECONCILE_ERRORS.labels(kind=type(error).__name__).inc()
            log.exception("look failed", release=str(key), retry_in_s=wait_s)

    def _acting_since(self) -> datetime:
        """Since when somebody is there to act: waits count from then (decision 0007)."""
        return self._lease.led_since or self._began

    def _hold_mode(self) -> HoldMode | None:
        return self.probe.mode if self.probe else HoldMode.ON_CHANGE

    def _urgent(self, key: Key) -> None:
        self.queue.add(key, priority=Priority.URGENT)
        self._alarm.hear(key)

    def _command(self, _old: object, new: Seen[Signoff] | None) -> None:
        if isinstance(new, Signoff) and not new.status.state:
            self._urgent(Key(new.namespace, new.spec.rollout))

    def _look_at_all(self) -> None:
        for rollout in self.world.rollouts.store:
            self.queue.add(rollout.key, priority=Priority.BACKGROUND)


async def run(settings: Settings, *, address: Callable[[str], str] = lambda ip: ip) -> None:
    """`blastdoor run`: the operator on a real cluster until SIGTERM or SIGINT."""
    logs.configure(settings.log_format, settings.log_level)
    source = source_of(settings.kubeconfig, settings.context)
    async with AsyncExitStack() as stack:
        # Leadership is asked before each write: none may wait, and go out when it is another's.
        cluster = await stack.enter_async_context(ApiServer(source, resend_writes=False))
        probe = await stack.enter_async_context(
            ApiServer(ProbeAccount(source, cluster, settings.namespace))
        )
        tools = await stack.enter_async_context(lend_tools(address=address))
        operator = Operator(
            cluster, tools, settings, now=steady_now(), wall=system_now, probe=probe
        )
        if settings.port >= 0:
            serving = health.serve(settings.listen, settings.port, operator.unready)
            port = await stack.enter_async_context(serving)
            log.info("serving", address=f"{settings.listen}:{port}")
        task = asyncio.create_task(operator.run(), name="operator")
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            log.info("stopped")
