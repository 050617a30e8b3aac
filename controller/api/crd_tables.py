"""What the CRDs say that the structs cannot: names, columns, CEL rules and bounds. Data only.

Read by `crd`. A rule is here when the API server can answer it with a sentence that helps; what CEL
cannot say is in `validation`, which also repeats these rules for older servers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from controller.api import kinds, template
from controller.api.meta import Object
from controller.api.schema import structural
from controller.api.validation import (
    MAX_METRICS,
    MAX_ROLLOUT_NAME,
    MAX_ROUTES,
    MAX_SERVICE_NAME,
    MAX_STEPS,
    MAX_TEMPLATES,
)

Overlay = dict[str, dict[str, Any]]
"""Path in the schema (`spec.metrics[]` is an item) to the keywords that are added there."""


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`; a priority over 0 shows with `-o wide` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    """One CRD."""

    type: type[Object]
    plural: str
    short: str
    columns: tuple[Column, ...]
    overlay: Overlay = field(default_factory=dict)
    spec_has_defaults: bool = True


def _rule(rule: str, message: str, **more: str) -> dict[str, Any]:
    return {"rule": rule, "message": message, **more}


def _map_by(*keys: str) -> dict[str, Any]:
    """A list whose items have a key: no duplicates, and server-side apply merges item by item."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def _rules(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"x-kubernetes-validations": list(rules)}


def _immutable(message: str) -> dict[str, Any]:
    return _rules(_rule("self == oldSelf", message))


AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since creation.", "date")
_CONDITIONS: Final[Overlay] = {"status.conditions": _map_by("type")}

_ROLLOUT_OVERLAY: Final[Overlay] = {
    "": _rules(
        _rule(
            f"size(self.metadata.name) <= {MAX_ROLLOUT_NAME}",
            f"metadata.name must have at most {MAX_ROLLOUT_NAME} characters: it is a label value",
        )
    ),
    "spec": _rules(
        _rule(
            "!has(self.steps) || self.promotion.mode != 'ShiftThenAbsorb' ||"
            " self.steps.all(s, s.weight >= 100.0 || s.weight <= 100.0 - self.promotion.holdback)",
            "a weight must be at most 100 less promotion.holdback, which stays on stable",
            fieldPath=".steps",
        ),
        _rule(
            "self.limits.supersede != 'Queue' || self.promotion.mode == 'ShiftThenAbsorb' &&"
            " has(self.traffic.routes) && size(self.traffic.routes) > 0",
            "Queue needs a route and promotion.mode ShiftThenAbsorb: the run in hand is absorbed"
            " behind the full canary",
            fieldPath=".limits",
        ),
    ),
    "spec.workload": _immutable(
        "a Rollout keeps its workload; delete it, which restores everything, and create another"
    ),
    "spec.traffic.service": {"maxLength": MAX_SERVICE_NAME},
    "spec.traffic.routes": {"maxItems": MAX_ROUTES, **_map_by("kind", "name")},
    "spec.steps": {
        "maxItems": MAX_STEPS,
        "x-kubernetes-list-type": "atomic",
        **_rules(
            _rule(
                "self.map(s, s.weight).isSorted() &&"
                " self.all(s, self.exists_one(t, t.weight == s.weight))",
                "weights must rise from step to step, as 1, 5, 25, 50",
            ),
            _rule(
                "self.all(s, s.weight < 100.0)",
                "a weight must be under 100: without stable there is no comparison;"
                " the last step is followed by the promotion",
            ),
        ),
    },
    "spec.analysis": {"maxItems": MAX_TEMPLATES, **_map_by("template")},
    "spec.killSwitch.key": {"minLength": 1},
    **_CONDITIONS,
}

_TEMPLATE_OVERLAY: Final[Overlay] = {
    "spec.provider": {
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "prometheus": structural(template.PrometheusProvider, with_defaults=True),
            "scrape": structural(template.ScrapeProvider, with_defaults=True),
        },
    },
    "spec.metrics": {"maxItems": MAX_METRICS, **_map_by("name")},
    "spec.metrics[]": _rules(
        _rule(
            "has(self.histogram) != (has(self.events) || has(self.exposures))",
            "a metric has either a histogram, or events and exposures",
        ),
        _rule(
            "has(self.histogram) || !has(self.events) || has(self.exposures)",
            "events need exposures: without them a rate means nothing",
            fieldPath=".exposures",
        ),
        _rule(
            "has(self.histogram) || !has(self.exposures) || has(self.events)",
            "exposures need the events that are counted among them",
            fieldPath=".events",
        ),
        _rule(
            "has(self.histogram) == has(self.slo)",
            "slo goes with a histogram, and a histogram needs it, as 300ms",
            fieldPath=".slo",
        ),
        _rule(
            "!has(self.histogram) || self.harm == 'Increase'",
            "harm is Increase with a histogram, whose harm is more slow requests",
            fieldPath=".harm",
        ),
    ),
    "spec.metrics[].events": {"minLength": 1},
    "spec.metrics[].exposures": {"minLength": 1},
    "spec.metrics[].histogram": {"minLength": 1},
    **_CONDITIONS,
}

