"""However slow a write is, whatever it belongs to: traffic is taken away within a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from controller.api.meta import Key
from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import CHANGES, ROLLOUTS
from controller.core.phases import Outcome, Phase
from controller.runtime.manager import Operator
from controller.runtime.reconciler import Reconciler
from tests.property.shopworld import ROLLOUT, ShopWorld
from tests.property.stories import reached, settled, shop_at_rest
from tests.property.virtual_orders import KEY

pytestmark = pytest.mark.looptime

SLOW_S = 9.0
OTHERS = 24
"""More Rollouts than there are workers."""


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until(true: Callable[[], object], within_s: float = 120.0) -> float:
    """When it became true."""
    for _ in range(round(within_s / 0.02)):
        if true():
            return _now()
        await asyncio.sleep(0.02)
    raise AssertionError("never true")


def _harm_is_known(operator: Operator, world: ShopWorld) -> bool:
    view = operator.sampler.evidence(world.changes()[-1].metadata.uid)
    return bool(view and view.assessment and view.assessment.verdict == "ROLLBACK")


@asynccontextmanager
async def _paused_at_five() -> AsyncIterator[tuple[ShopWorld, Operator]]:
    async with ShopWorld() as world:
        operator = world.start_operator()
        await asyncio.sleep(5)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, {"spec": {"paused": True}})
        await asyncio.sleep(5)
        yield world, operator


async def _in_a_slow_write(world: ShopWorld) -> None:
    """The worker of this release has just begun to write a status, which takes long."""
    for resource in (ROLLOUTS, CHANGES):
        world.cluster.faults.delay(SLOW_S, "patch", resource, user=OPERATOR_ACCOUNT)
    await world.admin.patch_merge(ROLLOUTS, KEY.namespace, KEY.name, {"spec": {"paused": False}})
    await asyncio.sleep(0.1)


async def test_a_slow_write_of_the_same_release_does_not_delay_its_containment() -> None:
    async with _paused_at_five() as (world, operator):
        world.orders.harmful = True
        await _in_a_slow_write(world)
        known = await _until(lambda: _harm_is_known(operator, world))
        assert await _until(lambda: world.weight() == 0) - known < 1.0
        world.heal()
        await settled(world)
        status = world.changes()[-1].status
        assert (status.outcome, "orders" in status.message) == (Outcome.ROLLED_BACK, True)


async def test_slow_writes_of_others_that_take_all_workers_do_not_delay_containment() -> None:
    async with _paused_at_five() as (world, operator):
        for number in range(OTHERS):
            name = f"none-{number}"
            spec = ROLLOUT | {"workload": {"name": name}, "traffic": {"service": name}}
            body = {"metadata": {"name": name}, "spec": spec}
            await world.admin.create(ROLLOUTS, KEY.namespace, body)
        world.cluster.faults.delay(SLOW_S, "patch", ROLLOUTS, user=OPERATOR_ACCOUNT)
        await asyncio.sleep(0.1)
        world.orders.harmful = True
        known = await _until(lambda: _harm_is_known(operator, world))
        assert await _until(lambda: world.weight() == 0) - known < 1.0


async def test_a_slow_write_does_not_delay_an_abort() -> None:
    async with _paused_at_five() as (world, _):
        await _in_a_slow_write(world)
        world.orders.dark = True
        await world.sign("Abort")
        signed = _now()
        assert await _until(lambda: world.weight() == 0) - signed < 1.0
        world.heal()
        await settled(world)
        assert world.changes()[-1].status.outcome == Outcome.ABORTED


async def test_a_look_in_time_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Key] = []
    contain = Reconciler.contain

    async def counted(self: Reconciler, key: Key) -> None:
        late.append(key)
        await contain(self, key)

    monkeypatch.setattr(Reconciler, "contain", counted)
    async with shop_at_rest() as world:
        await world.release("v2-bad")
        await settled(world)
        await world.release("v3")
        await settled(world, changes=2)
    assert late == []
