"""From intents to writes, in their order. What an intent means is written in `acts/`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import assert_never

from controller.api.mark import Mark
from controller.core import actions as a
from controller.core.decision import Decision
from controller.kube.port import ApiError, Forbidden, Invalid
from controller.runtime.acts import canary, records, traffic, workload
from controller.runtime.acts.writer import Writer, each
from controller.runtime.objects import Objects


async def take_away(w: Writer, o: Objects, d: Decision) -> ApiError | None:
    """Traffic and flag away from the release: this waits for no status and no cache.

    Each is tried, whatever became of the others. A refusal is handed back, to be raised when the
    rest of the look is done: a route that may not be written must not keep the way back from being
    recorded. Any other failure is raised at once, so that it is tried again at once.
    """
    failed: list[ApiError] = []
    for intent in d.away:
        try:
            await _one(w, o, intent)
        except ApiError as error:
            failed.append(error)
    for one in failed:
        if not isinstance(one, Forbidden | Invalid):
            raise one
    return failed[0] if failed else None


async def carry_out(w: Writer, o: Objects, d: Decision) -> None:
    """The upkeep, then the steps of the rule; what takes traffic away has gone before.

    An upkeep that is refused (an autoscaler that may not be patched) must not keep a canary from
    being removed; but nothing gives the release more while stable is not safe. What failed is
    raised at the end, so that it is told and tried again.
    """
    steps = try_each if d.each else perform
    try:
        await perform(w, o, d.upkeep)
    except ApiError:
        if not d.goes_forward:
            await steps(w, o, d.steps)
        raise
    await steps(w, o, d.steps)


async def try_each(w: Writer, o: Objects, intents: Iterable[a.Intent]) -> None:
    """Carry all intents out that can be; the first failure is raised when all were tried."""
    await each(partial(_one, w, o, intent) for intent in intents)


async def perform(w: Writer, o: Objects, intents: Iterable[a.Intent]) -> None:
    """Carry the intents out one by one; the first failure ends it, and the next look goes on."""
    for intent in intents:
        await _one(w, o, intent)


async def _one(w: Writer, o: Objects, intent: a.Intent) -> None:
    match intent:
        case a.Contain(change_uid, outcome, reason):
            await traffic.contain(w, o, Mark(change_uid, outcome, reason))
        case a.SetWeight(percent, change_uid):
            await traffic.set_weight(w, o, percent, change_uid)
        case a.RestoreTraffic(forget):
            await traffic.restore(w, o, forget=forget)
        case a.ApplyCanary(_, replicas):
            await canary.apply_canary(w, o, replicas)
        case a.RemoveCanary():
            await canary.remove_canary(w, o)
        case a.Adopt(digest):
            await workload.adopt(w, o, digest)
        case a.Pause():
            await workload.pause(w, o)
        case a.Unpause(digest):
            await workload.unpause(w, o, digest)
        case a.Leave(stable_digest):
            await workload.leave(w, o, stable_digest)
        case a.KeepRevision(replicaset):
            await workload.keep_revision(w, o, replicaset)
        case a.KeepTarget(digest):
            await workload.keep_target(w, o, digest)
        case a.DropRevisions(names):
            await workload.drop_revisions(w, o, names)
        case a.RecreateReplicaSet(digest, replicas):
            await workload.recreate_replicaset(w, o, digest, replicas)
        case a.DropReplicaSets(names):
            await workload.drop_replicasets(w, o, names)
        case a.ScaleReplicaSet(name, replicas):
            await workload.scale_replicaset(w, o, name, replicas)
        case a.RaiseFloor(replicas):
            await workload.raise_floor(w, o, replicas)
        case a.RestoreFloor():
            await workload.restore_floor(w, o)
        case a.AddFinalizer():
            await records.add_finalizer(w, o)
        case a.RemoveFinalizer():
            await records.remove_finalizer(w, o)
        case a.CreateChange():
            await records.create_change(w, o, intent)
        case a.SwitchOff():
            await records.switch_off(w, o, intent)
        case a.Answer():
            await records.answer(w, o, intent)
        case _:
            assert_never(intent)
