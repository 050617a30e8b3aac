"""After the watch: absorb, settle; and what takes no ladder at all."""

from __future__ import annotations

from controller.core.actions import (
    ApplyCanary,
    KeepRevision,
    RecreateReplicaSet,
    RemoveCanary,
    RestoreTraffic,
    ScaleReplicaSet,
    SetWeight,
    Unpause,
)
from controller.core.observed import ReplicaSetFact
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import Release, release
from tests.unit.controller.core.cases import Case, decide, proves, table
from tests.unit.controller.core.shop import (
    NOW,
    STABLE,
    STABLE_SET,
    TARGET,
    TARGET_SET,
    UID,
    ago,
    replicaset,
)

ON = Phase.ABSORBING
SETTLING = Phase.SETTLING
UNDER = "absorbing_underneath"


def ready_to_absorb() -> Release:
    """The watch is over; nothing of the Deployment has changed yet."""
    held = release().watching().status(phase=ON.value, in_force_since=None, entered_at=ago(1))
    return held.status(progress=4).no_evidence()


def behind_an_edit() -> Release:
    """The full canary has all traffic, and the Deployment holds a newer text that waits."""
    return ready_to_absorb().weight(100).edited().edits_wait().told_of_edit()


def drained() -> Release:
    """Absorbed, with the traffic back on the Deployment and the drain over."""
    return release().settling().weight(0).status(drain_until=ago(0))


def _marked_target() -> ReplicaSetFact:
    return ReplicaSetFact(TARGET_SET, "bbb", TARGET, 4, 4, marked_stable=True)


