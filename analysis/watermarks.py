"""When is a tick complete, if orders are told minutes after they happened? Watermarks.

Orders from a queue carry the time at which they happened, and arrive late, out of order, and not
equally late for both arms: a consumer of the canary's topic that lags would look like loss. So
each amount is put into the tick in which it happened; each of the four groups (events and
exposures of both arms) has a watermark, "up to here all has been told"; and a tick is closed once
all four have passed its end. What comes after that for a closed tick is counted and reported,
never added: a tick that changes after it was judged would void every guarantee. If one group stays
behind for longer than the patience, its ticks close as missing for both arms.

An outage must not hide as lateness: a group that is empty has no newest event to take a watermark
from, so its source must declare one (the queue's position, a heartbeat). Units must be distinct (a
message that is delivered twice is two orders here: drop repeated ids before).

It knows times and amounts; no clock, no queue, no metric. Called by whoever feeds a release from
an event stream; the ticks go to ``update``. Assumed: lateness beyond the allowance does not depend
on the arm. ``late_shares`` shows whether it does; if they differ by as much as what is tolerated,
that is a reason to hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.pairing import GROUPS
from analysis.ticks import Counts, FloatArray, Interval, NoData, amounts

NOTHING = (0.0, 0.0, 0.0, 0.0)
Sums = tuple[float, float, float, float]
"""Amounts by group, in the order of GROUPS: canary events, canary exposures, baseline's both."""
FARTHEST_TICKS = 1e12
MOST_TICKS_AT_ONCE = 100_000
"""A watermark that leaps further than this many ticks is a broken clock, not progress."""


