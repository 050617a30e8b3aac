"""One watch connection, and each way in which it can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from controller.api.resources import CONFIG_MAPS
from controller.kube import settings
from controller.kube.client import ApiServer
from controller.kube.port import Forbidden, Gone, Malformed, ServerError, Unreachable, WatchEvent

from .conftest import ScriptedServer

pytestmark = pytest.mark.looptime


def line(kind: str, version: int, **more: Any) -> bytes:
    item = {"metadata": {"name": "a", "namespace": "shop", "resourceVersion": str(version)}, **more}
    return msgspec.json.encode({"type": kind, "object": item}) + b"\n"


def watch(api: ApiServer) -> AsyncIterator[WatchEvent[Any]]:
    return api.watch(CONFIG_MAPS, "shop", since="1", label_selector="a=b")


async def versions(api: ApiServer, seen: list[str]) -> None:
    async for event in watch(api):
        # One by one: what came before an error counts.
        seen.append(event.resource_version)  # noqa: PERF401


async def test_a_watch_asks_for_bookmarks_from_a_version_and_for_an_end(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams()
    await versions(api, [])
    (asked,) = server.asked
    assert asked.path == "/api/v1/namespaces/shop/configmaps"
    assert asked.query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "1",
        "timeoutSeconds": "300",
        "labelSelector": "a=b",
    }


async def test_events_and_bookmarks_come_until_the_server_ends_the_stream(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams(line("ADDED", 2), line("MODIFIED", 3), line("BOOKMARK", 9))
    seen: list[str] = []
    await versions(api, seen)
    assert seen == ["2", "3", "9"]


async def test_lines_may_come_in_any_pieces(server: ScriptedServer, api: ApiServer) -> None:
    whole = line("ADDED", 2) + line("MODIFIED", 3) + b"\n" + line("DELETED", 4)
    server.streams(*(whole[at : at + 7] for at in range(0, len(whole), 7)))
    seen: list[str] = []
    await versions(api, seen)
    assert seen == ["2", "3", "4"]


async def test_a_line_of_two_megabytes_is_one_event(server: ScriptedServer, api: ApiServer) -> None:
    server.streams(line("ADDED", 2, data={"big": "x" * 2_000_000}))
    seen: list[str] = []
    await versions(api, seen)
    assert seen == ["2"]


async def test_a_truncated_last_line_is_a_broken_stream_and_no_event(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams(line("ADDED", 2), line("MODIFIED", 3)[:40])
    seen: list[str] = []
    with pytest.raises(Unreachable, match="middle of a line"):
        await versions(api, seen)
    assert seen == ["2"]


async def test_a_lost_connection_is_a_broken_stream(server: ScriptedServer, api: ApiServer) -> None:
    server.streams(line("ADDED", 2), then="cut")
    seen: list[str] = []
    with pytest.raises(Unreachable, match="the stream broke"):
        await versions(api, seen)
    assert seen == ["2"]


async def test_an_unreadable_line_is_a_broken_stream(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams(line("ADDED", 2), b'{"type": "ADDED", "obj\n', line("ADDED", 4))
    seen: list[str] = []
    with pytest.raises(Unreachable, match="unreadable line"):
        await versions(api, seen)
    assert seen == ["2"]


async def test_a_silent_stream_is_noticed_after_ninety_seconds(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams(line("ADDED", 2), then="silence")
    seen: list[str] = []
    began = asyncio.get_running_loop().time()
    with pytest.raises(Unreachable, match="no byte for 90 s"):
        await versions(api, seen)
    assert asyncio.get_running_loop().time() - began == pytest.approx(90, abs=0.1)


async def test_a_watch_that_is_not_even_opened_ends_at_the_deadline(
    server: ScriptedServer, api: ApiServer
) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.responds(never)
    with pytest.raises(Unreachable, match="no answer within 30 s"):
        await versions(api, [])


async def test_an_error_event_of_410_is_gone(server: ScriptedServer, api: ApiServer) -> None:
    said = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    server.streams(msgspec.json.encode({"type": "ERROR", "object": said}) + b"\n")
    with pytest.raises(Gone, match="watch configmaps shop: 410"):
        await versions(api, [])


@pytest.mark.parametrize(
    ("code", "kind"), [(410, Gone), (403, Forbidden), (500, ServerError), (503, ServerError)]
)
async def test_a_refused_watch_is_its_error_and_is_not_retried(
    code: int, kind: type[Exception], server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(code, "Because", Retry_After="3")
    with pytest.raises(kind, match="says Because") as caught:
        await versions(api, [])
    assert caught.value.retry_after_s == 3  # type: ignore[attr-defined]
    assert len(server.asked) == 1


async def test_a_malformed_object_does_not_end_the_stream(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.streams(line("ADDED", 2, data={"k": 7}), line("ADDED", 3))
    kinds = [type(event.object) async for event in watch(api)]
    assert kinds[0] is Malformed
    assert kinds[1] is not Malformed


async def test_as_many_streams_as_there_are_runs_leave_every_connection_to_calls(
    server: ScriptedServer, api: ApiServer
) -> None:
    opened = asyncio.Semaphore(0)

    async def stay_open() -> None:
        async for _ in watch(api):
            opened.release()

    for _ in range(settings.CONNECTIONS + 1):
        server.streams(line("BOOKMARK", 2), then="silence")
    streams = [asyncio.create_task(stay_open()) for _ in range(settings.CONNECTIONS + 1)]
    async with asyncio.timeout(settings.READ_DEADLINE_S):
        for _ in streams:
            await opened.acquire()
    server.answers(body={"metadata": {"name": "a", "namespace": "shop"}})
    assert (await api.patch_merge(CONFIG_MAPS, "shop", "a", {})).name == "a"
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
