"""What can be said of the evidence of a release: the verdicts, their reasons, and one assessment.

Values only. Made by verdict, put into words by explain, read by whoever acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analysis.evidence import MetricEvidence


class Verdict(StrEnum):
    """The four answers."""

    ROLLBACK = "ROLLBACK"
    HOLD = "HOLD"
    STEP_UP = "STEP_UP"
    NO_EVIDENCE = "NO_EVIDENCE"


class Reason(StrEnum):
    """Why; stable strings for conditions, events, labels and logs."""

    HARM_FOUND = "HarmFound"
    HARD_RULE = "HardRule"
    HARM_SUSPECTED = "HarmSuspected"
    HELD = "Held"
    NO_DATA = "NoData"
    DATA_MISSING = "DataMissing"
    BAKING = "Baking"
    TOO_FEW_EVENTS = "TooFewEvents"
    HARM_UNSEEN = "HarmUnseen"
    EVIDENCE_PENDING = "EvidencePending"
    HOLD_EXPIRED = "HoldExpired"
    HARM_EXCLUDED = "HarmExcluded"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict, its reason, one plain sentence, and the numbers behind them.

    log_e against log_rollback decides a rollback, log_promote against log_promote_needed a step;
    highest_log_e is what log_e once reached. guilty: metrics named after an alarm, the strongest
    first. waiting: what stands between the release and the next step, also under an expired hold;
    None: nothing. missing: largest missing share of a required metric. eta_s: seconds until the
    step may go up at the present pace; None if unknown or never. orders_lost: of the risk metric.
    """

    verdict: Verdict
    reason: Reason
    waiting: Reason | None
    explain: str
    log_e: float
    highest_log_e: float
    log_rollback: float
    log_promote: float
    log_promote_needed: float
    guilty: tuple[str, ...]
    missing: float
    orders_lost: float
    eta_s: float | None
    metrics: tuple[MetricEvidence, ...]
