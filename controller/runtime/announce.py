"""What people hear: one Event and one log line for each thing that happened, none for nothing."""

from __future__ import annotations

import structlog

from controller.api.kinds import Rollout
from controller.api.meta import Key, Object
from controller.api.resources import CHANGES, ROLLOUTS
from controller.core.decision import Decision, Note
from controller.core.observed import Observed
from controller.core.phases import CARRYING
from controller.core.reasons import WARNINGS, Reason
from controller.core.run import phase, running
from controller.kube.events import EventRecorder, EventType
from controller.kube.port import ApiError, Forbidden, Invalid, Malformed
from controller.runtime import exporter

log = structlog.get_logger(__name__)


class Announcer:
    """Turns notes and changed reasons into Events, log lines and counters."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder
        self._malformed: dict[Key, str] = {}
        self._said: dict[Key, str] = {}
        self._phases: dict[Key, str] = {}
        self._blind: set[Key] = set()

    def announce(self, o: Observed, d: Decision) -> None:
        """Tell what this decision changed."""
        key = o.rollout.key
        notes = list(d.notes)
        before = self._said.get(key, o.rollout.status.reason)
        if before != d.reason.value and all(n.reason is not d.reason for n in notes):
            notes.append(Note(d.reason, d.message))
        self._said[key] = d.reason.value
        change = running(o)
        for note in notes:
            kind: EventType = "Warning" if note.reason in WARNINGS else "Normal"
            self._recorder.record(ROLLOUTS, o.rollout, note.reason.value, note.message, type=kind)
            if change is not None:
                self._recorder.record(CHANGES, change, note.reason.value, note.message, type=kind)
            log.info(
                note.reason.value, release=str(key), rule=d.rule, message=note.message,
                change=change.name if change else "", weight_pct=o.traffic.weight,
            )  # fmt: skip
            exporter.NOTES.labels(reason=note.reason.value).inc()
        exporter.DECISIONS.labels(rule=d.rule).inc()
        self._count(key, d.rollout_status.phase)
        self._see(key, blind=_blind(o))

    def refused(self, key: Key, rollout: Rollout | None, error: ApiError) -> None:
        """A write that will not succeed by itself: people must give a right or mend an object."""
        if rollout is None or not isinstance(error, Forbidden | Invalid):
            return
        text = f"{error}; it is tried again, and until then the release gets no further"
        reason = Reason.WRITE_REFUSED.value
        self._recorder.record(ROLLOUTS, rollout, reason, text, type="Warning")
        exporter.NOTES.labels(reason=reason).inc()

    def gone(self, key: Key) -> None:
        """The Rollout is deleted."""
        self._said.pop(key, None)
        self._malformed.pop(key, None)
        self._count(key, "")
        self._see(key, blind=False)

    def _count(self, key: Key, phase: str) -> None:
        """Keep the gauge of Rollouts by phase true; an empty phase takes the Rollout out."""
        before = self._phases.pop(key, "")
        if before:
            exporter.ROLLOUTS.labels(phase=before).dec()
        if phase:
            exporter.ROLLOUTS.labels(phase=phase).inc()
            self._phases[key] = phase

    def _see(self, key: Key, *, blind: bool) -> None:
        """Keep the gauge of runs without data true."""
        (self._blind.add if blind else self._blind.discard)(key)
        exporter.BLIND.set(len(self._blind))

    def malformed(self, key: Key, wrong: Malformed) -> None:
        """An object that cannot be read: said once for each way in which it is wrong."""
        if self._malformed.get(key) == wrong.problem:
            return
        self._malformed[key] = wrong.problem
        item = Object(metadata=wrong.metadata)
        self._recorder.record(ROLLOUTS, item, Reason.INVALID.value, wrong.problem, type="Warning")
        log.warning(Reason.INVALID.value, release=str(key), message=wrong.problem)


def _blind(o: Observed) -> bool:
    """The canary has traffic in force, and a metric gives no data, or nothing is judged at all."""
    change = running(o)
    if change is None or phase(o) not in CARRYING or change.status.in_force_since is None:
        return False
    return o.evidence is None or bool(o.evidence.no_data)
