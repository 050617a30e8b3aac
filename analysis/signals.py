"""The numbers behind a verdict, for one release or for thousands of simulated ones.

Evidence, thresholds and enough data as arrays; no words and no decision. Called by verdict and by
the simulator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import combine
from analysis.metric import MetricSpec, MetricState, metric_log_promote
from analysis.release import ReleaseSpec, ReleaseState, log_harm_of
from analysis.ticks import FloatArray


@dataclass(frozen=True, slots=True)
class Signals:
    """The numbers behind a verdict, for any leading shape ``(...)``.

    log_harm, log_promote: shape ``(..., metrics)``; log_e: the weighted mean; to_promote: the
    weakest required metric; enough: whether all required metrics have the least ticks and events;
    missing: largest missing share of a required metric; crossed: E reached 1/alpha at some time.
    """

    log_harm: FloatArray
    log_e: FloatArray
    log_promote: FloatArray
    to_promote: FloatArray
    enough: npt.NDArray[np.bool_]
    missing: FloatArray
    crossed: npt.NDArray[np.bool_]


def signals(spec: ReleaseSpec, state: ReleaseState) -> Signals:
    """The numbers behind the verdict, for one release or for many."""
    states = [state.metrics[m.name] for m in spec.metrics]
    log_harm = log_harm_of(spec, state.metrics)
    log_promote = np.stack(
        [metric_log_promote(m, s) for m, s in zip(spec.metrics, states, strict=True)], axis=-1
    )
    needed = [place for place, m in enumerate(spec.metrics) if m.required]
    weights = spec.weights()
    no_weight = np.zeros(state.highest_log_e.shape)
    return Signals(
        log_harm=log_harm,
        log_e=combine.rollback_evidence(log_harm, weights) if weights.any() else no_weight,
        log_promote=log_promote,
        to_promote=combine.promotion_evidence(log_promote[..., needed]),
        enough=np.asarray(
            np.stack(
                [np.ones(state.highest_log_e.shape, dtype=bool)]
                + [enough_seen(spec, spec.metrics[j], states[j], state.step) for j in needed]
            ).all(axis=0)
        ),
        missing=np.stack(
            [no_weight] + [states[j].gaps.missing_share() for j in needed], axis=-1
        ).max(axis=-1),
        crossed=np.asarray(state.highest_log_e >= spec.log_rollback),
    )


def enough_seen(
    spec: ReleaseSpec, metric: MetricSpec, state: MetricState, step: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether this step has the least ticks and expected events of one metric."""
    ticks, expected = metric.shown(state.step_ticks), metric.shown(state.step_expected)
    margins = metric.margins
    counted = np.array([m is not None and m.difference is None for m in margins])
    asked = np.array([m is not None for m in margins])
    at = np.maximum(step, 0)
    events = (expected >= spec.min_events) | ~counted[at]
    return np.asarray(((ticks >= spec.min_ticks) & events) | ~asked[at])
