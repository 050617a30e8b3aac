"""What each answer to the probe's dry-run edit means, and that no answer is not one."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from controller.api.k8s import Deployment
from controller.core.observed import HoldMode
from controller.kube.port import ApiError, Forbidden, NotFound, Overloaded, ServerError, Unreachable
from controller.runtime.probe import HoldProbe

pytestmark = pytest.mark.looptime

REFUSED = ServerError(500, "InternalError", "etcd is gone")
BUSY = Overloaded(429, "TooManyRequests", "later")
AWAY = Unreachable(0, "Unreachable", "no answer within 10 s")


class Server:
    """Answers each probe with what is queued, and the last of it for ever."""

    def __init__(self, *answers: bool | ApiError) -> None:
        """True: the edit came back paused."""
        self.answers = list(answers)
        self.asked_at: list[float] = []

    async def patch_json(self, *_: Any, dry_run: bool) -> Deployment:
        assert dry_run
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ApiError):
            raise answer
        return msgspec.convert({"metadata": {"name": "p"}, "spec": {"paused": answer}}, Deployment)


def probing(*answers: bool | ApiError) -> tuple[HoldProbe, Server]:
    server = Server(*answers)
    return HoldProbe(server, "blastdoor-system", 60.0), server  # type: ignore[arg-type]


async def modes_after(probe: HoldProbe, seconds: float) -> list[HoldMode | None]:
    """The modes that were told in that time."""
    told: list[HoldMode | None] = []
    probe.on_change(lambda: told.append(probe.mode))
    task = asyncio.create_task(probe.run())
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    return told


@pytest.mark.parametrize(
    ("answer", "mode"),
    [
        (True, HoldMode.ON_CHANGE),
        (False, HoldMode.ALWAYS),
        (NotFound(404, "NotFound", "no such Deployment"), HoldMode.ALWAYS),
        (Forbidden(403, "Forbidden", "no right to do so"), HoldMode.ALWAYS),
    ],
    ids=str,
)
async def test_what_the_server_answers_counts_at_once(
    answer: bool | ApiError, mode: HoldMode
) -> None:
    probe, server = probing(answer)
    assert probe.mode is None
    assert await modes_after(probe, 130) == [mode]
    assert server.asked_at == [0, 60, 120]


@pytest.mark.parametrize("trouble", [REFUSED, BUSY, AWAY], ids=str)
async def test_one_hiccup_of_the_server_changes_nothing(trouble: ApiError) -> None:
    probe, server = probing(True, trouble, trouble, True)
    assert await modes_after(probe, 150) == [HoldMode.ON_CHANGE]
    assert server.asked_at == [0, 60, 70, 80, 140]


async def test_no_answer_again_and_again_means_that_the_hold_is_gone() -> None:
    probe, server = probing(True, AWAY, AWAY, AWAY, AWAY, True)
    assert await modes_after(probe, 210) == [
        HoldMode.ON_CHANGE,
        HoldMode.ALWAYS,
        HoldMode.ON_CHANGE,
    ]
    assert server.asked_at == [0, 60, 70, 80, 140, 200]


async def test_what_was_never_answered_is_not_known() -> None:
    probe, _ = probing(AWAY, AWAY, True)
    assert await modes_after(probe, 15) == []
    assert probe.mode is None
