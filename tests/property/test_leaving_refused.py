"""A Rollout that is deleted gives back all that it may: one refused write keeps nothing else.

In virtual time.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api import names
from controller.api.resources import AUTOSCALERS, REPLICASETS, ROLLOUTS, Resource
from controller.core.phases import Phase
from tests.property.shopworld import ShopWorld
from tests.property.stories import reached, shop_at_rest
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime

NS = KEY.namespace


def _labelled(body: Any) -> bool:
    return names.ROLLOUT_LABEL in body["metadata"]["labels"]


def _stable_set(world: ShopWorld, hash_: str) -> Any:
    return body_of(world.cluster, REPLICASETS, f"{KEY.name}-{hash_}")


@pytest.mark.parametrize("refused", [AUTOSCALERS, REPLICASETS], ids=lambda r: r.kind)
async def test_what_may_be_written_is_given_back_and_the_rest_as_soon_as_it_may(
    refused: Resource[Any],
) -> None:
    async with shop_at_rest(drain="20s") as world:
        await world.autoscale(2, 8)
        await world.release("v2")
        await reached(world, Phase.STEPPING, weight=5)
        hash_ = world.rollout().status.stable.hash
        await world.sign("Abort")
        await reached(world, Phase.FINISHED)
        world.refuse(refused)
        await asyncio.sleep(200)  # by then the autoscaler would have got its floor back
        await world.admin.delete(ROLLOUTS, NS, KEY.name)
        await asyncio.sleep(400)
        assert body_of(world.cluster, ROLLOUTS, KEY.name) is not None
        assert not _labelled(world.deployment())
        world.heal()
        await asyncio.sleep(300)
        assert body_of(world.cluster, ROLLOUTS, KEY.name) is None
        assert not _labelled(_stable_set(world, hash_))
        scaler: Any = body_of(world.cluster, AUTOSCALERS, KEY.name)
        assert scaler["spec"]["minReplicas"] == 2
