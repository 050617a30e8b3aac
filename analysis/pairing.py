"""Samples of two arms become the Counts of one tick, or one reason why there are none.

Events and exposures of canary and baseline are four groups of counters. A tick counts only if all
four have data in it: what is missing in one is dropped for both arms, for a tick that only one arm
lacks would look like loss. Called by `controller.metrics.counting` and the back-test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.counters import (
    CounterPolicy,
    CounterState,
    Samples,
    fold_samples,
    total,
)
from analysis.ticks import Counts, Interval, NoData

GROUPS = ("canary events", "canary exposures", "baseline events", "baseline exposures")


@dataclass(frozen=True, slots=True)
class ArmSamples:
    """Samples of one arm since the last tick, or why its events or exposures have none."""

    events: Samples | NoData
    exposures: Samples | NoData


@dataclass(frozen=True, slots=True)
class PairState:
    """The four counter groups of one metric, in the order of GROUPS."""

    groups: tuple[CounterState, CounterState, CounterState, CounterState] = field(
        default_factory=lambda: (CounterState(), CounterState(), CounterState(), CounterState())
    )

    def to_json(self) -> dict[str, Any]:
        """JSON values; read them with ``from_json``."""
        return {"v": 1, "groups": [group.to_json() for group in self.groups]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PairState:
        """The state that ``to_json`` wrote; ValueError for another version."""
        if document.get("v") != 1:
            raise ValueError(f"pair state must be of version 1; came {document.get('v')!r}")
        if len(document.get("groups", ())) != 4:
            raise ValueError(f"pair state must have four groups; came {document.get('groups')!r}")
        a, b, c, d = (CounterState.from_json(group) for group in document["groups"])
        return cls((a, b, c, d))


def pair_samples(
    state: PairState,
    canary: ArmSamples,
    baseline: ArmSamples,
    interval: Interval,
    policy: CounterPolicy,
    *,
    absent_events_are_zero: bool = False,
    bounded: bool = False,
) -> tuple[PairState, Counts | NoData]:
    """The counts of both arms in ``interval``, or the first reason why there are none.

    absent_events_are_zero: only where events are a labelled part of the exposures, from the same
    scrape (errors among requests): then no event series beside living exposures means that none
    has happened yet. Never for anything else: absent is not zero. bounded: see Counts.

    >>> from analysis.counters import Sample
    >>> def arm(at_s, events, exposures):
    ...     return ArmSamples({"p": [Sample(at_s, events)]}, {"p": [Sample(at_s, exposures)]})
    >>> state, policy = PairState(), CounterPolicy(stale_s=15)
    >>> state, _ = pair_samples(state, arm(10, 1, 20), arm(10, 7, 200), Interval(0, 10), policy)
    >>> pair_samples(state, arm(20, 2, 30), arm(20, 9, 290), Interval(10, 20), policy)[1]
    Counts(canary 1/10, baseline 2/90)
    """
    given = (canary.events, canary.exposures, baseline.events, baseline.exposures)
    groups: list[CounterState] = []
    values: list[float | NoData] = []
    for name, group, samples in zip(GROUPS, state.groups, given, strict=True):
        after, value = _fold_group(name, group, samples, interval, policy)
        groups.append(after)
        values.append(value)
    if absent_events_are_zero:
        for events, exposures in ((0, 1), (2, 3)):
            if _none_yet(groups[events], given[events]) and not isinstance(
                values[exposures], NoData
            ):
                values[events] = 0.0
                groups[events] = replace(groups[events], watched=True)
    a, b, c, d = groups
    return PairState((a, b, c, d)), _counts(values, bounded)


def _fold_group(
    name: str,
    group: CounterState,
    samples: Samples | NoData,
    interval: Interval,
    policy: CounterPolicy,
) -> tuple[CounterState, float | NoData]:
    if isinstance(samples, NoData):
        after, _ = fold_samples(group, {}, interval, policy)
        return after, NoData(f"{name}: {samples.reason}")
    after, increments = fold_samples(group, samples, interval, policy)
    value = total(increments)
    return after, NoData(f"{name}: {value.reason}") if isinstance(value, NoData) else value


def _none_yet(group: CounterState, samples: Samples | NoData) -> bool:
    """Whether a group answered, and has no series at all."""
    return (
        not isinstance(samples, NoData) and not group.last and not any(map(list, samples.values()))
    )


def _counts(values: list[float | NoData], bounded: bool) -> Counts | NoData:
    for value in values:
        if isinstance(value, NoData):
            return value
    a, b, c, d = (float(value) for value in values if not isinstance(value, NoData))
    try:
        return Counts(a, b, c, d, bounded=bounded)
    except ValueError as refused:
        return NoData(str(refused))
