"""Writes to our own kinds, and the feature flag that a release names."""

from __future__ import annotations

import msgspec

from controller.api import names
from controller.api.change import ChangeSpec
from controller.api.kinds import Rollout
from controller.api.patch import Ops
from controller.api.resources import CHANGES, CONFIG_MAPS, ROLLOUTS, SIGNOFFS
from controller.core.actions import Answer, CreateChange, SwitchOff
from controller.runtime.acts.writer import Writer
from controller.runtime.objects import Objects

HISTORY = 20
"""Ended Changes kept for each Rollout."""


async def add_finalizer(w: Writer, o: Objects) -> None:
    """The way out is certain before anything is touched."""

    def wanted(r: Rollout) -> Ops:
        held = list(r.metadata.finalizers)
        if names.FINALIZER in held:
            return []
        return _finalizers(held, [*held, names.FINALIZER])

    await w.patch(ROLLOUTS, o.rollout, wanted)


async def remove_finalizer(w: Writer, o: Objects) -> None:
    """The Rollout may go."""

    def wanted(r: Rollout) -> Ops:
        held = list(r.metadata.finalizers)
        if names.FINALIZER not in held:
            return []
        return _finalizers(held, [f for f in held if f != names.FINALIZER])

    await w.patch(ROLLOUTS, o.rollout, wanted)


def _finalizers(before: list[str], after: list[str]) -> Ops:
    """The list as it was is tested, unless it was absent, which a test cannot say."""
    path = "/metadata/finalizers"
    same: Ops = [{"op": "test", "path": path, "value": before}] if before else []
    return [*same, {"op": "add", "path": path, "value": after}]


async def create_change(w: Writer, o: Objects, intent: CreateChange) -> None:
    """Record a proposal; the oldest ended ones beyond the history go."""
    spec: ChangeSpec = intent.spec
    body = {
        "metadata": {
            "name": intent.name,
            "labels": {names.ROLLOUT_LABEL: spec.rollout, names.ORIGIN_LABEL: spec.origin},
        },
        "spec": msgspec.to_builtins(spec),
    }
    await w.create(CHANGES, o.rollout.namespace, body)
    ended = sorted(
        (c for c in o.changes if c.status.finished_at is not None and c.name != intent.name),
        key=lambda c: c.metadata.resource_version.zfill(20),
    )
    for change in ended[: max(0, len(ended) - HISTORY)]:
        await w.delete(CHANGES, change)


async def answer(w: Writer, o: Objects, intent: Answer) -> None:
    """What became of a sign-off, on the sign-off."""
    status = {"status": {"state": intent.state, "message": intent.message}}
    await w.merge(SIGNOFFS, o.rollout.namespace, intent.signoff, status, "status")


async def switch_off(w: Writer, o: Objects, intent: SwitchOff) -> None:
    """The flag reads false; a ConfigMap that is missing or locked must not stop a rollback."""
    data = {"data": {intent.key: "false"}}
    await w.merge(CONFIG_MAPS, o.rollout.namespace, intent.config_map, data)
