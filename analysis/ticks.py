"""What one tick of evidence is: an interval, and the counts of both arms in it.

Every statistic of this package is fed with these values and with nothing else. A tick does not
know where the numbers came from, which clock made the interval, or what is decided from them.
Callers: counters (which build counts from raw samples), the e-processes, the simulator.

Absence has a type of its own, :class:`NoData`. It is never zero, never a pass, never a failure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Direction = Literal["Decrease", "Increase"]
"""The side on which a change of the rate is harm: fewer orders, or more errors."""


LARGEST = 1e18
"""No counter counts further; a larger amount is a broken one."""
COMPARABLE = 1e-12
"""Baseline exposures below this part of the canary's are none."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The half-open stretch of time (start_s, end_s], in seconds of any one clock.

    >>> Interval(0, 10).length_s
    10
    >>> Interval(10, 10)
    Traceback (most recent call last):
    ValueError: an interval must end after it starts; came start_s=10, end_s=10
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise ValueError(f"interval ends must be finite; came {self.start_s}, {self.end_s}")
        if not self.end_s > self.start_s:
            raise ValueError(
                "an interval must end after it starts; "
                f"came start_s={self.start_s}, end_s={self.end_s}"
            )

    @property
    def length_s(self) -> float:
        """Seconds between the two ends."""
        return self.end_s - self.start_s

    def already_folded(self, window_end_s: float) -> bool:
        """Whether a state that ends at ``window_end_s`` has this interval in it already.

        Raises ValueError for an interval that lies half inside: counting it would count the
        inner part twice, leaving it out would lose the rest. Ends that only rounding separates
        are one.

        >>> Interval(40.123, 50.123).already_folded(40.123000000000005)
        False
        """
        if self.end_s <= window_end_s + self._rounding_s:
            return True
        if self.start_s < window_end_s - self._rounding_s:
            raise ValueError(
                f"tick ({self.start_s}, {self.end_s}] overlaps what was folded up to "
                f"{window_end_s}; ticks must be disjoint and in order"
            )
        return False

    def continues(self, window_end_s: float) -> bool:
        """Whether nothing lies between ``window_end_s`` and this interval."""
        return self.start_s <= window_end_s + self._rounding_s

    @property
    def _rounding_s(self) -> float:
        """What sums of times may be off: a millionth of the tick, or a few last bits."""
        return max(1e-6 * self.length_s, 4.0 * math.ulp(self.end_s))


@dataclass(frozen=True, slots=True)
class NoData:
    """Nothing can be said of this metric in this tick, and why."""

    reason: str


