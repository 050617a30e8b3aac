"""A command is one Signoff that names what the person saw, and waits for its answer."""

import argparse
import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from controller.api.resources import SIGNOFFS
from controller.api.signoff import Signoff
from controller.cli import act
from controller.cli.exits import CommandError, Exit
from controller.cli.reading import every
from controller.kube.memory import MemoryCluster
from tests.unit.controller.cli.objects import change, cluster_with, rollout


def asked(command: str, **more: Any) -> argparse.Namespace:
    given = {"name": "checkout", "namespace": "shop", "reason": "", "change": "", "wait_s": 0.0}
    return argparse.Namespace(command=command, **{**given, **more})


async def answer(cluster: MemoryCluster, state: str, message: str) -> None:
    """As the operator does it, as soon as there is one to answer."""
    status = {"status": {"state": state, "message": message}}
    async with aclosing(cluster.watch(SIGNOFFS, "shop", since=str(cluster.version))) as events:
        async for event in events:
            if isinstance(event.object, Signoff):
                name = event.object.name
                await cluster.patch_merge(SIGNOFFS, "shop", name, status, subresource="status")
                return


async def only_signoff(cluster: MemoryCluster) -> Any:
    (found,), _ = await every(cluster, SIGNOFFS, "shop")
    return found.spec


@pytest.mark.parametrize(("command", "decision"), [(c, d) for c, (d, *_) in act.ACTS.items()])
async def test_each_command_writes_its_decision(command: str, decision: str) -> None:
    cluster = await cluster_with(rollout(change="checkout-1"), change())
    assert await act._act(cluster, asked(command, reason="orders fall")) == Exit.OK
    spec = await only_signoff(cluster)
    assert (spec.decision, spec.change, spec.reason) == (decision, "checkout-1", "orders fall")


@pytest.mark.looptime
async def test_it_waits_for_the_operators_answer(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = await cluster_with(rollout(change="checkout-1"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer(cluster, "Applied", "weight 0"))
        done = tasks.create_task(act._act(cluster, asked("abort", wait_s=10.0)))
    assert done.result() == Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == "Applied: weight 0"


@pytest.mark.looptime
async def test_a_refusal_is_a_no() -> None:
    cluster = await cluster_with(rollout(change="checkout-1"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer(cluster, "Refused", "nothing to promote"))
        done = tasks.create_task(act._act(cluster, asked("promote", wait_s=10.0)))
    assert done.result() == Exit.NO


@pytest.mark.looptime
async def test_silence_is_said_and_the_signoff_stays() -> None:
    cluster = await cluster_with(rollout())
    with pytest.raises(CommandError, match="no answer within 10s; it stays on record"):
        await act._act(cluster, asked("abort", wait_s=10.0))
    assert (await only_signoff(cluster)).decision == "Abort"


async def test_an_unknown_rollout_is_answered_with_those_that_exist() -> None:
    cluster = await cluster_with(rollout())
    with pytest.raises(CommandError, match=r"shop/cart does not exist; .*: checkout") as caught:
        await act._act(cluster, asked("abort", name="cart"))
    assert caught.value.code is Exit.NOT_FOUND


def test_a_long_name_still_makes_a_name_that_is_allowed() -> None:
    long = act.signoff(rollout(), "Promote", "", "", "0" * 8)
    assert len(long["metadata"]["name"]) <= 253
