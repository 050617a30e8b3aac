"""Statistics that stay right however often one looks at them. Numbers only.

The harm of a canary, and the absence of harm, from the counts of two arms: no Kubernetes, no
socket, no clock, no logger, no global randomness. Usable by itself in a notebook:

>>> from analysis import Counts, Interval, Margin, MetricSpec, ReleaseSpec, ReleaseTick
>>> from analysis import assess, update
>>> orders = MetricSpec("orders", "Decrease", 0.99, margins=(Margin(0.7),), expected_rate=50.0)
>>> spec = ReleaseSpec((orders,), shares=(0.01,), tick_s=10)
>>> outage = Counts(canary_events=0, canary_exposures=170,
...                 baseline_events=495, baseline_exposures=16_500)
>>> state = spec.start()
>>> for start_s in (0, 10):
...     state = update(spec, state, ReleaseTick(Interval(start_s, start_s + 10), step=0,
...                                             share=0.01, counts={"orders": outage}))
>>> assess(spec, state, step=0, step_elapsed_s=20.0).verdict
<Verdict.ROLLBACK: 'ROLLBACK'>

The process of one metric by itself, looked at whenever one likes:

>>> from analysis import HarmSpec, Tick, log_evidence, update_harm
>>> harm = HarmSpec("Increase", edge=1.1, expected_rate=3.0)
>>> kept = harm.start()
>>> for minute in range(5):
...     errors = Counts(canary_events=18, canary_exposures=3_000,
...                     baseline_events=171, baseline_exposures=57_000)
...     kept = update_harm(harm, kept, Tick(Interval(60 * minute, 60 * minute + 60), errors, 0.05))
>>> round(float(log_evidence(kept)))  # a rollback needs ln 100 = 4.6
10

How large the change is, at any time, and what it would have cost to find:

>>> from analysis import RatioState, planning_sentence, ratio_bounds, update_ratio
>>> low, high = ratio_bounds(update_ratio(RatioState.start(), Tick(Interval(0, 60), errors, 0.05)))
>>> round(float(low), 2), round(float(high), 2)
(0.82, 4.11)
>>> planning_sentence(0.01, 2.0).partition(";")[0]
'At 1% and 2 orders/s a 20% drop takes 4.4 h and costs about 63 orders'

What a release needs is imported at once; the rest when it is first asked for. scipy is imported
only by the functions that need it, scipy.stats by none of those that a release needs.
"""

import importlib
from typing import TYPE_CHECKING, Any

from analysis.combine import (
    guilty_by_ebh,
    guilty_by_holm,
    joint_evidence,
    mean_evidence,
    promotion_evidence,
    rollback_evidence,
)
from analysis.counts import HarmSpec, HarmState, log_evidence, update_harm
from analysis.evidence import MetricEvidence
from analysis.margins import Margin, seconds_to_promote
from analysis.metric import MetricSpec, MetricState
from analysis.promotion import (
    PromotionSpec,
    PromotionState,
    log_evidence_of_step,
    log_evidence_to_promote,
    update_promotion,
)
from analysis.release import ReleaseSpec, ReleaseState, ReleaseTick, update
from analysis.sequence import RatioState, ratio_bounds, update_ratio
from analysis.signals import Signals, signals
from analysis.starts import start_mixture
from analysis.ticks import Counts, Interval, NoData, Tick
from analysis.verdict import Assessment, Reason, Verdict, assess

