"""Whether an object makes sense beyond its types: every problem at once, as values.

The API server checks types, patterns and the rules of the CRDs; this checks the same and what CEL
cannot say, so that objects from an older server or the memory cluster are judged alike. Pure: the
names of plug-ins come in as arguments. Called by the reconciler and by `lint`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final, get_args

from controller.api.change import ChangeSpec
from controller.api.field_checks import Problems, duration_problems, length_of, one_of
from controller.api.fields import ORIGINS
from controller.api.problems import MISSING, Problem, in_order, shown
from controller.api.rollout import Promotion, RolloutSpec, Step
from controller.api.signoff import Decision, SignoffSpec
from controller.api.template import AnalysisTemplateSpec
from controller.api.template_checks import template_problems

MAX_STEPS: Final = 32
MAX_METRICS: Final = 32
MAX_ROUTES: Final = 16
MAX_TEMPLATES: Final = 8
MAX_ROLLOUT_NAME: Final = 63
"""It is a label value on everything that belongs to the Rollout."""
MAX_SERVICE_NAME: Final = 56
"""A Service's name has at most 63 characters, and the canary's is this one with `-canary`."""
DEFAULT_RISK_METRIC: Final = "orders"


def check_rollout(
    spec: RolloutSpec, *, routers: Collection[str] | None = None
) -> tuple[Problem, ...]:
    """Everything wrong with a Rollout's spec by itself.

    `routers` are the route kinds that have a plug-in; None when the caller does not know them.
    """
    return in_order(_rollout_problems(spec, routers))


def check_template(
    spec: AnalysisTemplateSpec, *, providers: Collection[str] | None = None
) -> tuple[Problem, ...]:
    """Everything wrong with an AnalysisTemplate's spec by itself.

    `providers` are the metric providers that have a plug-in; None when the caller does not know.
    """
    return in_order(template_problems(spec, providers))


def check_together(
    spec: RolloutSpec, templates: Mapping[str, AnalysisTemplateSpec]
) -> tuple[Problem, ...]:
    """What is wrong between a Rollout and those of its templates that exist, by name.

    A template that is absent is not a problem here: it may appear, and the run waits for it.
    """
    return in_order(_shared_problems(spec, templates))


def check_change(spec: ChangeSpec) -> tuple[Problem, ...]:
    """Everything wrong with a Change's spec (which only the operator writes)."""
    problems = []
    if not spec.rollout:
        problems.append(Problem("spec.rollout", "nothing", MISSING))
    if not spec.target.digest:
        problems.append(Problem("spec.target.digest", "nothing", MISSING))
    if spec.attempt < 1:
        problems.append(Problem("spec.attempt", shown(spec.attempt), "must be at least 1"))
    if spec.origin not in ORIGINS:
        problems.append(Problem("spec.origin", shown(spec.origin), one_of(ORIGINS)))
    return tuple(problems)


def check_signoff(spec: SignoffSpec) -> tuple[Problem, ...]:
    """Everything wrong with a Signoff's spec."""
    problems = []
    if not spec.rollout:
        problems.append(Problem("spec.rollout", "nothing", MISSING))
    if spec.decision not in get_args(Decision):
        problems.append(Problem("spec.decision", shown(spec.decision), one_of(get_args(Decision))))
    return tuple(problems)


def _rollout_problems(spec: RolloutSpec, routers: Collection[str] | None) -> Problems:
    if len(spec.traffic.service) > MAX_SERVICE_NAME:
        allowed = f"must have at most {MAX_SERVICE_NAME} characters, as `-canary` is added"
        yield Problem("spec.traffic.service", shown(spec.traffic.service), allowed)
    for i, route in enumerate(spec.traffic.routes):
        path = f"spec.traffic.routes[{i}]"
        if routers is not None and route.kind not in routers:
            yield Problem(f"{path}.kind", shown(route.kind), one_of(sorted(routers)))
        if route in spec.traffic.routes[:i]:
            yield Problem(path, shown(route.name), "must be named once")
    yield from _ladder_problems(spec.steps, spec.promotion)
    yield from _hold_problems(spec)
    yield from _watch_problems(spec)
    for i, reference in enumerate(spec.analysis):
        if reference in spec.analysis[:i]:
            path = f"spec.analysis[{i}].template"
            yield Problem(path, shown(reference.template), "must be named once")
    yield from _promotion_problems(spec.promotion)
    if spec.limits.supersede == "Queue" and not _absorbs_behind_canary(spec):
        allowed = "needs a route and promotion.mode ShiftThenAbsorb: the run in hand is absorbed"
        yield Problem("spec.limits.supersede", "Queue", f"{allowed} behind the full canary")
    yield from duration_problems("spec.limits.hold", spec.limits.hold, positive=True)
    deadline = spec.limits.progress_deadline
    yield from duration_problems("spec.limits.progressDeadline", deadline, positive=True)
    yield from duration_problems("spec.limits.drain", spec.limits.drain)
    if spec.kill_switch is not None and not spec.kill_switch.key:
        yield Problem("spec.killSwitch.key", "nothing", MISSING)