def amounts(value: npt.ArrayLike, what: str) -> FloatArray:
    """``value`` as finite floats >= 0 of any shape, no larger than any counter; else ValueError."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        number = float(array)
        if not 0.0 <= number <= LARGEST:
            _refuse(number, what)
    elif array.size and not (array.min() >= 0.0 and array.max() <= LARGEST):
        _refuse(float(array[~((array >= 0.0) & (array <= LARGEST))].flat[0]), what)
    return array


def _refuse(number: float, what: str) -> None:
    allowed = "finite and >= 0" if not LARGEST < number < math.inf else f"at most {LARGEST:g}"
    raise ValueError(f"{what} must be {allowed}; came {number}")


class Counts:
    """Events and exposures of both arms in one tick; arrays of any common leading shape.

    Events may be fractional (order value over its cap). Exposures are what the events are
    counted per: sessions, requests, pod-seconds, observed where the canary cannot influence
    them. ``bounded`` declares that an exposure gives at most one event (a share metric).

    >>> Counts(canary_events=3, canary_exposures=100, baseline_events=40, baseline_exposures=900)
    Counts(canary 3/100, baseline 40/900)
    >>> Counts(5, 4, 0, 4, bounded=True)
    Traceback (most recent call last):
    ValueError: a share metric cannot have more events than exposures; came canary 5/4
    """

    __slots__ = ("baseline_events", "baseline_exposures", "canary_events", "canary_exposures")

    def __init__(
        self,
        canary_events: npt.ArrayLike,
        canary_exposures: npt.ArrayLike,
        baseline_events: npt.ArrayLike,
        baseline_exposures: npt.ArrayLike,
        *,
        bounded: bool = False,
    ) -> None:
        self.canary_events = amounts(canary_events, "canary events")
        self.canary_exposures = amounts(canary_exposures, "canary exposures")
        self.baseline_events = amounts(baseline_events, "baseline events")
        self.baseline_exposures = amounts(baseline_exposures, "baseline exposures")
        self._of_one_shape()
        if bounded:
            self._at_most_one_event_each()

    def _of_one_shape(self) -> None:
        shapes = [getattr(self, name).shape for name in self.__slots__]
        if any(shape != shapes[0] for shape in shapes):
            try:
                np.broadcast_shapes(*shapes)
            except ValueError as error:
                came = ", ".join(map(str, shapes))
                raise ValueError(f"counts must broadcast to one shape; came {came}") from error

    def _at_most_one_event_each(self) -> None:
        for arm in ("canary", "baseline"):
            events, exposures = getattr(self, f"{arm}_events"), getattr(self, f"{arm}_exposures")
            if np.any(events > exposures):
                came = f"{arm} {events.max():g}/{exposures.max():g}"
                raise ValueError(
                    f"a share metric cannot have more events than exposures; came {came}"
                )

    @property
    def canary_fraction(self) -> FloatArray:
        """Canary exposures over all exposures, in [0, 1]; 0 where there are none at all."""
        total = self.canary_exposures + self.baseline_exposures
        return np.asarray(self.canary_exposures / np.where(total > 0.0, total, 1.0))

    @property
    def compared(self) -> npt.NDArray[np.bool_]:
        """Where the baseline has enough exposures for rho = N_c / N_b to be a number."""
        return np.asarray(self.baseline_exposures > COMPARABLE * (1.0 + self.canary_exposures))

    @property
    def exposed(self) -> npt.NDArray[np.bool_]:
        """Where any exposure was counted; elsewhere the tick says nothing."""
        return np.asarray(self.canary_exposures + self.baseline_exposures > 0.0)

    def __repr__(self) -> str:
        def show(value: FloatArray) -> str:
            return f"{float(value):g}" if value.ndim == 0 else f"array{value.shape}"

        return (
            f"Counts(canary {show(self.canary_events)}/{show(self.canary_exposures)}, "
            f"baseline {show(self.baseline_events)}/{show(self.baseline_exposures)})"
        )


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of one comparison, or of many at once.

    share: canary share of the traffic as configured, in (0, 1); chooses the grid of a new step,
        never the null hypothesis. step: index of the ladder step, >= 0; another value than the
        last tick's is a new start. missing: True (or an array) where either arm has no data:
        the tick is then dropped for both. widen: >= 1, known before the tick, moves the edge of
        the harm hypothesis outwards by this ratio (split mismatch). restart: the baseline
        changed, so a new start is drawn though the step is the same. temper: >= 1, known before
        the tick, divides its evidence (batches; see dispersion).
    """

    interval: Interval
    counts: Counts
    share: npt.ArrayLike
    step: npt.ArrayLike = 0
    missing: npt.ArrayLike = False
    widen: npt.ArrayLike = 1.0
    restart: npt.ArrayLike = False
    temper: npt.ArrayLike = 1.0

    def __post_init__(self) -> None:
        share = np.asarray(self.share)
        if not ((share > 0.0) & (share < 1.0)).all():
            raise ValueError(f"share must lie inside (0, 1); came {self.share!r}")
        for name, least, allowed in (
            ("step", 0.0, "an index >= 0"),
            ("widen", 1.0, "a finite ratio >= 1"),
            ("temper", 1.0, "a finite dispersion >= 1"),
        ):
            value = np.asarray(getattr(self, name))
            if not ((value >= least) & (value < math.inf)).all():
                raise ValueError(f"{name} must be {allowed}; came {value!r}")

    @property
    def informative(self) -> npt.NDArray[np.bool_]:
        """Where the tick has counts of both arms to learn from."""
        return np.asarray(~np.asarray(self.missing, dtype=bool) & self.counts.exposed)
