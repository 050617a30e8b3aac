"""Would good releases of this service be taken back? The A/A test of a recording.

The stable pods are split at random into two arms of one version, each split is replayed through
the production code, and false alarms are counted: the honest way to see whether pods, batches and
gaps of a service fit the assumptions. How unequal the pods are is said beside it. Randomness
comes in as a generator. Called by the command line and from notebooks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.backtest import Edges, replay
from analysis.checks import whole
from analysis.counters import increase
from analysis.pods import PodEffect, pod_effect
from analysis.recording import HistogramRecord, Recording, Series, pod_of
from analysis.release import ReleaseSpec
from analysis.verdict import Verdict


class AASplit(NamedTuple):
    """One random split: the pods that played the canary, the largest ln E, and the alarm.

    alarm_s: when it would have been taken back, None if never; why: the sentence of that look.
    """

    canaries: tuple[str, ...]
    highest_log_e: float
    alarm_s: float | None
    why: str


class AAResult(NamedTuple):
    """All splits, and how unequal the pods were in each metric that has events."""

    played: tuple[AASplit, ...]
    pods: Mapping[str, PodEffect]

    @property
    def splits(self) -> int:
        """How many were played."""
        return len(self.played)

    @property
    def alarms(self) -> int:
        """How many would have been rolled back, each of them wrongly."""
        return sum(split.alarm_s is not None for split in self.played)

    @property
    def highest_log_e(self) -> tuple[float, ...]:
        """The largest ln E of each split."""
        return tuple(split.highest_log_e for split in self.played)


def aa_test(
    spec: ReleaseSpec,
    recording: Recording,
    rng: np.random.Generator,
    *,
    splits: int = 20,
    canaries: int = 1,
    zero_if_absent: Collection[str] = (),
    edges: Edges | None = None,
) -> AAResult:
    """Split the stable pods at random, ``canaries`` of them as the canary; count false alarms.

    The share of a split follows from the pods; the ladder of the spec is not climbed. Splits of
    one recording are not independent: many alarms speak of pods, none is no proof.
    """
    whole(splits, "splits")
    pods = recording.stable_pods()
    if not 1 <= canaries < len(pods):
        raise ValueError(
            f"canaries must lie in 1..{len(pods) - 1}, for {len(pods)} stable pods; came {canaries}"
        )
    one_step = replace(
        spec,
        shares=(canaries / len(pods),),
        metrics=tuple(
            replace(m, margins=m.margins[:1], excess_margins=m.excess_margins[:1])
            for m in spec.metrics
        ),
    )
    played = []
    for _ in range(splits):
        chosen = tuple(sorted(pods[i] for i in rng.choice(len(pods), canaries, replace=False)))
        looks = list(
            replay(one_step, recording.split(chosen), zero_if_absent=zero_if_absent, edges=edges)
        )
        if not looks:
            raise ValueError(f"the recording is shorter than one tick of {spec.tick_s:g} s")
        last = looks[-1].assessment
        taken_back = last.verdict is Verdict.ROLLBACK
        played.append(
            AASplit(
                chosen,
                max(look.assessment.highest_log_e for look in looks),
                looks[-1].end_s if taken_back else None,
                last.explain if taken_back else "",
            )
        )
    return AAResult(tuple(played), pod_effects(recording))


def pod_effects(recording: Recording) -> dict[str, PodEffect]:
    """How unequal the stable pods are in each metric with events; see pods.

    From the increments between the first and the last sample of each pod; pods without exposures
    are left out, and a metric with fewer than two pods or without events is.
    """
    found = {}
    for name, record in recording.metrics.items():
        if isinstance(record, HistogramRecord):
            continue
        events, exposures = (
            _by_pod(series) for series in (record.baseline_events, record.baseline_exposures)
        )
        pods = [pod for pod, seen in exposures.items() if seen > 0.0]
        seen = [events.get(pod, 0.0) for pod in pods]
        if len(pods) >= 2 and sum(seen) > 0.0:
            found[name] = pod_effect(seen, [exposures[pod] for pod in pods])
    return found


def _by_pod(series: Series) -> dict[str, float]:
    """What each pod added over the whole recording."""
    added: dict[str, float] = {}
    for key, samples in series.items():
        pod = pod_of(key)
        added[pod] = added.get(pod, 0.0) + increase(samples)
    return added