BEHIND_AN_EDIT = (
    Case("with an edit behind it the target is made from its revision, and nothing unpauses",
         behind_an_edit(), UNDER, Reason.ABSORBING, ON, (RecreateReplicaSet(TARGET, 4),),
         (Unpause, ScaleReplicaSet), waits_until=9),
    Case("its pods come before stable's go",
         behind_an_edit().sets(replicaset(STABLE, 4, name=STABLE_SET),
                               replicaset(TARGET, 0, name=TARGET_SET)),
         UNDER, Reason.ABSORBING, ON,
         (ScaleReplicaSet(TARGET_SET, 4), ScaleReplicaSet(STABLE_SET, 0)), (Unpause,)),
    Case("not before the full canary has all traffic", behind_an_edit().weight(98), UNDER,
         Reason.ABSORBING, ON, (SetWeight(100, UID),), (RecreateReplicaSet, ScaleReplicaSet)),
    Case("it is absorbed when only the target has pods",
         behind_an_edit().sets(replicaset(TARGET, 4, name=TARGET_SET)), UNDER, Reason.SETTLING,
         SETTLING),
    Case("not while stable still has some",
         behind_an_edit().sets(replicaset(TARGET, 4, name=TARGET_SET),
                               replicaset(STABLE, 1, name=STABLE_SET)),
         UNDER, Reason.ABSORBING, ON, (ScaleReplicaSet(STABLE_SET, 0),)),
    Case("late, it goes back to stable", behind_an_edit().entered(11), UNDER,
         Reason.PROGRESS_DEADLINE, Phase.REVERTING),
    Case("not while pods get ready one by one",
         behind_an_edit().entered(60).sets(replicaset(TARGET, 2, name=TARGET_SET, wanted=4)),
         UNDER, Reason.ABSORBING, ON, waits_until=10),
    Case("an edit that comes in mid-absorb gives what it interrupts its time again",
         ready_to_absorb().weight(100).edited().edits_wait().entered(11), UNDER,
         Reason.ABSORBING, ON, not_=(ScaleReplicaSet,)),
)  # fmt: skip
ABSORBED = (
    Case("all traffic goes to the canary first", ready_to_absorb(), "absorbing",
         Reason.ABSORBING, ON, (SetWeight(100, UID),), (Unpause,)),
    Case("not before its pods are there", ready_to_absorb().canary(ready=3, wanted=4),
         "absorbing", Reason.ABSORBING, ON, not_=(Unpause, SetWeight), waits_until=9),
    Case("it follows an owner who scales up", ready_to_absorb().scaled(6), "absorbing",
         Reason.ABSORBING, ON, (ApplyCanary(UID, 6),), (Unpause, SetWeight)),
    Case("the Deployment is resumed when the router shows it", ready_to_absorb().weight(100),
         "absorbing", Reason.ABSORBING, ON, (Unpause(TARGET),)),
    Case("but not while the router does not find it", ready_to_absorb().weight(0).not_found(),
         "absorbing", Reason.ROUTE_PENDING, ON, nothing=True, says="BackendNotFound"),
    Case("on every route", ready_to_absorb().uneven(98, 100), "absorbing", Reason.ABSORBING, ON,
         (SetWeight(100, UID),), (Unpause,)),
    Case("and not before", ready_to_absorb().weight(100).not_shown(), "absorbing",
         Reason.ROUTE_PENDING, ON, not_=(Unpause,), waits_until=9),
    Case("in place the weight stays while the Deployment rolls",
         ready_to_absorb().weight(50).canary(ready=2).in_place(), "absorbing", Reason.ABSORBING,
         ON, (Unpause(TARGET),), (SetWeight, ApplyCanary)),
    Case("by pods as well", ready_to_absorb().weight(50).by_pods(), "absorbing",
         Reason.ABSORBING, ON, (Unpause(TARGET),), (SetWeight, ApplyCanary)),
    Case("the rolling update takes its time", release().absorbing(), "absorbing",
         Reason.ABSORBING, ON, nothing=True, waits_until=8),
    Case("but not for ever", release().absorbing().entered(10), "absorbing",
         Reason.PROGRESS_DEADLINE, Phase.REVERTING, outcome=Outcome.ROLLED_BACK),
    Case("its deadline counts from the last pod that got ready",
         release().absorbing(3).entered(60).status(progressed_at=ago(2)), "absorbing",
         Reason.ABSORBING, ON, nothing=True, waits_until=8),
    Case("also when nobody has written that down yet",
         release().absorbing(3).entered(60).status(progress=7), "absorbing", Reason.ABSORBING, ON,
         nothing=True, waits_until=10),
    Case("a pod that was lost and came again is no progress",
         release().absorbing(2).entered(60).status(progress=8, progressed_at=ago(10)),
         "absorbing", Reason.PROGRESS_DEADLINE, Phase.REVERTING),
    Case("a time in which no operator was there does not count",
         release().absorbing(2).entered(60).status(progressed_at=ago(30)).acting_for(1),
         "absorbing", Reason.ABSORBING, ON, waits_until=9),
    Case("its end makes the new template stable",
         release().absorbing(4).workload(rolling=False, complete=True), "absorbing",
         Reason.SETTLING, SETTLING, outcome=Outcome.PROMOTED),
    Case("an end at the last moment counts",
         release().absorbing(4).workload(rolling=False, complete=True).entered(10), "absorbing",
         Reason.SETTLING, SETTLING),
    Case("the mark in mid-absorb reverts it", release().absorbing().marked(),
         "contained_already", Reason.ROLLED_BACK, Phase.REVERTING, not_=(SetWeight,)),
    Case("a route that is gone does not stop an absorb",
         release().absorbing().route_gone(), "absorbing", Reason.ROUTE_PENDING, ON,
         waits_until=8),
)  # fmt: skip
RESTARTED = (
    Case("a restart takes no ladder", release().restart_only(), "start", Reason.RESTARTING, ON),
    Case("it resumes the Deployment at once",
         release().restart_only().status(phase=ON.value), "absorbing", Reason.ABSORBING, ON,
         (Unpause(TARGET),), (ApplyCanary, SetWeight)),
    Case("it is not undone for being slow",
         release().absorbing().no_canary().weight(0).restart_only().entered(60), "absorbing",
         Reason.RESTARTING, ON, nothing=True),
    Case("an end that is late is said", release().absorbing().no_canary().weight(0).restart_only()
         .entered(60), "absorbing", Reason.RESTARTING, ON, says="it should have ended by now"),
    Case("its end is an end like any other",
         release().absorbing(4).no_canary().weight(0).restart_only().workload(complete=True),
         "absorbing", Reason.SETTLING, SETTLING),
)  # fmt: skip
SETTLED = (
    Case("the traffic goes back to the Deployment", release().settling(), "settling",
         Reason.SETTLING, SETTLING, (SetWeight(0, UID),), (RemoveCanary,)),
    Case("the canary lives until the router shows it", release().settling().weight(0).not_shown(),
         "settling", Reason.SETTLING, SETTLING, not_=(RemoveCanary,), waits_until=8),
    Case("a router that never shows it holds nothing up for ever",
         drained().not_shown().entered(11), "settling", Reason.SETTLING, SETTLING,
         (RemoveCanary(),)),
    Case("requests in flight get their time", release().settling().weight(0), "settling",
         Reason.SETTLING, SETTLING, not_=(RemoveCanary,), waits_until=0.5),
    Case("then the canary goes", drained(), "settling", Reason.SETTLING, SETTLING,
         (RemoveCanary(),)),
    Case("then the route is as its owner had it", drained().no_canary(), "settling",
         Reason.SETTLING, SETTLING, (RestoreTraffic(forget=True),)),
    Case("then it is promoted", drained().no_canary().traffic(touched=False), "settling",
         Reason.PROMOTED, Phase.FINISHED, outcome=Outcome.PROMOTED),
    Case("the new ReplicaSet is marked as stable", release().settling(), "settling",
         Reason.SETTLING, does=(KeepRevision(TARGET_SET),)),
    Case("it is marked once", release().settling().sets(_marked_target()), "settling",
         Reason.SETTLING, not_=(KeepRevision,)),
    Case("an edit while it settles waits for its end", release().settling().edited(), "settling",
         Reason.SETTLING, SETTLING),
    Case("deleting the Rollout lets it settle first", release().settling().leaving(), "settling",
         Reason.SETTLING, SETTLING, (SetWeight(0, UID),)),
)  # fmt: skip


@table((*BEHIND_AN_EDIT, *ABSORBED, *RESTARTED, *SETTLED))
def test_promotion(case: Case) -> None:
    proves(case)


def test_the_watch_keeps_the_moment_since_when_the_weight_is_in_force() -> None:
    look = release().shifting()
    status = decide(look).change_status
    assert status is not None
    assert (status.entered_at, status.in_force_since) == (NOW, look.change.status.in_force_since)


def test_while_it_settles_the_rollout_already_remembers_the_new_stable() -> None:
    stable = decide(release().settling()).rollout_status.stable
    assert (stable.digest, stable.hash) == (TARGET, "bbb")


def test_how_far_an_absorb_has_come_is_kept_with_its_moment() -> None:
    status = decide(release().absorbing(3).status(progress=7)).change_status
    assert status is not None
    assert (status.progress, status.progressed_at) == (8, NOW)
    kept = decide(release().absorbing(3).status(progressed_at=ago(2))).change_status
    assert kept is not None
    assert (kept.progress, kept.progressed_at) == (8, ago(2))


def test_a_promoted_change_ends_with_no_traffic_and_its_outcome() -> None:
    status = decide(drained().no_canary().traffic(touched=False)).change_status
    assert status is not None
    assert (status.weight, status.finished_at, status.reason) == (0, NOW, Reason.PROMOTED)
