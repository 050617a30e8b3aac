"""From raw samples of both arms to the counts of one tick, for each shape of metric.

Wraps `analysis.pairing` and `analysis.buckets` with what a metric's queries mean: errors are a part
of the requests, so no error series beside living requests is a zero that was seen; a histogram's
buckets become counts of slow requests. It must not know providers, clocks or steps. Called by
`runtime.folding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from analysis.buckets import BucketState, pair_buckets
from analysis.counters import CounterPolicy, CounterState
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.ticks import Counts, Interval, NoData
from controller.metrics import coverage
from controller.metrics.port import ARMS, Arm, Role, Series
from controller.metrics.presence import Presence
from controller.metrics.targets import Begun, Edges, RoleTick
from controller.metrics.thresholds import SLO_EDGE, SLO_FACTORS


def series_key(series: Series) -> str:
    """A series as text, as in `name{pod="a",le="0.5"}`; `le` comes last."""
    ordered = sorted(series.labels, key=lambda label: (label[0] == "le", label))
    inside = ",".join(f'{name}="{value}"' for name, value in ordered)
    return f"{series.name}{{{inside}}}"


@dataclass(frozen=True, slots=True)
class ArmTick:
    """What was read of one arm for one metric around a tick, and which pods came and went.

    doubt: why what it shows may speak of harm alone; empty: it may not be doubted.
    """

    events: RoleTick
    exposures: RoleTick
    presence: Presence = field(default_factory=Presence)
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class RatioCounter:
    """Counts of a metric with events and exposures.

    part: events are a part of the exposures, told from the rest by `labels`. paged: both are read
    from the same pages. unseen: what of the canary the last tick was counted without, and why;
    empty: nothing.
    """

    roles: ClassVar[tuple[Role, Role]] = ("events", "exposures")
    part: bool = False
    paged: bool = False
    labels: frozenset[str] = frozenset()
    pairs: PairState = field(default_factory=PairState)
    unseen: str = ""

    def fold(
        self, arms: Mapping[Arm, ArmTick], interval: Interval, policy: CounterPolicy
    ) -> tuple[RatioCounter, Counts | NoData]:
        """One tick. What one role of one arm lacks is missing for both arms."""
        ours, theirs = arms["canary"], arms["stable"]
        sides = _sides(
            ((ours, (ours.events, ours.exposures)), (theirs, (theirs.events, theirs.exposures))),
            (self.pairs.groups[:2], self.pairs.groups[2:]),
            interval,
            policy,
        )
        begun = _begin(sides, together=self.part or self.paged)
        if isinstance(begun, NoData):
            a, b, c, d = (group for side in sides for group in side.kept())
            return replace(self, pairs=PairState((a, b, c, d)), unseen=""), begun
        a, b, c, d = (one.group for one in begun)
        canary, stable = (ArmSamples(*(x.samples for x in pair)) for pair in (begun[:2], begun[2:]))
        zero = self.part or any(arm.events.samples == {} for arm in arms.values())
        after, counts = pair_samples(
            PairState((a, b, c, d)),
            canary,
            stable,
            interval,
            policy,
            absent_events_are_zero=zero,
            bounded=self.part,
        )
        a, b, c, d = (one.after(group) for one, group in zip(begun, after.groups, strict=True))
        unseen = "; ".join(filter(None, (ours.doubt, _unseen(sides, begun[1]))))
        return replace(self, pairs=PairState((a, b, c, d)), unseen=unseen), counts


@dataclass(frozen=True, slots=True)
class _Side:
    """One arm with its roles and their groups."""

    name: Arm
    edges: Edges
    roles: Sequence[RoleTick]
    groups: Sequence[CounterState]

    @property
    def targets(self) -> set[str]:
        """All that answers any question of this arm."""
        return {target for role in self.roles for target in role.answered}

    def kept(self) -> list[CounterState]:
        return [self.edges.kept(*one) for one in zip(self.roles, self.groups, strict=True)]


def _sides(
    arms: Sequence[tuple[ArmTick, Sequence[RoleTick]]],
    groups: Sequence[Sequence[CounterState]],
    interval: Interval,
    policy: CounterPolicy,
) -> list[_Side]:
    """Both arms, canary first, without what has ended for both."""
    known = [(roles, tick.presence) for tick, roles in arms]
    ended = coverage.ended_for_both(known, interval, policy.stale_s)
    return [
        _Side(name, Edges(interval, policy, tick.presence, ended), roles, some)
        for name, (tick, roles), some in zip(ARMS, arms, groups, strict=True)
    ]


def _begin(sides: Sequence[_Side], *, together: bool) -> list[Begun] | NoData:
    """All roles of both arms at the start of a tick, or why it cannot be counted."""
    found: list[Begun] = []
    for side in sides:
        for role in side.roles:
            if isinstance(role.samples, NoData):
                return role.samples
    for side in sides:
        begun = side.edges.begin(side.roles, side.groups, together=together)
        if isinstance(begun, NoData):
            return NoData(f"{side.name} arm: {begun.reason}")
        hidden = {} if together else coverage.hidden_from_one(side.edges, side.roles)
        if hidden:
            why = "while its traffic is counted elsewhere; is it scraped?"
            return NoData(f"{side.name} arm: {coverage.words(hidden)}, {why}")
        found += begun
    return found


def _unseen(sides: Sequence[_Side], exposures: Begun) -> str:
    """What of the canary a tick is counted without, in words. Stable may lack a part: what is
    compared with it is the canary's, of which the failing pods are the silent ones."""
    canary, stable = sides
    missed = coverage.unseen_part(canary.edges, exposures, canary.roles[-1], stable.targets)
    return f"a part of the canary is not seen: {coverage.words(missed)}" if missed else ""


@dataclass(frozen=True, slots=True)
class BucketCounter:
    """Counts of a latency histogram: requests slower than each edge, among all requests.

    Buckets stand for the edges slo/4 ... 4 slo: the first bound at or above each, else the largest.
    That of the objective itself must be near it, as bounds in milliseconds are not.
    """

    roles: ClassVar[tuple[Role, Role]] = ("histogram", "histogram")
    part: ClassVar[bool] = False
    labels: ClassVar[frozenset[str]] = frozenset()
    slo_s: float
    state: BucketState = field(default_factory=BucketState)
    unseen: str = ""

    def fold(
        self, arms: Mapping[Arm, ArmTick], interval: Interval, policy: CounterPolicy
    ) -> tuple[BucketCounter, Counts | NoData]:
        """One tick; `events` of each arm holds its bucket series."""
        sides = _sides(
            [(arms[name], (arms[name].events,)) for name in ARMS],
            ((self.state.canary,), (self.state.baseline,)),
            interval,
            policy,
        )
        begun = _begin(sides, together=True)
        if isinstance(begun, NoData):
            ours, theirs = (group for side in sides for group in side.kept())
            return replace(self, state=BucketState(ours, theirs), unseen=""), begun
        canary, stable = begun
        after, counts = pair_buckets(
            BucketState(canary.group, stable.group),
            canary.samples,
            stable.samples,
            interval,
            policy,
            edges_s(self.slo_s),
            near=(SLO_EDGE,),
        )
        state = BucketState(canary.after(after.canary), stable.after(after.baseline))
        unseen = _unseen(sides, canary)
        return replace(self, state=state, unseen=unseen), counts


def edges_s(slo_s: float) -> tuple[float, ...]:
    """The edges that a histogram with this objective is judged at, in seconds."""
    return tuple(slo_s * factor for factor in SLO_FACTORS)
