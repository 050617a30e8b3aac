"""Whether the cache has caught up with our own writes. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.k8s import ConfigMap
from controller.api.meta import Key
from controller.kube.own_writes import OwnWrites
from controller.kube.store import Store

from .conftest import config_map

pytestmark = pytest.mark.looptime

A = Key("shop", "a")


@pytest.fixture
def store() -> Store[ConfigMap]:
    store: Store[ConfigMap] = Store()
    store.replace([config_map("a", 5)], "7")
    return store


async def test_a_cache_older_than_our_write_is_stale_until_it_shows_it(
    store: Store[ConfigMap],
) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("a", 10))
    assert writes.stale(A)
    store.put(config_map("a", 9))
    store.advance("9")
    assert writes.stale(A)
    store.put(config_map("a", 10))
    assert not writes.stale(A)


async def test_versions_are_compared_as_numbers_and_not_as_text(store: Store[ConfigMap]) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("a", 100))
    store.put(config_map("a", 99))
    assert writes.stale(A)


async def test_a_newer_write_of_another_counts_as_having_seen_ours(
    store: Store[ConfigMap],
) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("a", 10))
    store.put(config_map("a", 12))
    assert not writes.stale(A)


async def test_a_stream_that_is_past_our_write_has_told_of_it(store: Store[ConfigMap]) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("a", 10))
    store.advance("9")
    assert writes.stale(A)
    store.remove(A)
    store.advance("11")
    assert not writes.stale(A)


async def test_a_write_that_changed_nothing_is_never_stale(store: Store[ConfigMap]) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("a", 5))
    assert not writes.stale(A)


async def test_an_object_that_we_made_is_stale_until_it_is_in_the_cache(
    store: Store[ConfigMap],
) -> None:
    writes = OwnWrites(store)
    writes.remember(config_map("new", 10))
    assert writes.stale(Key("shop", "new"))
    store.put(config_map("new", 10))
    assert not writes.stale(Key("shop", "new"))


async def test_a_deadline_ends_the_wait_for_what_never_shows(store: Store[ConfigMap]) -> None:
    writes = OwnWrites(store, deadline_s=10)
    writes.remember(config_map("a", 10))
    await asyncio.sleep(9)
    assert writes.stale(A)
    await asyncio.sleep(1)
    assert not writes.stale(A)
    assert len(writes) == 0


async def test_versions_that_are_no_numbers_wait_for_any_other_version(
    store: Store[ConfigMap],
) -> None:
    writes = OwnWrites(store)
    opaque = config_map("a", 0)
    opaque = ConfigMap(
        metadata=type(opaque.metadata)(name="a", namespace="shop", resource_version="x9")
    )
    writes.remember(opaque)
    assert writes.stale(A)
    store.put(config_map("a", 6))
    assert not writes.stale(A)


async def test_an_object_that_we_never_wrote_is_not_stale(store: Store[ConfigMap]) -> None:
    assert not OwnWrites(store).stale(A)


async def test_writes_that_nobody_asks_about_are_forgotten_in_time(store: Store[ConfigMap]) -> None:
    writes = OwnWrites(store, deadline_s=10)
    for number in range(1000):
        writes.remember(config_map(f"event-{number}", number))
        await asyncio.sleep(1)
    assert len(writes) <= 11
