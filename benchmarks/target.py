"""One target of a detection result: its limit, what was measured, and whether that keeps it.

It is met if the measured value keeps the limit; met "within error" if it lies beyond it by at most
two standard errors of the runs made, and missed otherwise. A row without a limit is there to be
seen.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Target(NamedTuple):
    """One row. point: of the list of targets; limit: None for a row that is only shown."""

    point: int
    what: str
    measured: float
    limit: float | None
    se: float | None = None
    runs: int | None = None
    at_least: bool = False

    @property
    def beyond(self) -> float:
        """How far the measured value lies on the wrong side of its limit; <= 0 if it does not."""
        if self.limit is None:
            return -math.inf
        return (self.limit - self.measured) if self.at_least else (self.measured - self.limit)

    @property
    def met(self) -> str:
        """yes, within error, no; or shown."""
        if self.limit is None:
            return "shown"
        if self.beyond <= 0.0:
            return "yes"
        return "within error" if self.beyond <= 2.0 * (self.se or 0.0) else "no"

    def row(self) -> dict[str, Any]:
        """As it stands in the result file."""
        sign = None if self.limit is None else ">=" if self.at_least else "<="
        return {
            "point": self.point,
            "target": self.what,
            "sign": sign,
            "limit": self.limit,
            "measured": self.measured,
            "se": self.se,
            "runs": self.runs,
            "met": self.met,
        }
