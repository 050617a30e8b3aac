"""Which targets of an arm cover a tick, and from what value each of their series counts in it.

A target is what is read in one go: a pod, or one port of it. Only what it shows of the whole tick
is evidence, so one that came in the middle of it, or fell silent, is left out of events and
exposures together; where it carries only one of the two, the tick is no data. It must not know
arms, providers or clocks. Called by `counting`.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.counters import CounterPolicy, CounterState, Sample, value_at
from analysis.ticks import Interval, NoData
from controller.metrics.presence import Presence, pod_of, target_of

Samples = Mapping[str, Sequence[Sample]]
Times = Mapping[str, Sequence[float]]
"""For each target, when it answered a question, in order."""


@dataclass(frozen=True, slots=True)
class RoleTick:
    """What was read for one question of one arm around a tick, or why there is nothing.

    answered: when each target answered this question, with or without a series of it. silent: pods
    that gave no answer when they were last read, and what came instead.
    """

    samples: Samples | NoData
    answered: Times = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> Samples:
        """The samples by series; none where nothing could be read."""
        return {} if isinstance(self.samples, NoData) else self.samples


@dataclass(frozen=True, slots=True)
class Begun:
    """One role at the start of a tick: what its series count from, and their samples.

    aside: the last value of series that are left out of this tick; they go on from there.
    left_out: targets that can have served something in the tick and are left out, with why.
    """

    group: CounterState
    samples: Samples
    aside: Mapping[str, Sample]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def after(self, folded: CounterState) -> CounterState:
        """The state after the tick, with what was left aside."""
        return CounterState({**self.aside, **folded.last}, folded.watched, folded.window_end_s)


@dataclass(frozen=True, slots=True)
class Edges:
    """A tick, and who was there in it. ended: targets that count no longer, for either arm."""

    interval: Interval
    policy: CounterPolicy
    presence: Presence
    ended: frozenset[str] = frozenset()

    def begin(
        self, roles: Sequence[RoleTick], groups: Sequence[CounterState], *, together: bool
    ) -> list[Begun] | NoData:
        """The roles of one arm (events and exposures, or one histogram) at the tick's start.

        together: all roles are of the same targets, also where one has no series of a target.
        """
        living = [self._living(role, group) for role, group in zip(roles, groups, strict=True)]
        partial: dict[str, str] = {}
        for target in sorted(set().union(*living)):
            why = self._why_partial(target, roles, living)
            if why is None:
                continue
            partial[target] = why
            concerned = self.presence.concerns(pod_of(target), self.interval)
            if concerned and not together and not all(target in keys for keys in living):
                return _refused(target, why)
        if living[-1] and living[-1].keys() <= partial.keys():
            return _refused(min(living[-1]), partial[min(living[-1])])
        return [
            self._begun(role, group, keys, partial)
            for role, group, keys in zip(roles, groups, living, strict=True)
        ]

    def kept(self, role: RoleTick, group: CounterState) -> CounterState:
        """The state after a tick that was not counted: without what has left or ended."""
        keys = [key for some in self._living(role, group).values() for key in some]
        last = {key: group.last[key] for key in keys if key in group.last}
        return CounterState(last, group.watched, group.window_end_s)

    def _living(self, role: RoleTick, group: CounterState) -> dict[str, list[str]]:
        """The series of each target that has not left, nor been silent for so long that it is
        taken to have ended."""
        found: dict[str, list[str]] = {}
        for key in {**group.last, **role.series}:
            target = target_of(key)
            if target in self.ended:
                continue
            last, times = group.last.get(key), role.answered.get(target)
            newest_s = max(last.at_s if last else -math.inf, times[-1] if times else -math.inf)
            silent_s = self.interval.end_s - newest_s
            if silent_s <= self.policy.forget_s and self.presence.stays(target, self.interval):
                found.setdefault(target, []).append(key)
        return found

    def _why_partial(
        self, target: str, roles: Sequence[RoleTick], living: Sequence[Mapping[str, list[str]]]
    ) -> str | None:
        """Why a target says nothing of the whole tick; None if it does."""
        seen: set[tuple[float, float]] = set()
        start_s, end_s = self.interval.start_s, self.interval.end_s
        for role, keys in zip(roles, living, strict=True):
            times = role.answered.get(target, ())
            if not times and target not in keys:
                continue
            why = self.why_unseen(times)
            if why is not None:
                return why
            seen.add((_newest(times, start_s), _newest(times, end_s)))
        if not self.policy.interpolate and len(seen) > 1:
            return "was read at other moments for events than for exposures"
        return None

    def why_unseen(self, times: Sequence[float]) -> str | None:
        """Why the whole tick is not known from a target that answered at these times."""
        start_s, end_s = self.interval.start_s, self.interval.end_s
        return self._why_unknown(times, start_s) or self._why_unknown(times, end_s)

    def _why_unknown(self, times: Sequence[float], edge_s: float) -> str | None:
        """Why nothing is known of a moment from a target that answered at these times."""
        if not times:
            return "shows nothing any more"
        after = bisect.bisect_right(times, edge_s)
        if after == 0:
            return "is seen for the first time: there is no earlier sample to count from"
        gap_s = edge_s - times[after - 1]
        if self.policy.interpolate and gap_s > 0.0:
            if after == len(times):
                return f"has had no sample for {self.interval.end_s - times[-1]:.0f} s"
            gap_s = times[after] - times[after - 1]
        return f"has had no sample for {gap_s:.0f} s" if gap_s > self.policy.stale_s else None

    def _begun(
        self,
        role: RoleTick,
        group: CounterState,
        living: Mapping[str, list[str]],
        partial: Mapping[str, str],
    ) -> Begun:
        last: dict[str, Sample] = {}
        chains: dict[str, Sequence[Sample]] = {}
        aside: dict[str, Sample] = {}
        for target, keys in living.items():
            if target in partial:
                aside |= {key: group.last[key] for key in keys if key in group.last}
                continue
            times = self._around(role.answered[target])
            for key in keys:
                chain = tuple(_filled(group.last.get(key), role.series.get(key, ()), times))
                chains[key] = chain
                base = self._at_start(chain, times[0])
                if base is not None:
                    last[key] = base
        known = last.keys() == chains.keys()
        missed = {
            target: why
            for target, why in partial.items()
            if self.presence.concerns(pod_of(target), self.interval)
        }
        return Begun(CounterState(last, known, self.interval.start_s), chains, aside, missed)

    def _around(self, times: Sequence[float]) -> Sequence[float]:
        """From the last answer at or before the start to the one that the tick ends with."""
        first = bisect.bisect_right(times, self.interval.start_s) - 1
        if self.policy.interpolate:
            return times[first : bisect.bisect_left(times, self.interval.end_s) + 1]
        return times[first : bisect.bisect_right(times, self.interval.end_s)]

    def _at_start(self, chain: Sequence[Sample], answered_s: float) -> Sample | None:
        """What a series counts from."""
        if self.policy.interpolate:
            return value_at(chain, self.interval.start_s)
        before = [s.value for s in chain if s.at_s <= self.interval.start_s]
        return Sample(answered_s, before[-1]) if before and before[-1] >= 0.0 else None


def _filled(
    last: Sample | None, samples: Sequence[Sample], times: Sequence[float]
) -> Iterator[Sample]:
    """A series at each moment at which its target answered.

    Before its target first showed it, it was at zero. Where it is shown no more, as after a
    restart, it adds nothing; should it come back, its value is compared with the old one, so it
    can never be counted twice.
    """
    own = {sample.at_s: sample for sample in samples if last is None or sample.at_s > last.at_s}
    value = 0.0
    if last is not None:
        value = last.value
        yield last
    for at_s in sorted({*own, *times}):
        if at_s in own:
            value = own[at_s].value
        if last is None or at_s > last.at_s:
            yield Sample(at_s, value)


def _refused(target: str, why: str) -> NoData:
    return NoData(f"{target or 'a target without a name'} {why}")


def _newest(times: Sequence[float], at_s: float) -> float:
    return times[bisect.bisect_right(times, at_s) - 1]