def _absorbs_behind_canary(spec: RolloutSpec) -> bool:
    return bool(spec.traffic.routes) and spec.promotion.mode == "ShiftThenAbsorb"


def _ladder_problems(steps: tuple[Step, ...], promotion: Promotion) -> Problems:
    top = 100 - promotion.holdback if promotion.mode == "ShiftThenAbsorb" else 100
    for i, step in enumerate(steps):
        path = f"spec.steps[{i}].weight"
        if not 0 < step.weight <= 100:
            yield Problem(path, shown(step.weight), "must be over 0 and at most 100")
        elif i and step.weight <= steps[i - 1].weight:
            before = shown(steps[i - 1].weight)
            yield Problem(path, shown(step.weight), f"must be over the step before ({before})")
        elif step.weight == 100:
            yield Problem(path, "100", "must be under 100: without stable there is no comparison")
        elif step.weight > top:
            allowed = f"must be at most {top:g}, as promotion.holdback keeps the rest on stable"
            yield Problem(path, shown(step.weight), allowed)
        if step.hold is not None:
            yield from duration_problems(f"spec.steps[{i}].hold", step.hold)


def _hold_problems(spec: RolloutSpec) -> Problems:
    longest = length_of(spec.limits.hold)
    for i, step in enumerate(spec.steps):
        stay = length_of(step.hold) if step.hold is not None else None
        if stay and longest and stay >= longest:
            allowed = f"must be under limits.hold ({spec.limits.hold}), which ends the wait"
            yield Problem(f"spec.steps[{i}].hold", shown(step.hold), allowed)


def _watch_problems(spec: RolloutSpec) -> Problems:
    longest, watch = length_of(spec.limits.hold), length_of(spec.promotion.watch)
    if longest and watch and watch >= longest and spec.promotion.mode == "ShiftThenAbsorb":
        allowed = f"must be under limits.hold ({spec.limits.hold}), which ends every wait"
        yield Problem("spec.promotion.watch", shown(spec.promotion.watch), allowed)


def _promotion_problems(promotion: Promotion) -> Problems:
    path = "spec.promotion.holdback"
    if not 0 <= promotion.holdback <= 50:
        yield Problem(path, shown(promotion.holdback), "must be from 0 to 50")
    yield from duration_problems("spec.promotion.watch", promotion.watch)
    watches = promotion.mode == "ShiftThenAbsorb" and length_of(promotion.watch) != timedelta(0)
    if promotion.holdback == 0 and watches:
        allowed = "must be over 0, or promotion.watch 0s: the watch compares with the holdback"
        yield Problem(path, "0", allowed)


def _shared_problems(spec: RolloutSpec, templates: Mapping[str, AnalysisTemplateSpec]) -> Problems:
    owner: dict[str, str] = {}
    for i, reference in enumerate(spec.analysis):
        template = templates.get(reference.template)
        for metric in template.metrics if template else ():
            if metric.name in owner and owner[metric.name] != reference.template:
                got = f"{reference.template} with the metric {shown(metric.name)}"
                allowed = f"must not repeat a metric of {owner[metric.name]}"
                yield Problem(f"spec.analysis[{i}].template", got, allowed)
            owner.setdefault(metric.name, reference.template)
    complete = spec.analysis and all(ref.template in templates for ref in spec.analysis)
    named = spec.risk.metric
    if complete and named not in owner and named != DEFAULT_RISK_METRIC:
        yield Problem("spec.risk.metric", shown(named), one_of(sorted(owner)))
