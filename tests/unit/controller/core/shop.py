"""The shop that the core's tests are about: its names, its times, its ReplicaSets and its proposal.

Times are minutes before `NOW`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.api import rollout as api
from controller.api.change import ChangeSpec, Plan, Version
from controller.api.meta import ObjectMeta
from controller.api.names import FINALIZER
from controller.core.observed import ReplicaSetFact

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
UID = "uid-change"
DEPLOYMENT = "uid-deployment"
STABLE, TARGET, NEWER = "5table00", "7arget00", "9ewer000"
"""Digests of the template that serves, of the one proposed, and of an edit after it."""
CHANGE = "checkout-7arget00"
WEIGHTS = (1.0, 5.0, 25.0, 50.0)
STABLE_SET, TARGET_SET, OLD_SET = "checkout-s", "checkout-t", "checkout-o"
HOLDBACK = 2.0


def ago(minutes: float) -> datetime:
    """That many minutes before NOW; negative ones lie ahead."""
    return NOW - timedelta(minutes=minutes)


def replicaset(digest: str, ready: int, *, name: str, wanted: int | None = None) -> ReplicaSetFact:
    """A ReplicaSet of the Deployment that nobody marked."""
    return ReplicaSetFact(name, name[-1] * 3, digest, ready if wanted is None else wanted, ready)


def change_spec(target: str = TARGET) -> ChangeSpec:
    """A proposal of this template against stable."""
    return ChangeSpec(
        rollout="checkout",
        workload_uid=DEPLOYMENT,
        source=Version(digest=STABLE, hash="aaa", images=("shop:v1",)),
        target=Version(digest=target, images=("shop:v2",)),
        plan=Plan(
            steps=tuple(api.Step(weight=w) for w in WEIGHTS),
            promotion=api.Promotion(holdback=HOLDBACK, watch="10m"),
            limits=api.Limits(hold="24h", progress_deadline="10m", drain="30s"),
        ),
    )


def rollout() -> api.Rollout:
    return api.Rollout(
        metadata=ObjectMeta(
            name="checkout", namespace="shop", generation=3, finalizers=(FINALIZER,)
        ),
        spec=api.RolloutSpec(
            workload=api.WorkloadRef(name="checkout"),
            traffic=api.Traffic(service="checkout", routes=(api.RouteRef(name="shop"),)),
        ),
        status=api.RolloutStatus(
            stable=api.Stable(hash="aaa", digest=STABLE), deployment_uid=DEPLOYMENT, change=CHANGE
        ),
    )


def pods_of(name: str, digest: str, ready: int) -> ReplicaSetFact:
    """A ReplicaSet with all its pods ready; that of stable carries the mark."""
    stable = digest == STABLE
    return ReplicaSetFact(name, "aaa" if stable else "bbb", digest, ready, ready, stable)