if TYPE_CHECKING:
    from analysis.aa import AAResult, AASplit, aa_test, pod_effects
    from analysis.backtest import Moment, replay, turning_points
    from analysis.bernoulli import BernoulliSpec, BernoulliState, update_bernoulli
    from analysis.bounded import BoundedSpec, BoundedState, bounded_interval, update_bounded
    from analysis.buckets import BucketState, pair_buckets
    from analysis.codec import from_json, to_json
    from analysis.common_mode import (
        Cuped,
        TotalSpec,
        before_dead_band,
        cuped,
        cuped_adjusted,
        pod_dead_band,
        total_log_e,
    )
    from analysis.costs import Detection, Exclusion, detection_costs, exclusion_costs
    from analysis.counters import CounterPolicy, CounterState, Sample, fold_samples
    from analysis.dispersion import DispersionState, phi, update_dispersion
    from analysis.exceedance import (
        chosen_edges,
        common_edges,
        exceedances,
        native_buckets,
        native_counts,
    )
    from analysis.fixed import MeanTest, adjusted_p, block_bootstrap, kolmogorov_smirnov, mean_test
    from analysis.interval import beta_mixture_log_e, ratio_interval
    from analysis.judge import Judgement, JudgeOptions, judge_samples
    from analysis.ladder import PlannedStep, fitting_ladder, planned
    from analysis.lag import (
        LagState,
        estimated_mean_s,
        exponential_law,
        lagged_counts,
        plausible_counts,
    )
    from analysis.means import MeanState, asymptotic_radius, sequential_p, tuned_rho2
    from analysis.pairing import ArmSamples, PairState, pair_samples
    from analysis.plan import (
        events_to_detect,
        events_to_promote,
        information_per_event,
        orders_lost,
        planning_sentence,
        seconds_to_detect,
        seconds_to_promote_at,
    )
    from analysis.pods import PodEffect, pod_effect
    from analysis.proportions import TableTest, binomial_test, proportion_test
    from analysis.quantiles import (
        quantile_difference_p,
        quantile_interval,
        quantile_log_e,
        uniform_radius,
    )
    from analysis.ranks import RankTest, Shift, effective_size, mann_whitney, shift_interval
    from analysis.rates import rate_test
    from analysis.recording import HistogramRecord, MetricRecord, Recording
    from analysis.saving import state_from_json, state_to_json
    from analysis.scenario import Scenario
    from analysis.segments import (
        SegmentsSpec,
        SegmentsState,
        guilty_segments,
        log_evidence_of_segments,
        update_segments,
    )
    from analysis.simulate import Outcome, Recommended, simulate_releases
    from analysis.spending import (
        crossing_probability,
        obrien_fleming_constant,
        pocock_constant,
        spending_boundaries,
        sprt_bounds,
    )
    from analysis.split import SplitSpec, SplitState, dirichlet_log_e, update_split
    from analysis.watermarks import (
        ClosedTick,
        WatermarkSpec,
        WatermarkState,
        add_arrivals,
        close_ticks,
    )

_LATER = {
    "aa": "AAResult AASplit aa_test pod_effects",
    "backtest": "Moment replay turning_points",
    "bernoulli": "BernoulliSpec BernoulliState update_bernoulli",
    "bounded": "BoundedSpec BoundedState bounded_interval update_bounded",
    "buckets": "BucketState pair_buckets",
    "codec": "from_json to_json",
    "common_mode": "Cuped TotalSpec before_dead_band cuped "
    "cuped_adjusted pod_dead_band total_log_e",
    "costs": "Detection Exclusion detection_costs exclusion_costs",
    "counters": "CounterPolicy CounterState Sample fold_samples",
    "dispersion": "DispersionState phi update_dispersion",
    "exceedance": "chosen_edges common_edges exceedances native_buckets native_counts",
    "fixed": "MeanTest adjusted_p block_bootstrap kolmogorov_smirnov mean_test",
    "interval": "beta_mixture_log_e ratio_interval",
    "judge": "JudgeOptions Judgement judge_samples",
    "ladder": "PlannedStep fitting_ladder planned",
    "lag": "LagState estimated_mean_s exponential_law lagged_counts plausible_counts",
    "means": "MeanState asymptotic_radius sequential_p tuned_rho2",
    "pairing": "ArmSamples PairState pair_samples",
    "plan": "events_to_detect events_to_promote information_per_event orders_lost "
    "planning_sentence seconds_to_detect seconds_to_promote_at",
    "pods": "PodEffect pod_effect",
    "proportions": "TableTest binomial_test proportion_test",
    "quantiles": "quantile_difference_p quantile_interval quantile_log_e uniform_radius",
    "ranks": "RankTest Shift effective_size mann_whitney shift_interval",
    "rates": "rate_test",
    "recording": "HistogramRecord MetricRecord Recording",
    "saving": "state_from_json state_to_json",
    "scenario": "Scenario",
    "segments": "SegmentsSpec SegmentsState guilty_segments "
    "log_evidence_of_segments update_segments",
    "simulate": "Outcome Recommended simulate_releases",
    "spending": "crossing_probability obrien_fleming_constant pocock_constant "
    "spending_boundaries sprt_bounds",
    "split": "SplitSpec SplitState dirichlet_log_e update_split",
    "watermarks": "ClosedTick WatermarkSpec WatermarkState add_arrivals close_ticks",
}
"""Names by the module that is imported when one of them is first asked for."""
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names.split()}

