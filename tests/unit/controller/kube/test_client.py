"""The client against a scripted API server: what it sends, what it retries, what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from controller.api.meta import Object
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS, Resource
from controller.kube import traffic
from controller.kube.client import ApiServer
from controller.kube.config import Direct
from controller.kube.port import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    ServerError,
    Unreachable,
)

from .conftest import ScriptedServer

pytestmark = pytest.mark.looptime

A = {"metadata": {"name": "a", "namespace": "shop", "resourceVersion": "5"}, "data": {"k": "v"}}

READS: dict[str, Callable[[ApiServer], Awaitable[Any]]] = {
    "get": lambda api: api.get(CONFIG_MAPS, "shop", "a"),
    "list": lambda api: api.list_page(CONFIG_MAPS, "shop"),
}
WRITES: dict[str, Callable[[ApiServer], Awaitable[Any]]] = {
    "create": lambda api: api.create(CONFIG_MAPS, "shop", {"metadata": {"name": "a"}}),
    "apply": lambda api: api.apply(CONFIG_MAPS, "shop", "a", {"data": {}}),
    "json": lambda api: api.patch_json(CONFIG_MAPS, "shop", "a", []),
    "merge": lambda api: api.patch_merge(CONFIG_MAPS, "shop", "a", {}),
    "delete": lambda api: api.delete(CONFIG_MAPS, "shop", "a"),
}
reads = pytest.mark.parametrize("call", READS.values(), ids=READS)
writes = pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
calls = pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
Call = Callable[[ApiServer], Awaitable[Any]]


def now() -> float:
    return asyncio.get_running_loop().time()


# -- what is sent ------------------------------------------------------------------------------


async def test_the_token_goes_with_every_request(server: ScriptedServer, api: ApiServer) -> None:
    await api.list_page(CONFIG_MAPS)
    assert server.asked[0].headers["Authorization"] == "Bearer secret"


async def test_a_list_asks_for_a_page_of_one_namespace_by_label(
    server: ScriptedServer, api: ApiServer
) -> None:
    await api.list_page(DEPLOYMENTS, "shop", label_selector="a=b", limit=7, page="next")
    (asked,) = server.asked
    assert asked.path == "/apis/apps/v1/namespaces/shop/deployments"
    assert asked.query == {"limit": "7", "continue": "next", "labelSelector": "a=b"}


async def test_an_apply_names_our_field_manager_and_completes_the_manifest(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(body=A)
    await api.apply(CONFIG_MAPS, "shop", "a", {"data": {"k": "v"}}, force=False)
    (asked,) = server.asked
    assert asked.query == {"fieldManager": "blastdoor", "force": "false"}
    assert asked.headers["Content-Type"] == "application/apply-patch+yaml"
    assert asked.json() == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"k": "v"},
    }


async def test_a_json_patch_may_be_a_dry_run(server: ScriptedServer, api: ApiServer) -> None:
    server.answers(body=A)
    operations = [{"op": "test", "path": "/data/k", "value": "v"}]
    await api.patch_json(CONFIG_MAPS, "shop", "a", operations, dry_run=True)
    (asked,) = server.asked
    assert asked.query["dryRun"] == "All"
    assert asked.headers["Content-Type"] == "application/json-patch+json"
    assert asked.json() == operations


async def test_a_merge_patch_goes_to_the_subresource(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(body=A)
    await api.patch_merge(DEPLOYMENTS, "shop", "a", {"status": {}}, subresource="status")
    (asked,) = server.asked
    assert asked.path == "/apis/apps/v1/namespaces/shop/deployments/a/status"
    assert asked.headers["Content-Type"] == "application/merge-patch+json"


async def test_a_deletion_carries_uid_propagation_and_grace(
    server: ScriptedServer, api: ApiServer
) -> None:
    await api.delete(CONFIG_MAPS, "shop", "a", uid="u1", propagation="Orphan", grace_s=0)
    (asked,) = server.asked
    assert asked.json() == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Orphan",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": "u1"},
    }


# -- what is retried ---------------------------------------------------------------------------


@calls
async def test_a_429_is_waited_out_as_long_as_the_server_asks(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(429, "TooManyRequests", Retry_After="2")
    server.answers(body=A)
    began = now()
    await call(api)
    assert len(server.asked) == 2
    assert 2 < now() - began < 3


@calls
async def test_a_429_that_does_not_end_is_handed_to_the_caller(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(429, "TooManyRequests", times=100, Retry_After="1")
    with pytest.raises(Overloaded) as caught:
        await call(api)
    assert caught.value.retry_after_s == 1
    assert len(server.asked) == 4


@writes
async def test_a_leader_sends_no_write_again_by_itself(call: Call, server: ScriptedServer) -> None:
    server.refuses(429, "TooManyRequests", Retry_After="1")
    async with ApiServer(Direct(server.url), resend_writes=False) as api:
        with pytest.raises(Overloaded):
            await call(api)
    assert len(server.asked) == 1


@reads
async def test_a_leader_does_read_again(call: Call, server: ScriptedServer) -> None:
    server.refuses(429, "TooManyRequests", Retry_After="1")
    server.answers(body=A)
    async with ApiServer(Direct(server.url), resend_writes=False) as api:
        await call(api)
    assert len(server.asked) == 2


async def test_a_long_retry_after_does_not_hold_the_worker(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(429, "TooManyRequests", Retry_After="30")
    with pytest.raises(Overloaded) as caught:
        await api.get(CONFIG_MAPS, "shop", "a")
    assert caught.value.retry_after_s == 30
    assert len(server.asked) == 1


@reads
async def test_a_read_outlives_two_500s(call: Call, server: ScriptedServer, api: ApiServer) -> None:
    server.refuses(500, "InternalError", times=2)
    server.answers(body=A)
    await call(api)
    assert len(server.asked) == 3


@reads
async def test_a_read_outlives_a_lost_connection(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.hangs_up()
    server.answers(body=A)
    await call(api)


@reads
async def test_a_read_that_fails_three_times_is_an_error(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(503, "ServiceUnavailable", times=100)
    with pytest.raises(ServerError):
        await call(api)
    assert len(server.asked) == 3


@writes
async def test_a_write_that_met_a_500_is_not_sent_twice(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(500, "InternalError", times=100)
    with pytest.raises(ServerError):
        await call(api)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "call", [call for name, call in WRITES.items() if name != "delete"], ids=lambda _: ""
)
async def test_a_write_whose_connection_was_lost_says_that_its_fate_is_unknown(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    server.hangs_up(times=5)
    with pytest.raises(Unreachable, match="whether it was done is unknown"):
        await call(api)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("code", "kind"), [(404, NotFound), (409, Conflict), (403, Forbidden), (422, Invalid)]
)
@calls
async def test_a_refusal_is_told_at_once(
    call: Call, code: int, kind: type[ApiError], server: ScriptedServer, api: ApiServer
) -> None:
    server.refuses(code, "Because", times=100)
    with pytest.raises(kind, match="says Because"):
        await call(api)
    assert len(server.asked) == 1


# -- deadlines and strange answers -------------------------------------------------------------


@writes
async def test_a_write_without_an_answer_ends_at_its_deadline(
    call: Call, server: ScriptedServer, api: ApiServer
) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.responds(never)
    began = now()
    with pytest.raises(Unreachable, match="no answer within 10 s"):
        await call(api)
    assert now() - began == pytest.approx(10, abs=0.1)


async def test_a_port_that_nobody_listens_on_is_unreachable(server: ScriptedServer) -> None:
    async with ApiServer(Direct("http://127.0.0.1:1")) as api:
        with pytest.raises(Unreachable, match="get configmaps shop/a"):
            await api.get(CONFIG_MAPS, "shop", "a")


async def test_a_page_of_html_is_an_error_and_no_crash(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(body=b"<html>login</html>", times=2)
    with pytest.raises(ServerError, match="no object"):
        await api.get(CONFIG_MAPS, "shop", "a")
    with pytest.raises(ServerError, match="no object"):
        await api.list_page(CONFIG_MAPS)


async def test_a_malformed_object_is_told_with_its_field(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(body={"metadata": {"name": "a"}, "data": {"k": 7}})
    with pytest.raises(Invalid, match=r"\$\.data"):
        await api.get(CONFIG_MAPS, "shop", "a")


async def test_a_deletion_may_be_answered_by_a_status_or_by_the_object(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(body={"kind": "Status", "status": "Success"})
    server.answers(body=A)
    await api.delete(CONFIG_MAPS, "shop", "a")
    await api.delete(CONFIG_MAPS, "shop", "a")


async def test_a_megabyte_annotation_is_read(server: ScriptedServer, api: ApiServer) -> None:
    server.answers(body={"metadata": {"name": "a", "annotations": {"big": "x" * 1_000_000}}})
    found = await api.get(CONFIG_MAPS, "shop", "a")
    assert len(found.metadata.annotations["big"]) == 1_000_000


async def test_a_redirect_is_not_followed_with_our_token(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(status=302, Location="http://127.0.0.1:1/steal")
    with pytest.raises(ApiError, match="302"):
        await api.get(CONFIG_MAPS, "shop", "a")
    assert len(server.asked) == 1


# -- counting ----------------------------------------------------------------------------------


async def test_requests_are_counted_by_verb_resource_and_status(
    server: ScriptedServer, api: ApiServer
) -> None:
    before = traffic.sent()
    server.refuses(500, "InternalError")
    server.answers(body=A)
    await api.get(CONFIG_MAPS, "shop", "a")
    after = traffic.sent()
    for code in ("500", "200"):
        key = ("get", "configmaps", code)
        assert after[key] - before.get(key, 0) == 1


async def test_an_object_s_name_never_becomes_a_label(
    server: ScriptedServer, api: ApiServer
) -> None:
    server.answers(status=201)
    binding = Resource("", "v1", "pods/some-pod/binding", "Binding", Object)
    await api.create(binding, "shop", {"metadata": {"name": "some-pod"}})
    assert server.asked[0].path == "/api/v1/namespaces/shop/pods/some-pod/binding"
    assert ("create", "pods", "201") in traffic.sent()
    assert not any("some-pod" in resource for _, resource, _ in traffic.sent())
