"""The operator's own metrics: one for each question that its operator asks; no object names."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from controller.core.reasons import Reason

DECISIONS: Final = Counter(
    "blastdoor_decisions_total", "Looks at a Rollout, by the rule that answered.", ("rule",)
)
NOTES: Final = Counter(
    "blastdoor_notes_total", "Things that happened to releases, by reason.", ("reason",)
)
for _reason in Reason:
    NOTES.labels(reason=_reason.value)  # from 0, so that the first of each is an increase
RECONCILE_SECONDS: Final = Histogram(
    "blastdoor_reconcile_seconds",
    "Time of one look, writes included.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
RECONCILE_ERRORS: Final = Counter(
    "blastdoor_reconcile_errors_total", "Looks that ended in an error, by its kind.", ("kind",)
)
QUEUE_WAIT_SECONDS: Final = Histogram(
    "blastdoor_queue_wait_seconds",
    "Time between a Rollout being due and being looked at.",
    buckets=(0.001, 0.01, 0.1, 1, 10),
)
ROLLOUTS: Final = Gauge("blastdoor_rollouts", "Rollouts, by phase.", ("phase",))
BLIND: Final = Gauge(
    "blastdoor_rollouts_blind", "Rollouts whose run has a metric that gives no data right now."
)
LEADING: Final = Gauge("blastdoor_leading", "1 while this process may write.")
HOLD_ACTS: Final = Gauge(
    "blastdoor_hold_acts", "1 while the API server pauses edits of adopted Deployments."
)
