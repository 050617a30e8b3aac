"""From what was seen to what is claimed: seconds, orders lost, and what all at once would cost.

Every number comes from the true ledger: the first lost order of a version, the last order that the
version answered (weight 0 in effect at the gateway), orders tried and orders placed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from controller.local.demo.play import Ended, Record
from controller.local.ledger import Ledger

NOTICEABLE = 3
"""Orders that a healthy version may lose to a cut connection before it is called a loss."""


@dataclass(frozen=True)
class Result:
    """One row of the summary."""

    name: str
    origin: str
    outcome: str
    reason: str
    seconds_to_zero: float | None
    orders_lost: int
    orders_offered: int
    peak_weight: float
    all_at_once: int
    """Orders that the release would have lost in the same seconds with all the traffic."""
    as_expected: bool

    def row(self) -> dict[str, object]:
        """As `.demo/result.json` holds it."""
        return asdict(self)


def results(record: Record) -> list[Result]:
    """One result for each release that ended."""
    return [_result(ended, record.ledger) for ended in record.ended]


def _result(e: Ended, ledger: Ledger) -> Result:
    version = e.release.version
    offered = ledger.summary((e.began, e.ended))
    own = ledger.summary((e.began, e.ended), version)
    seconds, all_at_once = None, 0
    first = ledger.first_lost(version)
    if first is not None and own.lost > NOTICEABLE:
        last = max(a.sent_at for a in ledger.attempts if a.version == version)
        seconds = round(last - first, 2)
        during = ledger.summary((first, last))
        all_at_once = round(during.tried * own.lost / max(1, own.tried))
    return Result(
        name=version,
        origin=e.release.origin,
        outcome=e.outcome,
        reason=e.reason,
        seconds_to_zero=seconds,
        orders_lost=own.lost,
        orders_offered=offered.tried,
        peak_weight=e.peak_weight,
        all_at_once=all_at_once,
        as_expected=e.outcome == e.release.expected,
    )
