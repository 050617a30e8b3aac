"""What would have been decided, when and why? Recorded raw samples through the production code.

A recording holds counter samples of both arms; it is cut into ticks, paired and folded exactly as
the operator does it. No clock, no I/O, no randomness. Called by the command line, by the A/A test
and from notebooks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.buckets import BucketState, pair_buckets
from analysis.counters import CounterPolicy
from analysis.pairing import ArmSamples, PairState, pair_samples
from analysis.recording import Feed, MetricRecord, Recording
from analysis.release import ReleaseSpec, ReleaseTick, update
from analysis.ticks import Counts, Interval, NoData
from analysis.verdict import Assessment, Reason, Verdict, assess

Edges = Mapping[str, Sequence[float]]
"""For each histogram the edges that it is judged at, as many as its MetricSpec has."""


class Moment(NamedTuple):
    """The assessment after the tick that ends at ``end_s``."""

    end_s: float
    step: int
    assessment: Assessment


def replay(
    spec: ReleaseSpec,
    recording: Recording,
    *,
    policy: CounterPolicy | None = None,
    zero_if_absent: Collection[str] = (),
    edges: Edges | None = None,
) -> Iterator[Moment]:
    """Every look of the release, until it would have been rolled back.

    policy: see counters, by default 2.5 ticks for stale. zero_if_absent: metrics whose events
    are a labelled part of their exposures (errors among requests). edges: for metrics recorded as
    histograms. A metric of the spec that the recording lacks has no data, and so holds; a step
    beyond the spec's ladder is a ValueError.
    """
    chosen = _policy(spec, policy)
    readers = _readers(spec, recording, chosen, zero_if_absent, edges or {})
    state = spec.start()
    time_s, number = recording.start_s, 0
    while time_s + spec.tick_s <= recording.end_s + 1e-9:
        number += 1
        # ends are counted from the start, so that rounding cannot add up
        interval = Interval(time_s, recording.start_s + number * spec.tick_s)
        step, began_s = recording.step_at(time_s)
        if step >= len(spec.shares):
            raise ValueError(
                f"the recording has step {step}; the ladder has {len(spec.shares)} shares"
            )
        counts = {name: reader.read(interval) for name, reader in readers.items()}
        share = spec.shares[step]
        state = update(spec, state, ReleaseTick(interval, step=step, share=share, counts=counts))
        found = assess(
            spec, state, step=step, step_elapsed_s=interval.end_s - began_s, intervals=False
        )
        yield Moment(interval.end_s, step, found)
        if found.verdict is Verdict.ROLLBACK:
            return
        time_s = interval.end_s


def _policy(spec: ReleaseSpec, policy: CounterPolicy | None) -> CounterPolicy:
    return policy or CounterPolicy(stale_s=2.5 * spec.tick_s, forget_s=max(300.0, 5 * spec.tick_s))


@dataclass
class _RatioReader:
    """Counts of events over exposures, tick by tick."""

    feed: Feed
    policy: CounterPolicy
    zero: bool
    state: PairState

    def read(self, interval: Interval) -> Counts | NoData:
        taken = list(self.feed.until(interval.end_s))
        self.state, counts = pair_samples(
            self.state,
            ArmSamples(taken[0], taken[1]),
            ArmSamples(taken[2], taken[3]),
            interval,
            self.policy,
            absent_events_are_zero=self.zero,
        )
        return counts


@dataclass
class _BucketReader:
    """Counts of requests slower than each edge, tick by tick."""

    feed: Feed
    policy: CounterPolicy
    edges: Sequence[float]
    near: Sequence[int]
    state: BucketState

    def read(self, interval: Interval) -> Counts | NoData:
        canary, baseline = self.feed.until(interval.end_s)
        self.state, counts = pair_buckets(
            self.state, canary, baseline, interval, self.policy, self.edges, self.near
        )
        return counts


def _readers(
    spec: ReleaseSpec,
    recording: Recording,
    policy: CounterPolicy,
    zero_if_absent: Collection[str],
    edges: Edges,
) -> dict[str, _RatioReader | _BucketReader]:
    """One reader for each recorded metric that the spec judges."""
    readers: dict[str, _RatioReader | _BucketReader] = {}
    for metric in spec.metrics:
        record = recording.metrics.get(metric.name)
        if record is None:
            continue
        feed = Feed(record, recording.end_s, policy.stale_s)
        if isinstance(record, MetricRecord):
            _one_edge(metric.name, metric.edges)
            zero = metric.name in zero_if_absent
            readers[metric.name] = _RatioReader(feed, policy, zero, PairState())
            continue
        wanted = tuple(edges.get(metric.name, ()))
        if len(wanted) != metric.edges:
            raise ValueError(
                f"histogram {metric.name} needs {metric.edges} edges as its spec has; "
                f"came {len(wanted)}"
            )
        near = metric.promotion_edges or ()
        readers[metric.name] = _BucketReader(feed, policy, wanted, near, BucketState())
    return readers


def _one_edge(name: str, edges: int) -> None:
    if edges != 1:
        raise ValueError(f"{name} was recorded as events and exposures, its spec has {edges} edges")


def turning_points(moments: Iterable[Moment]) -> list[Moment]:
    """The moments at which verdict, reason or step changed, and the last one."""
    kept: list[Moment] = []
    last: tuple[Verdict, Reason, int] | None = None
    moment: Moment | None = None
    for moment in moments:
        now = (moment.assessment.verdict, moment.assessment.reason, moment.step)
        if now != last:
            kept.append(moment)
        last = now
    if moment is not None and kept[-1] is not moment:
        kept.append(moment)
    return kept
