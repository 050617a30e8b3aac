"""The evidence of one release: all metrics, all steps, in one state that is folded tick by tick.

The controller makes a ReleaseSpec when a Change begins, keeps the ReleaseState in the Change's
status, calls ``update`` for each tick and reads ``verdict.assess``. The same code, started with a
leading shape, runs thousands of simulated releases. No clock, no I/O: times come in as interval
ends in seconds, reasons go out in the result. Bad numbers never reach this file: counters turns
them into NoData, and the constructors of Counts and Interval refuse them.

Error budgets: ``false_rollback`` holds for the release, over all metrics, steps and looks;
``false_promote`` for each step. See counts and promotion for assumptions and proofs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis import combine
from analysis.dispersion import DispersionState
from analysis.gaps import GapMemory
from analysis.metric import MetricSpec, MetricState, Processes, fold_tick, metric_log_harm
from analysis.sequence import RatioState
from analysis.ticks import Counts, FloatArray, Interval, NoData, Tick
from analysis.totals import Totals


@dataclass(frozen=True)
class ReleaseSpec:
    """What is judged, on which ladder, with which budgets.

    shares: canary share of each step in (0, 1), and of the watch after the ladder, as one more
    step. tick_s: usual length of a tick. cover_harm_after_s: least d of the promotion rule. bake_s:
    least time of a step. warm_up_s: left out of metrics that warm up. min_events: expected canary
    events in the step before promotion (of metrics without an absolute margin: for those,
    exposures without events are evidence too); min_ticks: ticks with data in the step.
    max_missing: share of ``missing_window_s`` above which the release holds. start_spacing_s:
    grid of starts of the promotion rule, coarser where d is long. max_hold_s: time at one
    step after which there is no evidence to be had (None: for ever). risk_metric: whose loss is
    counted as orders lost; by default the first metric where a decrease is harm.

    >>> from analysis.margins import Margin
    >>> orders = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7), Margin(0.9)))
    >>> spec = ReleaseSpec((orders,), shares=(0.02, 0.5))
    >>> round(spec.log_rollback, 3), round(spec.log_promote, 3)
    (4.605, 2.996)
    """

    metrics: tuple[MetricSpec, ...]
    shares: tuple[float, ...]
    false_rollback: float = 0.01
    false_promote: float = 0.05
    tick_s: float = 10.0
    cover_harm_after_s: float = 300.0
    bake_s: float = 300.0
    warm_up_s: float = 180.0
    min_events: float = 20.0
    min_ticks: int = 30
    max_missing: float = 0.2
    missing_window_s: float = 600.0
    start_spacing_s: float = 60.0
    max_hold_s: float | None = None
    risk_metric: str | None = None
    _processes: Mapping[str, Processes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a release needs metrics with names of their own; came {names}")
        if not self.shares or not all(0.0 < share < 1.0 for share in self.shares):
            raise ValueError(f"shares must lie inside (0, 1), one per step; came {self.shares}")
        for metric in self.metrics:
            if len(metric.margins) != len(self.shares):
                raise ValueError(
                    f"{metric.name} needs one margin (or None) for each of {len(self.shares)} "
                    f"steps; came {len(metric.margins)}"
                )
        if not 0.0 < self.false_rollback < 0.5:
            raise ValueError(f"false_rollback must lie inside (0, 0.5); came {self.false_rollback}")
        if not 0.0 < self.false_promote < 1.0:
            raise ValueError(f"false_promote must lie inside (0, 1); came {self.false_promote}")
        if not 0.0 < self.max_missing <= 1.0:
            raise ValueError(f"max_missing must lie in (0, 1]; came {self.max_missing}")
        for name in ("tick_s", "missing_window_s", "start_spacing_s"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be > 0 seconds; came {getattr(self, name)}")
        for name in ("cover_harm_after_s", "bake_s", "warm_up_s", "min_events", "min_ticks"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0; came {getattr(self, name)}")
        if self.risk_metric is not None and self.risk_metric not in names:
            raise ValueError(f"risk_metric must be one of {names}; came {self.risk_metric!r}")
        object.__setattr__(self, "_processes", {m.name: self._make(m) for m in self.metrics})

    @property
    def log_rollback(self) -> float:
        """ln(1/alpha): the weighted mean of harm evidence that rolls back."""
        return -math.log(self.false_rollback)

    @property
    def log_promote(self) -> float:
        """ln(1/beta): the evidence that every required metric must reach at a step."""
        return -math.log(self.false_promote)

    def weights(self) -> FloatArray:
        """Weight of each metric in the rollback statistic; 0 for those that may only hold."""
        return np.array([m.weight if m.may_roll_back else 0.0 for m in self.metrics])

    def loss_counted_by(self) -> MetricSpec | None:
        """The metric whose missing events are the orders lost; None if no decrease is harm."""
        if self.risk_metric is not None:
            return next(m for m in self.metrics if m.name == self.risk_metric)
        return next((m for m in self.metrics if m.direction == "Decrease"), None)

    def processes(self, name: str) -> Processes:
        """The harm and promotion specs of a metric."""
        return self._processes[name]

    def _make(self, metric: MetricSpec) -> Processes:
        return (
            metric.harm_specs(self.false_rollback, len(self.shares)),
            metric.promotion_specs(
                self.false_promote, self.cover_harm_after_s, self.start_spacing_s
            ),
        )

    def start(self, shape: tuple[int, ...] = ()) -> ReleaseState:
        """The state before any tick: E is exactly 1 in both directions."""
        return ReleaseState(
            metrics={m.name: self.start_metric(m, shape) for m in self.metrics},
            highest_log_e=np.zeros(shape),
            step=np.full(shape, -1),
            step_start_s=np.zeros(shape),
        )

    def start_metric(self, metric: MetricSpec, shape: tuple[int, ...] = ()) -> MetricState:
        """The state of one metric before any tick."""
        inner = shape if metric.edges == 1 else (*shape, metric.edges)
        harm, promotion = self.processes(metric.name)
        return MetricState(
            harm=tuple(spec.start(inner) for spec in harm),
            promotion=tuple(spec.start(inner) for spec in promotion),
            ratio=RatioState.start(inner),
            totals=Totals.zero(inner),
            step_expected=np.zeros(inner),
            step_ticks=np.zeros(inner),
            step_seconds=np.zeros(inner),
            step_exposures=np.zeros(inner),
            gaps=GapMemory.start(shape),
            dispersion=DispersionState.start(inner) if metric.batched else None,
        )


@dataclass(frozen=True, slots=True)
class ReleaseTick:
    """One tick of a release. counts: for each metric its Counts, or why there are none.

    A metric that is absent from the mapping has no data. missing: arrays for simulations, where
    some runs have data and others have none. unseen: metrics of which a part of the canary was not
    seen, with why; what was seen may find harm, and for promotion the tick is missing, for it is
    the failing process that falls silent. widen, restart: see Tick. youngest_s: when the youngest
    process of the canary started; what warms up is left out until it is warm.
    """

    interval: Interval
    step: npt.ArrayLike
    share: npt.ArrayLike
    counts: Mapping[str, Counts | NoData]
    missing: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    widen: npt.ArrayLike = 1.0
    restart: npt.ArrayLike = False
    youngest_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """All that is kept of a release. Arrays have the leading shape it was started with.

    highest_log_e: largest ln E of the rollback statistic so far; crossing once is crossing.
    step, step_start_s: as of the last tick. window_end_s: end of the last tick, None before it.
    """

    metrics: Mapping[str, MetricState]
    highest_log_e: FloatArray
    step: npt.NDArray[np.int64]
    step_start_s: FloatArray
    window_end_s: float | None = None


def update(spec: ReleaseSpec, state: ReleaseState, tick: ReleaseTick) -> ReleaseState:
    """Fold one tick into the release. A tick folded before changes nothing; overlaps raise."""
    end_s = state.window_end_s
    if end_s is not None and tick.interval.already_folded(end_s):
        return state
    if not (np.asarray(tick.step) < len(spec.shares)).all():
        raise ValueError(f"step must be below {len(spec.shares)}; came {tick.step!r}")
    entering = np.asarray((state.step != tick.step) | np.asarray(tick.restart, dtype=bool))
    step_start_s = np.where(entering, tick.interval.start_s, state.step_start_s)
    metrics = {
        metric.name: _fold_metric(spec, metric, state, tick, step_start_s)
        for metric in spec.metrics
    }
    log_harm = log_harm_of(spec, metrics)
    log_e = combine.rollback_evidence(log_harm, spec.weights()) if spec.weights().any() else None
    return ReleaseState(
        metrics=metrics,
        highest_log_e=state.highest_log_e
        if log_e is None
        else np.maximum(state.highest_log_e, log_e),
        step=np.where(entering, tick.step, state.step),
        step_start_s=step_start_s,
        window_end_s=tick.interval.end_s,
    )


def _fold_metric(
    spec: ReleaseSpec,
    metric: MetricSpec,
    state: ReleaseState,
    tick: ReleaseTick,
    step_start_s: FloatArray,
) -> MetricState:
    counts = tick.counts.get(metric.name, NoData("not measured in this tick"))
    absent = isinstance(counts, NoData)
    missing = np.asarray(tick.missing.get(metric.name, absent), dtype=bool) | absent
    began_s = np.maximum(step_start_s, tick.youngest_s)
    warm = metric.warms_up & (tick.interval.start_s < began_s + spec.warm_up_s)
    past = state.metrics.get(metric.name)
    past = spec.start_metric(metric, state.step.shape) if past is None else past
    one = Tick(
        tick.interval,
        Counts(0.0, 0.0, 0.0, 0.0) if isinstance(counts, NoData) else counts,
        share=metric.per_edge(tick.share),
        step=metric.per_edge(tick.step),
        missing=metric.per_edge(missing | warm),
        widen=metric.per_edge(tick.widen),
        restart=metric.per_edge(tick.restart),
    )
    first = state.step != np.asarray(tick.step)
    unseen = tick.unseen.get(metric.name)
    gap_here = (missing | (unseen is not None)) & ~np.asarray(warm)
    gap = (tick.interval, gap_here, spec.missing_window_s, first)
    folded = fold_tick(metric, spec.processes(metric.name), past, one, gap)
    return folded.with_reason(counts.reason if isinstance(counts, NoData) else unseen)


def log_harm_of(spec: ReleaseSpec, metrics: Mapping[str, MetricState]) -> FloatArray:
    """ln E of harm of each metric, shape ``(..., metrics)``."""
    return np.stack([metric_log_harm(m, metrics[m.name]) for m in spec.metrics], axis=-1)