@dataclass(frozen=True, slots=True)
class WatermarkSpec:
    """How long to wait. Seconds of the events' own clock.

    tick_s: width of a tick, > 0. lateness_s: how much later than the newest of its group an event
    may still come, >= 0; a watermark follows the newest at this distance unless the source
    declares one. patience_s: how far one group may stay behind another before its ticks are
    missing, > 0. origin_s: start of the first tick; what happened at or before it is late.

    >>> WatermarkSpec(tick_s=0.0)
    Traceback (most recent call last):
    ValueError: tick_s must be finite and > 0 seconds; came 0.0
    """

    tick_s: float
    lateness_s: float = 60.0
    patience_s: float = 300.0
    origin_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("tick_s", "patience_s"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise ValueError(f"{name} must be finite and > 0 seconds; came {value}")
        if not 0.0 <= self.lateness_s < math.inf:
            raise ValueError(f"lateness_s must be finite and >= 0; came {self.lateness_s}")
        if not math.isfinite(self.origin_s):
            raise ValueError(f"origin_s must be finite; came {self.origin_s}")

    def interval(self, tick: int) -> Interval:
        """The stretch of time of a tick, (start, end]."""
        start_s, end_s = (self.origin_s + place * self.tick_s for place in (tick, tick + 1))
        return Interval(start_s, end_s)

    def ticks_passed(self, mark_s: float) -> int:
        """How many ticks end at or before ``mark_s``."""
        return max(0, math.floor((mark_s - self.origin_s) / self.tick_s + 1e-9))


class ClosedTick(NamedTuple):
    """A tick that will not change any more: its counts, or why both arms miss it."""

    interval: Interval
    counts: Counts | NoData


@dataclass(frozen=True, slots=True)
class WatermarkState:
    """Ticks that are still open, the four watermarks, and what came too late.

    next_tick: the first that is not closed. late: sums of what came for closed ticks or before
    the origin, and of what abandoned ticks held. told: sums of all that came, late or not.
    """

    open: Mapping[int, Sums] = field(default_factory=dict)
    marks_s: tuple[float | None, float | None, float | None, float | None] = (None,) * 4
    next_tick: int = 0
    late: Sums = NOTHING
    told: Sums = NOTHING

    def late_shares(self) -> tuple[float | None, float | None]:
        """Late events over all events, (canary, baseline); None before an arm has any."""
        canary, baseline = (
            self.late[place] / self.told[place] if self.told[place] > 0.0 else None
            for place in (0, 2)
        )
        return canary, baseline

    def to_json(self) -> dict[str, Any]:
        """JSON values; read them with ``from_json``."""
        return {
            "v": 1,
            "open": [[tick, *sums] for tick, sums in sorted(self.open.items())],
            "marks": list(self.marks_s),
            "next": self.next_tick,
            "late": list(self.late),
            "told": list(self.told),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> WatermarkState:
        """The state that ``to_json`` wrote; ValueError for another version."""
        if document.get("v") != 1:
            raise ValueError(f"watermark state must be of version 1; came {document.get('v')!r}")
        missing = {"open", "marks", "next", "late", "told"} - set(document)
        if missing:
            raise ValueError(f"watermark state lacks {', '.join(sorted(missing))}; came {document}")
        a, b, c, d = document["marks"]
        return cls(
            {int(tick): _four(sums) for tick, *sums in document["open"]},
            (a, b, c, d),
            int(document["next"]),
            _four(document["late"]),
            _four(document["told"]),
        )


def add_arrivals(
    spec: WatermarkSpec,
    state: WatermarkState,
    group: str,
    at_s: npt.ArrayLike,
    amount: npt.ArrayLike = 1.0,
    *,
    watermark_s: float | None = None,
) -> WatermarkState:
    """What arrived of one group, in any order: amounts, and the times at which they happened.

    group: one of GROUPS. at_s, amount: broadcast to one list, which may be empty; times finite,
    amounts finite and >= 0. watermark_s: what the source itself declares complete (the position
    in a queue, a heartbeat of an idle group); else the newest time less the allowed lateness. A
    watermark never goes back.

    >>> spec, state = WatermarkSpec(tick_s=10, lateness_s=5), WatermarkState()
    >>> for group in GROUPS:
    ...     state = add_arrivals(spec, state, group, [12.0, 3.0, 16.0])
    >>> state, closed = close_ticks(spec, state)
    >>> [(one.interval.end_s, one.counts) for one in closed]
    [(10.0, Counts(canary 1/1, baseline 1/1))]
    >>> state = add_arrivals(spec, state, "canary events", 9.0)
    >>> state.late, state.late_shares()
    ((1.0, 0.0, 0.0, 0.0), (0.25, 0.0))
    """
    if group not in GROUPS:
        raise ValueError(f"group must be one of {', '.join(GROUPS)}; came {group!r}")
    place = GROUPS.index(group)
    times, came = np.broadcast_arrays(
        np.atleast_1d(np.asarray(at_s, dtype=np.float64)), amounts(amount, group)
    )
    if not (np.abs(times - spec.origin_s) <= FARTHEST_TICKS * spec.tick_s).all():
        raise ValueError(
            f"times of events must be finite and within {FARTHEST_TICKS:g} ticks of the origin; "
            f"came {at_s!r}"
        )
    mark = _watermark(spec, times, watermark_s)
    # a tick is (start, end], so what happened at its very end belongs to it
    ticks = np.ceil((times - spec.origin_s) / spec.tick_s).astype(np.int64) - 1
    opened, late, told = dict(state.open), state.late, state.told
    for tick in np.unique(ticks):
        some = float(came[ticks == tick].sum())
        told = _plus(told, place, some)
        if tick < state.next_tick:
            late = _plus(late, place, some)
        else:
            opened[int(tick)] = _plus(opened.get(int(tick), NOTHING), place, some)
    marks = list(state.marks_s)
    old = marks[place]
    marks[place] = mark if old is None else old if mark is None else max(old, mark)
    return replace(
        state, open=opened, late=late, told=told, marks_s=(marks[0], marks[1], marks[2], marks[3])
    )


def close_ticks(
    spec: WatermarkSpec, state: WatermarkState
) -> tuple[WatermarkState, list[ClosedTick]]:
    """The ticks that all watermarks have passed since the last call, in order.

    A group that is more than the patience behind the fastest closes its ticks as missing; one
    that never told or declared anything counts as being at the origin.
    """
    marks = [spec.origin_s if mark is None else mark for mark in state.marks_s]
    done = spec.ticks_passed(min(marks))
    upto = max(done, spec.ticks_passed(max(marks) - spec.patience_s), state.next_tick)
    if upto - state.next_tick > MOST_TICKS_AT_ONCE:
        raise ValueError(
            f"a watermark may pass at most {MOST_TICKS_AT_ONCE} ticks at once; "
            f"it went from tick {state.next_tick} to {upto}"
        )
    slow = GROUPS[int(np.argmin(marks))]
    behind = NoData(f"{slow}: the watermark is {max(marks) - min(marks):.0f} s behind")
    closed, late = [], state.late
    for tick in range(state.next_tick, upto):
        sums = state.open.get(tick, NOTHING)
        if tick < done:
            closed.append(ClosedTick(spec.interval(tick), Counts(*sums)))
        else:
            closed.append(ClosedTick(spec.interval(tick), behind))
            late = _four([a + b for a, b in zip(late, sums, strict=True)])
    left = {tick: sums for tick, sums in state.open.items() if tick >= upto}
    return replace(state, open=left, next_tick=upto, late=late), closed


def _watermark(spec: WatermarkSpec, times: FloatArray, declared_s: float | None) -> float | None:
    if declared_s is not None:
        if not math.isfinite(declared_s):
            raise ValueError(f"watermark_s must be finite; came {declared_s}")
        return float(declared_s)
    return float(times.max()) - spec.lateness_s if times.size else None


def _plus(sums: Sums, place: int, amount: float) -> Sums:
    more = list(sums)
    more[place] += amount
    return _four(more)


def _four(values: Any) -> Sums:
    a, b, c, d = (float(value) for value in values)
    return a, b, c, d
