"""Beside every decision: stable can be refilled and is large enough, and the run can be ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller.core.actions import (
    Answer,
    ApplyCanary,
    DropReplicaSets,
    DropRevisions,
    Intent,
    KeepRevision,
    KeepTarget,
    Pause,
    RaiseFloor,
    RecreateReplicaSet,
    RestoreFloor,
    ScaleReplicaSet,
)
from controller.core.observed import HoldMode
from controller.core.phases import Outcome
from controller.core.reasons import Reason
from controller.core.upkeep import upkeep
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.shop import (
    NEWER,
    NOW,
    OLD_SET,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    replicaset,
)

MARKED = release().observed().workload.sets  # type: ignore[union-attr]
OLD = "01d00000"
ALWAYS = HoldMode.ALWAYS


def kept(look: Release) -> tuple[Intent, ...]:
    return upkeep(look.observed(), NOW)[0]


def with_old(ready: int, wanted: int | None = None, stable: int = 4) -> Release:
    """A proposal beside an old ReplicaSet."""
    full = replicaset(STABLE, stable, name=STABLE_SET)
    old = replicaset(OLD, ready, name=OLD_SET, wanted=wanted)
    return release().stepping(2).sets(full, old)


CASES: Sequence[tuple[str, Release, tuple[Intent, ...], tuple[type[Intent], ...]]] = (
    ("a run that is well needs none", release().stepping(2), (), (Pause, DropReplicaSets)),
    ("an edit that began to roll is paused", release().workload(paused=False), (Pause(),), ()),
    ("its pods go as far as stable is ready, and stable grows before that",
     with_old(2, stable=3).workload(paused=False),
     (Pause(), ScaleReplicaSet(STABLE_SET, 4), ScaleReplicaSet(OLD_SET, 1)), (DropReplicaSets,)),
    ("they all go where the full canary has all traffic",
     with_old(2, stable=0).weight(100).canary(ready=4),
     (ScaleReplicaSet(STABLE_SET, 4), ScaleReplicaSet(OLD_SET, 0)), ()),
    ("stable that is lost is made again beside what serves",
     release().stepping(2).sets(replicaset(OLD, 4, name=OLD_SET)),
     (RecreateReplicaSet(STABLE, 1),), (ScaleReplicaSet,)),
    ("an old ReplicaSet without pods is dropped while a proposal is pending", with_old(0),
     (DropReplicaSets((OLD_SET,)),), ()),
    ("not while it still has pods", with_old(1, wanted=0), (), (DropReplicaSets,)),
    ("not at rest, where it is the owner's history",
     release().at_rest().sets(*MARKED, replicaset(OLD, 0, name=OLD_SET)), (), (DropReplicaSets,)),
    ("not while the Deployment is not paused, which would make it again",
     with_old(0).workload(paused=False), (Pause(),), (DropReplicaSets,)),
    ("stable that is lost is made again", release().stepping(2).stable_lost(),
     (RecreateReplicaSet(STABLE, 4),), ()),
    ("not without its revision", release().stepping(2).stable_lost().revision_lost(), (),
     (RecreateReplicaSet,)),
    ("not by us where an unpaused Deployment makes it itself",
     release().at_rest().sets(), (), (RecreateReplicaSet,)),
    ("where edits may wait the template of the run is kept",
     release().stepping(1).edits_wait(kept=False), (KeepTarget(TARGET),), ()),
    ("once", release().stepping(1).edits_wait(), (), (KeepTarget,)),
    ("not when the Deployment holds another one already",
     release().stepping(1).edits_wait(kept=False).edited(), (), (KeepTarget,)),
    ("not where an edit replaces the run", release().stepping(1), (), (KeepTarget,)),
    ("in mid-absorb the Deployment changes by itself", release().absorbing(), (),
     (Pause, ScaleReplicaSet, DropReplicaSets)),
    ("an edit that begins to roll while it settles is paused",
     release().settling().edited().workload(paused=False), (Pause(),), ()),
    ("where the API server pauses nothing it is paused again as soon as it is absorbed",
     release().settling().hold_mode(ALWAYS), (Pause(),), ()),
    ("and not before", release().absorbing().hold_mode(ALWAYS), (), (Pause,)),
    ("and at rest", release().at_rest().hold_mode(ALWAYS), (Pause(),), ()),
    ("scaled to 0 with a proposal pending, only stable is left to be filled",
     with_old(0, stable=0).workload(replicas=0), (DropReplicaSets((OLD_SET,)),),
     (ScaleReplicaSet,)),
    ("scaled up again into the wrong ReplicaSet, stable is filled beside it",
     with_old(4, stable=0), (ScaleReplicaSet(STABLE_SET, 1),), ()),
    ("what is stable is kept in a revision and marked",
     release().at_rest().sets(replicaset(STABLE, 4, name=STABLE_SET)),
     (KeepRevision(STABLE_SET),), ()),
    ("a mark that a crash left on its forerunner goes",
     release().at_rest().sets(*MARKED, replace(replicaset(OLD, 0, name=OLD_SET),
                                               marked_stable=True)),
     (KeepRevision(STABLE_SET),), ()),
    ("revisions that nothing needs go", release().at_rest().spare_revisions("checkout-target-x"),
     (DropRevisions(("checkout-target-x",)),), (KeepRevision,)),
    ("stable keeps the size that takes all traffic back", release().stepping(2).floor(2),
     (RaiseFloor(4),), ()),
    ("up to what the autoscaler may reach", release().stepping(2).floor(2, most=3),
     (RaiseFloor(3),), ()),
    ("a floor that is there is not written again", release().stepping(2).floor(4, original=2), (),
     (RaiseFloor, RestoreFloor)),
    ("on the way back the floor stays", release().retreating().floor(2), (RaiseFloor(4),), ()),
    ("while an absorb is undone too", release().reverting().floor(2), (RaiseFloor(4),), ()),
    ("and while it settles, as all traffic comes back", release().settling().floor(4, original=2),
     (), (RestoreFloor,)),
    ("somebody else's lower one is raised then too", release().settling().floor(2),
     (RaiseFloor(4),), ()),
    ("a proposal raises none", release().floor(2), (), (RaiseFloor,)),
    ("under traffic the canary follows the size of stable",
     release().stepping(4).scaled(8), (ApplyCanary(UID, 4),), ()),
    ("not before the weight is in force", release().stepping(4).scaled(8).not_in_force(), (),
     (ApplyCanary,)),
    ("what somebody edited of it is applied again",
     release().stepping(2).canary(ready=1, intact=False), (ApplyCanary(UID, 1),), ()),
    ("and in an absorb, where all traffic is on it, at the size that it has",
     release().absorbing().canary(ready=4, intact=False), (ApplyCanary(UID, 4),), ()),
    ("but not with a newer template", release().absorbing().canary(ready=4, intact=False).edited(),
     (), (ApplyCanary,)),
    ("not without replicas", release().stepping(4).scaled(0), (), (ApplyCanary,)),
    ("nothing is done to a Deployment of somebody else",
     release().workload(adopted=False, paused=False), (), (Pause,)),
    ("nor to a new one under the old name", release().stepping(2).recreated(), (),
     (Pause, KeepRevision, ScaleReplicaSet)),
    ("nor while the Rollout is leaving", release().workload(paused=False).leaving(), (), (Pause,)),
    ("nor at the end of the namespace",
     release().workload(paused=False).signed("Hold").namespace_ending(), (), (Pause, Answer)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("look", "does", "not_"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_upkeep(look: Release, does: tuple[Intent, ...], not_: tuple[type[Intent], ...]) -> None:
    intents = kept(look)
    assert [i for i in intents if i in does] == list(does), intents
    assert not [i for i in intents if isinstance(i, not_)]


def test_an_edit_that_escaped_and_a_lost_stable_are_told() -> None:
    look = release().workload(paused=False)
    assert [n.reason for n in upkeep(look.observed(), NOW)[1]] == [Reason.ESCAPED]
    lost = release().stable_lost()
    assert [n.reason for n in upkeep(lost.observed(), NOW)[1]] == [Reason.STABLE_LOST]


def test_a_promoted_template_is_what_upkeep_protects() -> None:
    look = release().promoted().edited(NEWER).workload(paused=True)
    look.sets(replicaset(TARGET, 4, name=TARGET_SET), replicaset(STABLE, 0, name=STABLE_SET))
    assert DropReplicaSets((STABLE_SET,)) in kept(look)
    assert look.change.status.outcome == Outcome.PROMOTED
