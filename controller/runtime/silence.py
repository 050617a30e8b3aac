"""Which metrics of a run say nothing at the moment, why, and since when. Values only, no clock.

It keeps what people are told of missing data; what missing data mean for the evidence is the
analysis' question. Called by `folding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analysis.ticks import Counts, Interval, NoData
from controller.runtime.evidence import NoDataNote


@dataclass(frozen=True)
class Silence:
    """The metrics without data as of the last tick; no notes: all of them speak."""

    notes: tuple[NoDataNote, ...] = ()
    since: datetime | None = None
    """Start of the first of the ticks without data that lead up to now."""
    stalled: bool = False
    """No tick can be made at all, and that has been said."""

    def over(self) -> Silence:
        """What was silent before is not held against what comes now."""
        return replace(self, notes=(), since=None)

    def after(self, counts: Mapping[str, Counts | NoData], interval: Interval) -> Silence:
        """Once this tick is folded: a silence goes on, begins with the tick, or is over."""
        notes = tuple(
            NoDataNote(name, one.reason) for name, one in counts.items() if isinstance(one, NoData)
        )
        return Silence(notes, (self.since or _moment(interval.start_s)) if notes else None)

    def begun(self, reasons: Mapping[str, str], at_s: float, *, stalled: bool = False) -> Silence:
        """Metrics fell silent at a time that no tick tells of; reasons by metric."""
        notes = tuple(NoDataNote(name, reason) for name, reason in reasons.items())
        return Silence(notes, _moment(at_s), stalled or self.stalled)


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
