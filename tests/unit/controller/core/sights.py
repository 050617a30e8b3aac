"""An `Observed` in the words of the domain: `seen(phase=Phase.STEPPING, weight=5, verdict=...)`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from controller.api import names
from controller.api.change import Change, ChangeSpec, ChangeStatus, Plan, Version
from controller.api.meta import ObjectMeta
from controller.api.rollout import (
    AnalysisRef,
    Limits,
    Promotion,
    Rollout,
    RolloutSpec,
    RolloutStatus,
    Stable,
    Step,
    Traffic,
    WorkloadRef,
)
from controller.core import observed as facts
from controller.core.phases import CARRYING, Phase

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD, NEW, OTHER = "old-digest", "new-digest", "other-digest"
UID = "change-uid"
STEPS = (Step(weight=5), Step(weight=50))


def rollout(**more: Any) -> Rollout:
    """A Rollout that has adopted its Deployment."""
    meta: dict[str, Any] = {"finalizers": (names.FINALIZER,)} | more.pop("metadata", {})
    spec: dict[str, Any] = {"steps": STEPS} | more.pop("spec", {})
    status: dict[str, Any] = {
        "stable": Stable(hash="old", digest=OLD), "deployment_uid": "d-uid",
        "change": "checkout-new",
    } | more.pop("status", {})  # fmt: skip
    return Rollout(
        metadata=ObjectMeta(name="checkout", namespace="shop", uid="r-uid", generation=1, **meta),
        spec=RolloutSpec(
            workload=WorkloadRef(name="checkout"), traffic=Traffic(service="checkout"),
            analysis=(AnalysisRef(template="shop"),), **spec,
        ),
        status=RolloutStatus(**status),
    )  # fmt: skip


def change(phase: Phase, **status: Any) -> Change:
    """The Change in hand; its rung began a minute ago and is in force since half a minute."""
    facts_: dict[str, Any] = {"phase": phase.value, "steps": 2, "entered_at": ago(60)}
    if phase in CARRYING:
        facts_["in_force_since"] = ago(30)
    return Change(
        metadata=ObjectMeta(
            name="checkout-new", namespace="shop", uid=UID, creation_timestamp=ago(300)
        ),
        spec=ChangeSpec(
            rollout="checkout",
            source=Version(digest=OLD),
            target=Version(digest=NEW),
            plan=Plan(steps=STEPS, promotion=Promotion(watch="10m"), limits=Limits()),
        ),
        status=ChangeStatus(**(facts_ | status)),
    )


def workload(**more: Any) -> facts.Workload:
    """Four pods of stable, and a paused proposal."""
    given: dict[str, Any] = {
        "uid": "d-uid", "digest": NEW, "adopted": True, "paused": True, "replicas": 4,
        "rolling": False, "complete": False,
        "sets": (facts.ReplicaSetFact("checkout-old", "old", OLD, 4, 4, marked_stable=True),),
    }  # fmt: skip
    return facts.Workload(**(given | more))


def evidence(verdict: facts.Verdict = facts.Verdict.HOLD, **more: Any) -> facts.Evidence:
    """What the statistics say."""
    return facts.Evidence(verdict, "one plain sentence", **more)


def command(decision: str, **more: Any) -> facts.Command:
    """A sign-off that is not answered yet."""
    given: dict[str, Any] = {
        "uid": f"{decision}-uid", "name": decision.lower(), "decision": decision, "by": "erin",
        "reason": "", "change": "", "created_at": ago(1),
    }  # fmt: skip
    return facts.Command(**(given | more))


def seen(phase: Phase | None = Phase.STEPPING, **more: Any) -> facts.Observed:
    """One look; by default at the first rung with its weight in force and no news."""
    status = more.pop("status", {})
    weight = more.pop("weight", 5.0)
    given: dict[str, Any] = {
        "rollout": rollout(),
        "workload": workload(),
        "change": change(phase, **status) if phase else None,
        "canary": facts.Canary(UID, NEW, wanted=1, available=1, pods=1),
        "traffic": facts.Traffic(routed=True, weight=weight, touched=True),
        "evidence": evidence(),
        "revision_kept": True,
    }
    return facts.Observed(**(given | more))


def ago(seconds: float) -> datetime:
    """A time before NOW."""
    return NOW - timedelta(seconds=seconds)