__all__ = [
    "AAResult",
    "AASplit",
    "ArmSamples",
    "Assessment",
    "BernoulliSpec",
    "BernoulliState",
    "BoundedSpec",
    "BoundedState",
    "BucketState",
    "ClosedTick",
    "CounterPolicy",
    "CounterState",
    "Counts",
    "Cuped",
    "Detection",
    "DispersionState",
    "Exclusion",
    "HarmSpec",
    "HarmState",
    "HistogramRecord",
    "Interval",
    "JudgeOptions",
    "Judgement",
    "LagState",
    "Margin",
    "MeanState",
    "MeanTest",
    "MetricEvidence",
    "MetricRecord",
    "MetricSpec",
    "MetricState",
    "Moment",
    "NoData",
    "Outcome",
    "PairState",
    "PlannedStep",
    "PodEffect",
    "PromotionSpec",
    "PromotionState",
    "RankTest",
    "RatioState",
    "Reason",
    "Recommended",
    "Recording",
    "ReleaseSpec",
    "ReleaseState",
    "ReleaseTick",
    "Sample",
    "Scenario",
    "SegmentsSpec",
    "SegmentsState",
    "Shift",
    "Signals",
    "SplitSpec",
    "SplitState",
    "TableTest",
    "Tick",
    "TotalSpec",
    "Verdict",
    "WatermarkSpec",
    "WatermarkState",
    "aa_test",
    "add_arrivals",
    "adjusted_p",
    "assess",
    "asymptotic_radius",
    "before_dead_band",
    "beta_mixture_log_e",
    "binomial_test",
    "block_bootstrap",
    "bounded_interval",
    "chosen_edges",
    "close_ticks",
    "common_edges",
    "crossing_probability",
    "cuped",
    "cuped_adjusted",
    "detection_costs",
    "dirichlet_log_e",
    "effective_size",
    "estimated_mean_s",
    "events_to_detect",
    "events_to_promote",
    "exceedances",
    "exclusion_costs",
    "exponential_law",
    "fitting_ladder",
    "fold_samples",
    "from_json",
    "guilty_by_ebh",
    "guilty_by_holm",
    "guilty_segments",
    "information_per_event",
    "joint_evidence",
    "judge_samples",
    "kolmogorov_smirnov",
    "lagged_counts",
    "log_evidence",
    "log_evidence_of_segments",
    "log_evidence_of_step",
    "log_evidence_to_promote",
    "mann_whitney",
    "mean_evidence",
    "mean_test",
    "native_buckets",
    "native_counts",
    "obrien_fleming_constant",
    "orders_lost",
    "pair_buckets",
    "pair_samples",
    "phi",
    "planned",
    "planning_sentence",
    "plausible_counts",
    "pocock_constant",
    "pod_dead_band",
    "pod_effect",
    "pod_effects",
    "promotion_evidence",
    "proportion_test",
    "quantile_difference_p",
    "quantile_interval",
    "quantile_log_e",
    "rate_test",
    "ratio_bounds",
    "ratio_interval",
    "replay",
    "rollback_evidence",
    "seconds_to_detect",
    "seconds_to_promote",
    "seconds_to_promote_at",
    "sequential_p",
    "shift_interval",
    "signals",
    "simulate_releases",
    "spending_boundaries",
    "sprt_bounds",
    "start_mixture",
    "state_from_json",
    "state_to_json",
    "to_json",
    "total_log_e",
    "tuned_rho2",
    "turning_points",
    "uniform_radius",
    "update",
    "update_bernoulli",
    "update_bounded",
    "update_dispersion",
    "update_harm",
    "update_promotion",
    "update_ratio",
    "update_segments",
    "update_split",
]


def __getattr__(name: str) -> Any:
    """The public name, from its module; kept, so that it is looked for once."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What is public, whether it was imported already or not."""
    return sorted({*globals(), *__all__})
