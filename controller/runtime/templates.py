"""Says on each AnalysisTemplate whether it can be used, long before a release comes to need it.

A queue and a worker of its own: no release waits for it, and it decides nothing. What a Rollout
makes of its templates is the reconciler's.
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

import structlog

from controller.api.kinds import AnalysisTemplate
from controller.api.meta import Key
from controller.api.resources import ANALYSIS_TEMPLATES
from controller.api.template import AnalysisTemplateSpec
from controller.core.reasons import Reason
from controller.core.template_status import template_status
from controller.kube.events import EventRecorder
from controller.kube.port import ApiError, Malformed
from controller.kube.queue import Priority, WorkQueue
from controller.kube.store import Seen, key_of
from controller.metrics.usable import problems_of
from controller.runtime.acts.writer import NotLeading, Writer
from controller.runtime.clock import Now
from controller.runtime.unread import unread
from controller.runtime.world import World

log = structlog.get_logger(__name__)

_UNREAD = unread(ANALYSIS_TEMPLATES)


class TemplateReviewer:
    """Reviews each template when it changes; writes only what is not said yet."""

    def __init__(self, world: World, writer: Writer, recorder: EventRecorder, now: Now) -> None:
        self._world, self._writer, self._recorder, self._now = world, writer, recorder, now
        self._queue: WorkQueue[Key] = WorkQueue()
        self._unreadable: dict[Key, str] = {}
        world.templates.on_change(self._heard)

    async def run(self, elected: asyncio.Event | None) -> NoReturn:
        """Review for ever, while elected (None: always)."""
        while True:
            if elected is not None:
                await elected.wait()
            key = await self._queue.get()
            try:
                await self.review(key)
                self._queue.forget(key)
            except (ApiError, NotLeading) as error:
                wait_s = self._queue.retry(key, priority=Priority.BACKGROUND)
                log.info(
                    "template not told", template=str(key), error=str(error), retry_in_s=wait_s
                )
            except Exception:  # one template's bug must not stop the others
                self._queue.retry(key, priority=Priority.BACKGROUND)
                log.exception("review failed", template=str(key))
            finally:
                self._queue.done(key)

    async def review(self, key: Key) -> None:
        """Write on one template what is not said on it yet; raises what the server answers."""
        seen = self._world.templates.store.seen(key)
        problem = seen.problem if isinstance(seen, Malformed) else ""
        if seen is None:
            self._unreadable.pop(key, None)
            return
        if problem and self._unreadable.get(key) == problem:
            return
        template, wrong = self._read(seen)
        status = template_status(template, wrong, self._now())
        if status == template.status:
            return
        await self._writer.status(_UNREAD, template, status)
        self._unreadable[key] = problem  # whose status we cannot read, so it is told only once
        if wrong:
            self._recorder.record(
                ANALYSIS_TEMPLATES, template, Reason.INVALID.value, wrong, type="Warning"
            )
            log.warning(Reason.INVALID.value, template=str(key), message=wrong)

    def _read(self, seen: Seen[AnalysisTemplate]) -> tuple[AnalysisTemplate, str]:
        if isinstance(seen, Malformed):
            blank = AnalysisTemplateSpec(provider={}, metrics=())
            return AnalysisTemplate(metadata=seen.metadata, spec=blank), seen.problem
        found = problems_of(seen, self._world.plugins.providers)
        return seen, "; ".join(str(problem) for problem in found)

    def _heard(
        self, old: Seen[AnalysisTemplate] | None, new: Seen[AnalysisTemplate] | None
    ) -> None:
        if new is not None:
            self._queue.add(key_of(new), priority=Priority.BACKGROUND)
