"""What is asked for a run, and what counts the answers: the part that follows from its plan alone.

It must not know samples or ticks. Called by `folding` and by the follower of a run.
"""

from __future__ import annotations

from controller.metrics import placeholders
from controller.metrics.counting import BucketCounter, RatioCounter
from controller.metrics.plans import Plan, Source
from controller.metrics.port import ARMS, Wanted
from controller.metrics.zeros import events_are_part, labels_of_the_part
from controller.runtime.evidence import Run

Counter = RatioCounter | BucketCounter


def questions(run: Run, source: Source) -> list[Wanted]:
    """All that one source is asked, for both arms, with placeholders filled."""
    return [
        Wanted(
            metric=one.metric,
            role=one.role,
            arm=arm,
            expression=placeholders.render(one.query, run.scope(arm)),
            pods=run.pods(arm),
            namespace=run.key.namespace,
        )
        for one in source.questions
        for arm in ARMS
    ]


def source_of(plan: Plan, metric: str) -> Source:
    """Where a metric is read."""
    return next(s for s in plan.sources if any(q.metric == metric for q in s.questions))


def counters_of(plan: Plan) -> dict[str, Counter]:
    """For each metric of a plan, what makes counts of its samples."""
    return {metric.name: _counter(plan, metric.name) for metric in plan.release.metrics}


def _counter(plan: Plan, metric: str) -> Counter:
    source = source_of(plan, metric)
    asked = {q.role: q.query for q in source.questions if q.metric == metric}
    if "histogram" in asked:
        return BucketCounter(plan.slo_s[metric])
    paged = not source.provider.rereads
    if not events_are_part(asked["events"], asked["exposures"]):
        return RatioCounter(paged=paged)
    labels = labels_of_the_part(asked["events"], asked["exposures"])
    return RatioCounter(part=True, paged=paged, labels=labels)
