"""Whether an AnalysisTemplate could judge a release, whichever that may be. Pure.

Called for each template by the shell that writes its status and by `lint`; a release in particular
is judged by `judging`, which knows its ladder and its other templates.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.kinds import AnalysisTemplate, Rollout
from controller.api.meta import ObjectMeta
from controller.api.problems import Problem
from controller.api.rollout import RolloutSpec, RouteRef, Traffic, WorkloadRef
from controller.metrics.judging import judge
from controller.metrics.plans import Problems
from controller.metrics.port import Provider


def problems_of(
    template: AnalysisTemplate, providers: Mapping[str, Provider]
) -> tuple[Problem, ...]:
    """Everything that is wrong with the template by itself, on the default ladder and a route."""
    return problems_for(_any_release(template), template, providers)


def problems_for(
    rollout: Rollout, template: AnalysisTemplate, providers: Mapping[str, Provider]
) -> tuple[Problem, ...]:
    """Everything that is wrong with the template by itself or for this Rollout."""
    made = judge(rollout, [template], providers)
    if not isinstance(made, Problems):
        return ()
    return tuple(one.problem for one in made.problems if one.kind == "AnalysisTemplate")


def _any_release(template: AnalysisTemplate) -> Rollout:
    traffic = Traffic(service="any", routes=(RouteRef(name="any"),))
    spec = RolloutSpec(workload=WorkloadRef(name="any"), traffic=traffic)
    return Rollout(metadata=ObjectMeta(namespace=template.namespace, name="any"), spec=spec)
