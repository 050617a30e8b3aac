"""How much of the recent past is missing: a ring of ten buckets of seen and missing seconds.

Missing ticks are dropped for both arms, which is only sound while few are missing; the verdict
holds above a limit. It knows seconds, not metrics. Called by release.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ticks import FloatArray, Interval

BUCKETS = 10


@dataclass(frozen=True, slots=True)
class GapMemory:
    """Seen and missing seconds by bucket, shape ``(10, 2, ...)``; bucket: index of the newest."""

    seconds: FloatArray
    bucket: int | None = None
    window_end_s: float | None = None

    @classmethod
    def start(cls, shape: tuple[int, ...] = ()) -> GapMemory:
        """Nothing seen and nothing missed."""
        return cls(np.zeros((BUCKETS, 2, *shape)))

    def with_tick(
        self,
        interval: Interval,
        missing: npt.ArrayLike,
        window_s: float,
        entering: npt.ArrayLike = False,
    ) -> GapMemory:
        """One more tick; time that no tick covered since the last one is missing as well.

        Not where the tick is the first of a step (``entering``): before it the step's weight was
        not in force, and there was nothing to compare.
        """
        bucket = int(interval.start_s // (window_s / BUCKETS))
        ring = self.seconds.copy()
        if self.bucket is not None:
            for stale in range(max(self.bucket + 1, bucket - BUCKETS + 1), bucket + 1):
                ring[stale % BUCKETS] = 0.0
        here = ring[bucket % BUCKETS]
        absent = np.asarray(missing, dtype=bool)
        here[0] += np.where(absent, 0.0, interval.length_s)
        here[1] += np.where(absent, interval.length_s, 0.0)
        if self.window_end_s is not None:
            uncovered_s = min(interval.start_s - self.window_end_s, window_s)
            here[1] += np.where(np.asarray(entering, dtype=bool), 0.0, uncovered_s)
        return GapMemory(ring, bucket, interval.end_s)

    def missing_share(self) -> FloatArray:
        """Missing part of the window, in [0, 1]; 0 before the first tick.

        >>> memory = GapMemory.start().with_tick(Interval(0, 10), False, 600.0)
        >>> float(memory.with_tick(Interval(10, 20), True, 600.0).missing_share())
        0.5
        """
        seen, missing = self.seconds.sum(axis=0)
        total = seen + missing
        return np.asarray(missing / np.where(total > 0.0, total, 1.0))
