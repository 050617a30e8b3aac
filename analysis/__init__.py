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

scipy is imported only by the functions that need it, scipy.stats by none of these.
"""

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

__all__ = [
    "Assessment",
    "Counts",
    "HarmSpec",
    "HarmState",
    "Interval",
    "Margin",
    "MetricEvidence",
    "MetricSpec",
    "MetricState",
    "NoData",
    "PromotionSpec",
    "PromotionState",
    "RatioState",
    "Reason",
    "ReleaseSpec",
    "ReleaseState",
    "ReleaseTick",
    "Signals",
    "Tick",
    "Verdict",
    "assess",
    "guilty_by_ebh",
    "guilty_by_holm",
    "joint_evidence",
    "log_evidence",
    "log_evidence_of_step",
    "log_evidence_to_promote",
    "mean_evidence",
    "promotion_evidence",
    "ratio_bounds",
    "rollback_evidence",
    "seconds_to_promote",
    "signals",
    "start_mixture",
    "update",
    "update_harm",
    "update_promotion",
    "update_ratio",
]
