"""Which plan judges a run, and what is wrong with one that cannot be made.

The plan of a run is the one frozen in its Change; only what the live templates and limits ask more
of counts at once (`metrics.stricter`). Plans are kept by Change, since making one parses queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from controller.api.kinds import AnalysisTemplate, Change, Rollout
from controller.api.meta import ObjectMeta
from controller.api.template import AnalysisTemplateSpec
from controller.api.validation import check_rollout
from controller.core.observed import Block
from controller.core.reasons import Reason
from controller.core.waits import stricter
from controller.metrics.judging import judge
from controller.metrics.plans import Plan, Problems
from controller.metrics.port import Provider
from controller.metrics.stricter import stricter_margins, stricter_template
from controller.runtime.objects import Objects
from controller.runtime.plugins import Registry

T = TypeVar("T")


class Judgement:
    """Plans by Change, made once for each pair of frozen and live templates."""

    def __init__(self, plugins: Registry) -> None:
        self._plugins = plugins
        self._plans: dict[str, tuple[tuple[object, ...], Plan | Problems]] = {}
        self._checked: dict[tuple[str, int], tuple[tuple[object, ...], tuple[Block, ...]]] = {}

    def plan(self, o: Objects, change: Change) -> Plan | Problems:
        """The plan of a run: its own, with the stricter of what the templates say now."""
        live = tuple(t.spec for t in o.templates if isinstance(t, AnalysisTemplate))
        known = self._plans.get(change.metadata.uid)
        if known is not None and known[0] == (live, o.rollout.spec):
            return known[1]
        made = _plan(o.rollout, change, live, self._plugins.providers)
        self._plans[change.metadata.uid] = ((live, o.rollout.spec), made)
        return made

    def forget(self, change_uid: str) -> None:
        """The run is over."""
        self._plans.pop(change_uid, None)

    def blocks(self, o: Objects) -> tuple[Block, ...]:
        """What is wrong with the Rollout and its templates as they stand now."""
        key = (o.rollout.metadata.uid, o.rollout.metadata.generation)
        known = self._checked.get(key)
        looked_at = (*o.templates, o.rollout.spec.traffic)  # a run in hand has its own traffic
        if known is not None and known[0] == looked_at:
            return known[1]
        found = self._check(o)
        self._checked = {k: v for k, v in self._checked.items() if k[0] != key[0]}
        self._checked[key] = (looked_at, found)
        return found

    def _check(self, o: Objects) -> tuple[Block, ...]:
        rollout = o.rollout
        wrong = check_rollout(rollout.spec, routers=self._plugins.routers.names)
        if wrong:
            text = "; ".join(p.of("Rollout", rollout.key) for p in wrong)
            return (Block(Reason.INVALID, text),)
        missing = [t for t in o.templates if isinstance(t, str)]
        if missing:
            return tuple(Block(Reason.ANALYSIS_MISSING, text) for text in missing)
        if not o.templates:
            text = "spec.analysis names no template: nothing would be promoted; name one"
            return (Block(Reason.ANALYSIS_MISSING, text),)
        templates = [t for t in o.templates if isinstance(t, AnalysisTemplate)]
        made = judge(rollout, templates, self._plugins.providers)
        if isinstance(made, Problems):
            return (Block(Reason.ANALYSIS_MISSING, str(made)),)
        return ()


def _plan(
    rollout: Rollout,
    change: Change,
    live: tuple[AnalysisTemplateSpec, ...],
    providers: Mapping[str, Provider],
) -> Plan | Problems:
    frozen = change.spec.plan
    hold = stricter(frozen.limits.hold, rollout.spec.limits.hold)
    limits = replace(frozen.limits, hold=hold)
    spec = replace(rollout.spec, steps=frozen.steps, promotion=frozen.promotion, limits=limits)

    def named(one: AnalysisTemplateSpec, place: int) -> AnalysisTemplate:
        name = f"{change.name}[{place}]"
        meta = ObjectMeta(name=name, namespace=rollout.namespace)
        return AnalysisTemplate(metadata=meta, spec=one)

    def judged(by: Iterable[AnalysisTemplateSpec]) -> Plan | Problems:
        run = replace(rollout, spec=spec)
        return judge(run, [named(one, place) for place, one in enumerate(by)], providers)

    now = judged(live)
    if isinstance(now, Problems):  # an edit that cannot be used counts for nothing
        return judged(frozen.analysis)
    pairs = frozen.analysis
    if len(live) == len(pairs):
        pairs = tuple(stricter_template(old, new) for old, new in zip(pairs, live, strict=True))
    plan = judged(pairs)
    return plan if isinstance(plan, Problems) else stricter_margins(plan, now)
