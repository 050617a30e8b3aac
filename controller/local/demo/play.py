"""Plays the story: each author edits the Deployment, the operator does the rest, we only look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.api.kinds import Change, Rollout
from controller.api.resources import ROLLOUTS
from controller.core.phases import Phase
from controller.core.run import running
from controller.local import deploying, shop_objects
from controller.local.demo.stage import KEY, Stage
from controller.local.demo.story import DARK_S, Release
from controller.local.ledger import Ledger

STABLE_WITHIN_S = 30.0
RELEASE_WITHIN_S = 120.0
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Moment:
    """What the live view and the picture show of one instant."""

    at: float
    """Unix time."""
    version: str
    phase: str
    step: str
    weight: float
    reason: str
    message: str
    log_harm: float
    log_threshold: float


@dataclass(frozen=True)
class Ended:
    """One release after it ended."""

    release: Release
    outcome: str
    reason: str
    peak_weight: float
    began: float
    ended: float


@dataclass
class Record:
    """Everything that was seen."""

    moments: list[Moment] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)


Show = Callable[[Record], None]


async def play(stage: Stage, releases: tuple[Release, ...], record: Record, show: Show) -> None:
    """All releases one after the other; `show` is called several times a second."""
    watcher = asyncio.create_task(_look(stage, record, show), name="view")
    try:
        await _until_stable(stage)
        for release in releases:
            record.ended.append(await _release(stage, release))
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    record.ledger = stage.stack.ledger.read()
    show(record)


async def _release(stage: Stage, release: Release) -> Ended:
    began = time.time()  # noqa: TID251  # the ledger's own clock
    await deploying.edit_template(stage.author, release.template, annotations=release.docs)
    darkness = asyncio.create_task(_darkness(stage)) if release.goes_dark else None
    image = f":{release.version}"

    async def look() -> Change | None:
        changes = stage.operator.world.changes.store
        mine = [c for c in changes if any(i.endswith(image) for i in c.spec.target.images)]
        return mine[-1] if mine else None

    change = await deploying.until(
        look,
        lambda c: c is not None and c.status.phase == Phase.FINISHED,
        RELEASE_WITHIN_S,
        f"the end of {release.version}",
    )
    assert change is not None
    if darkness is not None:
        await darkness
    await _until_stable(stage)
    return Ended(
        release, change.status.outcome, change.status.reason, change.status.peak_weight,
        began, time.time(),  # noqa: TID251
    )  # fmt: skip


async def _until_stable(stage: Stage) -> None:
    """The Rollout is at rest, with or without a refused proposal."""

    async def look() -> Rollout:
        return await stage.author.get(ROLLOUTS, KEY.namespace, KEY.name)

    await deploying.until(
        look,
        lambda r: r.status.phase in ("Stable", "Rejected"),
        STABLE_WITHIN_S,
        "a stable Rollout",
    )


async def _darkness(stage: Stage) -> None:
    """In mid-canary every pod's metrics answer 503 for a while, then they are back."""

    async def look() -> Rollout:
        return await stage.author.get(ROLLOUTS, KEY.namespace, KEY.name)

    await deploying.until(look, lambda r: r.status.weight >= 10, RELEASE_WITHIN_S, "the 10% step")
    space = shop_objects.NAMESPACE
    pods = [
        *await deploying.pods(stage.author, space, f"app={shop_objects.NAME}"),
        *await deploying.pods(stage.author, space, f"app={shop_objects.NAME}-canary"),
    ]
    await deploying.set_metrics(pods, dark=True)
    await asyncio.sleep(DARK_S)
    await deploying.set_metrics(pods, dark=False)


async def _look(stage: Stage, record: Record, show: Show) -> None:
    while True:
        record.ledger = stage.stack.ledger.read()
        moment = _moment(stage)
        if moment is not None:
            record.moments.append(moment)
            show(record)
        await asyncio.sleep(LOOK_EVERY_S)


def _moment(stage: Stage) -> Moment | None:
    look = stage.operator.reconciler.looks.get(KEY)
    if look is None:
        return None
    o, d = look.observed, look.decision
    images = o.change.spec.target.images if o.change else ()
    # On the way back there is no evidence to come: the status keeps what took the release back.
    found = o.evidence or (o.change.status if running(o) and o.change else None)
    return Moment(
        at=time.time(),  # noqa: TID251
        version=images[0].rpartition(":")[2] if images else "v1",
        phase=d.rollout_status.phase,
        step=d.rollout_status.step,
        weight=o.traffic.weight or 0.0 if o.canary else 0.0,
        reason=d.reason.value,
        message=d.message,
        log_harm=found.log_harm if found else 0.0,
        log_threshold=found.log_threshold if found else 0.0,
    )
