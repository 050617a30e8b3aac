"""Each AnalysisTemplate carries a status of its own, also where no Rollout names it."""

import asyncio
from typing import Any

import pytest

from controller.api.resources import ANALYSIS_TEMPLATES, EVENTS
from controller.runtime.unread import unread
from tests.property.shopworld import ANALYSIS, ShopWorld
from tests.property.stories import shop_at_rest
from tests.property.virtual_orders import KEY, body_of

pytestmark = pytest.mark.looptime


def said(world: ShopWorld, name: str) -> dict[str, str]:
    """What its Ready condition says."""
    body = body_of(world.cluster, ANALYSIS_TEMPLATES, name)
    assert body is not None
    ready = {c["type"]: c for c in body["status"]["conditions"]}["Ready"]
    return {field: str(ready[field]) for field in ("status", "reason", "message")}


async def put(world: ShopWorld, name: str, **more: Any) -> None:
    body = {"metadata": {"name": name}, "spec": {**ANALYSIS, **more}}
    await world.admin.create(unread(ANALYSIS_TEMPLATES), KEY.namespace, body)
    await asyncio.sleep(1)


def writes(world: ShopWorld) -> int:
    return sum(1 for w in world.cluster.journal if w.resource == str(ANALYSIS_TEMPLATES))


async def test_a_good_template_is_ready_and_lists_its_metrics() -> None:
    async with shop_at_rest() as world:
        await put(world, "another")
        assert said(world, "another")["status"] == "True"
        body = body_of(world.cluster, ANALYSIS_TEMPLATES, "another")
        assert body is not None
        assert (body["status"]["provider"], body["status"]["metrics"]) == ("virtual", "orders")


async def test_a_bad_one_says_what_is_wrong_until_it_is_mended() -> None:
    async with shop_at_rest() as world:
        await put(world, "another", provider={"graphite": {}})
        told = said(world, "another")
        assert (told["status"], told["reason"]) == ("False", "InvalidSpec")
        assert told["message"].startswith("spec.provider.graphite: got a provider that is not")
        events = await world.admin.list_page(EVENTS, KEY.namespace)
        assert any("graphite" in str(e) for e in events.items)
        mended = {"spec": {"provider": {"graphite": None, "virtual": {}}}}
        await world.admin.patch_merge(ANALYSIS_TEMPLATES, KEY.namespace, "another", mended)
        await asyncio.sleep(1)
        assert said(world, "another")["status"] == "True"


async def test_one_that_cannot_be_read_is_told_once() -> None:
    async with shop_at_rest() as world:
        await put(world, "another", metrics="orders")
        assert said(world, "another")["status"] == "False"
        before = writes(world)
        await asyncio.sleep(90)
        assert writes(world) == before


async def test_at_rest_and_after_a_restart_nothing_is_written() -> None:
    async with shop_at_rest() as world:
        before = writes(world)
        await asyncio.sleep(90)
        await world.kill_operators()
        world.start_operator()
        await asyncio.sleep(60)
        assert writes(world) == before


async def test_a_refused_write_is_tried_again() -> None:
    async with shop_at_rest() as world:
        world.cluster.faults.fail_next("patch", ANALYSIS_TEMPLATES)
        await put(world, "another")
        await asyncio.sleep(30)
        assert said(world, "another")["status"] == "True"
