"""Observed values, fact by fact: the Deployment and the Rollout that a release is about.

Called through `builders.release()`; `facts` adds the run itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from msgspec.structs import replace as changed

from controller.api.change import Change, ChangeStatus
from controller.api.meta import Condition, ObjectMeta
from controller.core.observed import Floor, HoldMode, Observed, ReplicaSetFact, Traffic, Workload
from controller.core.phases import Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.shop import (
    CHANGE,
    DEPLOYMENT,
    NEWER,
    STABLE,
    STABLE_SET,
    TARGET,
    UID,
    ago,
    change_spec,
    pods_of,
    rollout,
)


class Surroundings:
    """One Rollout with everything around it; every method says one fact and gives itself back."""

    def __init__(self) -> None:
        spec = change_spec()
        self.o = Observed(
            rollout=rollout(),
            workload=Workload(
                uid=DEPLOYMENT, digest=TARGET, adopted=True, paused=True, replicas=4,
                rolling=False, complete=False, sets=(pods_of(STABLE_SET, STABLE, 4),),
            ),
            change=Change(
                metadata=ObjectMeta(
                    name=CHANGE, namespace="shop", uid=UID, creation_timestamp=ago(60)
                ),
                spec=spec,
                status=ChangeStatus(phase=Phase.PROPOSED.value, entered_at=ago(1)),
            ),
            proposal=spec,
            proposal_name=CHANGE,
            traffic=Traffic(routed=True),
            revision_kept=True,
        )  # fmt: skip

    def observed(self) -> Observed:
        """What `plan` is asked about."""
        return self.o

    def workload(self, **facts: Any) -> Self:
        assert self.o.workload is not None
        self.o = replace(self.o, workload=replace(self.o.workload, **facts))
        return self

    def sets(self, *sets: ReplicaSetFact) -> Self:
        return self.workload(sets=sets)

    def stable_lost(self) -> Self:
        """Somebody deleted the stable ReplicaSet."""
        assert self.o.workload is not None
        return self.sets(*(s for s in self.o.workload.sets if s.digest != STABLE))

    def scaled(self, replicas: int) -> Self:
        """The owner wants that many pods, and stable has them."""
        return self.workload(replicas=replicas, sets=(pods_of(STABLE_SET, STABLE, replicas),))

    def no_workload(self) -> Self:
        self.o = replace(self.o, workload=None, proposal=None)
        return self

    def recreated(self, ready: int = 4) -> Self:
        """A new Deployment under the old name."""
        sets = (ReplicaSetFact("checkout-n", "nnn", NEWER, 4, ready),)
        return self.workload(uid="uid-new", adopted=False, paused=False, sets=sets, digest=NEWER)

    def let_go(self) -> Self:
        """The Deployment carries nothing of ours any more."""
        assert self.o.workload is not None
        sets = tuple(replace(s, marked_stable=False) for s in self.o.workload.sets)
        return self.workload(adopted=False, sets=sets)

    def floor(self, least: int = 2, most: int = 10, original: int | None = None) -> Self:
        """An autoscaler; `original` is the owner's minReplicas while ours is in force."""
        self.o = replace(self.o, floor=Floor("checkout", least, most, original))
        return self

    def hold_mode(self, mode: HoldMode) -> Self:
        self.o = replace(self.o, hold_mode=mode)
        return self

    def revision_lost(self) -> Self:
        self.o = replace(self.o, revision_kept=False)
        return self

    def spare_revisions(self, *names: str) -> Self:
        self.o = replace(self.o, spare_revisions=names)
        return self

    def acting_for(self, minutes: float) -> Self:
        """The operator began to act that many minutes ago."""
        self.o = replace(self.o, acting_since=ago(minutes))
        return self

    def refused(self, words: str) -> Self:
        """The API server refused the last write."""
        self.o = replace(self.o, refused=words)
        return self

    def leaving(self, minutes: float = 0.1) -> Self:
        """Somebody deleted the Rollout that many minutes ago."""
        return self.metadata(deletion_timestamp=ago(minutes))

    def namespace_ending(self) -> Self:
        self.o = replace(self.o, namespace_ending=True)
        return self

    def no_finalizer(self) -> Self:
        return self.metadata(finalizers=())

    def metadata(self, **facts: Any) -> Self:
        return self._of_rollout(metadata=changed(self.o.rollout.metadata, **facts))

    def spec(self, **facts: Any) -> Self:
        return self._of_rollout(spec=changed(self.o.rollout.spec, **facts))

    def rollout_status(self, **facts: Any) -> Self:
        return self._of_rollout(status=changed(self.o.rollout.status, **facts))

    def ruled(self, reason: Reason, minutes: float) -> Self:
        """The Rollout's status has given this reason for so long."""
        ready = Condition(
            type="Ready", status="False", reason=reason.value, last_transition_time=ago(minutes)
        )
        return self.rollout_status(conditions=(ready,))

    def _of_rollout(self, **facts: Any) -> Self:
        self.o = replace(self.o, rollout=changed(self.o.rollout, **facts))
        return self