ROLLOUT: Final = Kind(
    kinds.Rollout,
    "rollouts",
    "bdr",
    (
        Column("Phase", ".status.phase", "Where the release stands."),
        Column("Step", ".status.step", "Step in hand, of all."),
        Column("Weight", ".status.weight", "Observed share of the canary, in percent.", "number"),
        Column("Verdict", ".status.verdict", "Last verdict of the analysis."),
        Column("Evidence", ".status.evidence", "Strongest metric, its ratio and interval."),
        Column("Change", ".status.change", "The Change in hand, or the last one."),
        Column("At-Risk", ".status.atRisk", "Orders lost so far, of those allowed."),
        AGE,
        Column("Origin", ".status.origin", "Who made the Change: people or machines.", priority=1),
        Column("Next", ".status.nextAt", "When the next thing happens at the latest.", priority=1),
        Column("Message", ".status.message", "Why it waits, and what is next.", priority=1),
    ),
    _ROLLOUT_OVERLAY,
)

ANALYSIS_TEMPLATE: Final = Kind(
    kinds.AnalysisTemplate,
    "analysistemplates",
    "bda",
    (
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status", "Whether it is usable."),
        Column("Provider", ".status.provider", "Where its samples come from."),
        Column("Metrics", ".status.metrics", "Names of its metrics."),
        Column("Tick", ".spec.tick", "Width of one look."),
        Column("Bake", ".spec.bake", "Shortest time of a step."),
        AGE,
        Column(
            "False-Rollback", ".spec.falseRollback", "Budget for a release.", "number", priority=1
        ),
        Column("False-Promote", ".spec.falsePromote", "Budget for a step.", "number", priority=1),
        Column(
            "Message",
            ".status.conditions[?(@.type=='Ready')].message",
            "Why it cannot be used.",
            priority=1,
        ),
    ),
    _TEMPLATE_OVERLAY,
)

CHANGE: Final = Kind(
    kinds.Change,
    "changes",
    "chg",
    (
        Column("Rollout", ".spec.rollout", "The Rollout that it belongs to."),
        Column(
            "Origin",
            r".metadata.labels.blastdoor\.dev/ai-origin",
            "Who made it: people or machines.",
        ),
        Column("Phase", ".status.phase", "Where the run stands."),
        Column("Weight", ".status.weight", "Observed share, in percent.", "number"),
        Column("Verdict", ".status.verdict", "Last verdict of the analysis."),
        Column("Outcome", ".status.outcome", "How it ended."),
        AGE,
        Column("Reason", ".status.reason", "Reason of the phase.", priority=1),
        Column("Peak", ".status.peakWeight", "Highest share it had.", "number", priority=1),
        Column("Lost", ".status.ordersLost", "Estimate of orders lost.", "number", priority=1),
        Column("Images", ".spec.target.images[*]", "What it brings.", priority=1),
        Column("Message", ".status.message", "Why it waits, or how it ended.", priority=1),
    ),
    {
        "spec": _immutable("a Change is history: its spec cannot be edited"),
        "status.metrics": {"x-kubernetes-list-type": "atomic"},
        **_CONDITIONS,
    },
    spec_has_defaults=False,
)

SIGNOFF: Final = Kind(
    kinds.Signoff,
    "signoffs",
    "sign",
    (
        Column("Rollout", ".spec.rollout", "The Rollout that it speaks about."),
        Column("Decision", ".spec.decision", "What is to be done."),
        Column("By", ".spec.by", "Who decided."),
        Column("State", ".status.state", "Applied or Refused."),
        AGE,
        Column("Change", ".spec.change", "The Change that it is about.", priority=1),
        Column("Reason", ".spec.reason", "Why.", priority=1),
        Column("Message", ".status.message", "What was done, or why not.", priority=1),
    ),
    {"spec": _immutable("a Signoff is immutable: create another one, as Release to end a Hold")},
    spec_has_defaults=False,
)

KINDS: Final = (ROLLOUT, ANALYSIS_TEMPLATE, CHANGE, SIGNOFF)
