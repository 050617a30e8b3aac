"""The real cluster: `ApiServer` is the port of `port.py` spoken to an API server.

Builds requests, decodes answers, turns refusals into errors, and waits out what is only a moment's
trouble: 429 for any call (it was not executed), 5xx and lost connections for reads. A write whose
fate is unknown is the caller's to judge, after another look. It keeps no object.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import structlog

from controller.api.meta import Object
from controller.api.names import FIELD_MANAGER
from controller.api.resources import Resource
from controller.kube import errors, settings, watching
from controller.kube.backoff import Backoff, Jitter
from controller.kube.config import Source
from controller.kube.decoding import Undecodable, decode_object, decode_page
from controller.kube.http import Http, Request
from controller.kube.port import (
    ApiError,
    Invalid,
    Malformed,
    Overloaded,
    Page,
    PatchOp,
    Propagation,
    ServerError,
    Unreachable,
    WatchEvent,
)

T = TypeVar("T", bound=Object)

log = structlog.get_logger(__name__)

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_BACKOFF = Backoff(settings.CALL_RETRY_BASE_S, settings.CALL_RETRY_CAP_S)


class ApiServer:
    """`Cluster` over HTTP; `async with` it, or `close` it."""

    def __init__(
        self,
        source: Source,
        *,
        watch_idle_s: float = settings.WATCH_IDLE_S,
        jitter: Jitter = random.random,
    ) -> None:
        self._http = Http(source)
        self._watch_idle_s = watch_idle_s
        self._jitter = jitter

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections; running watches end with Unreachable."""
        await self._http.close()

    # -- reads ---------------------------------------------------------------------------------

    async def get(self, resource: Resource[T], namespace: str, name: str) -> T:
        """See Cluster."""
        path = resource.path(namespace, name)
        target = _target(namespace, name)
        return await self._object(resource, _request("GET", path, "get", resource, target))

    async def list_page(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        limit: int = settings.PAGE_SIZE,
        page: str = "",
    ) -> Page[T]:
        """See Cluster."""
        query = {"limit": str(limit), "continue": page, "labelSelector": label_selector}
        request = _request(
            "GET", resource.path(namespace), "list", resource, namespace, query=query
        )
        body = await self._call(request)
        try:
            return decode_page(resource, body)
        except Undecodable as error:
            raise _unreadable(request, error) from error

    def watch(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        since: str,
        label_selector: str = "",
    ) -> AsyncIterator[WatchEvent[T]]:
        """See Cluster."""
        length_s = settings.WATCH_LENGTH_S * (1 + self._jitter())
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(round(length_s)),
            "labelSelector": label_selector,
        }
        request = _request(
            "GET", resource.path(namespace), "watch", resource, namespace, query=query
        )
        return watching.watch(self._http, resource, request, self._watch_idle_s)

    # -- writes --------------------------------------------------------------------------------

    async def create(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> T:
        """See Cluster."""
        target = _target(namespace, str(body.get("metadata", {}).get("name", "")))
        request = _request(
            "POST",
            resource.path(namespace),
            "create",
            resource,
            target,
            query={"fieldManager": FIELD_MANAGER},
            body=_completed(resource, body),
            content_type=_JSON,
        )
        return await self._object(resource, request)

    async def apply(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        force: bool = True,
    ) -> T:
        """See Cluster."""
        request = _request(
            "PATCH",
            resource.path(namespace, name),
            "apply",
            resource,
            _target(namespace, name),
            query={"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"},
            body=_completed(resource, body, name),
            content_type=_APPLY,
        )
        return await self._object(resource, request)

    async def patch_json(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        operations: Sequence[PatchOp],
        *,
        dry_run: bool = False,
    ) -> T:
        """See Cluster."""
        request = _request(
            "PATCH",
            resource.path(namespace, name),
            "patch",
            resource,
            _target(namespace, name),
            query={"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else ""},
            body=msgspec.json.encode([dict(operation) for operation in operations]),
            content_type=_JSON_PATCH,
        )
        return await self._object(resource, request)

    async def patch_merge(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
    ) -> T:
        """See Cluster."""
        target = _target(namespace, name) + (f" {subresource}" if subresource else "")
        request = _request(
            "PATCH",
            resource.path(namespace, name, subresource),
            "patch",
            resource,
            target,
            query={"fieldManager": FIELD_MANAGER},
            body=msgspec.json.encode(dict(body)),
            content_type=_MERGE_PATCH,
        )
        return await self._object(resource, request)

    async def delete(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: Propagation = "Background",
    ) -> None:
        """See Cluster."""
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if uid:
            options["preconditions"] = {"uid": uid}
        request = _request(
            "DELETE",
            resource.path(namespace, name),
            "delete",
            resource,
            _target(namespace, name),
            body=msgspec.json.encode(options),
            content_type=_JSON,
        )
        await self._call(request)

    # -- one call ------------------------------------------------------------------------------

    async def _object(self, resource: Resource[T], request: Request) -> T:
        body = await self._call(request)
        try:
            found = decode_object(resource, body)
        except Undecodable as error:
            raise _unreadable(request, error) from error
        if isinstance(found, Malformed):
            raise Invalid(200, "Malformed", found.problem, what=request.what)
        return found

    async def _call(self, request: Request) -> bytes:
        """The body of a successful answer, after as many tries as the trouble deserves."""
        tries = 0
        while True:
            tries += 1
            try:
                return await self._once(request)
            except ApiError as error:
                wait_s = self._wait_before_retry(request, error, tries)
                if wait_s is None:
                    raise
                log.debug("call again", what=request.what, status=error.status, wait_s=wait_s)
            await asyncio.sleep(wait_s)

    def _wait_before_retry(self, request: Request, error: ApiError, tries: int) -> float | None:
        """Seconds until the next try; None when the error is the caller's to handle."""
        if isinstance(error, Overloaded):
            most = settings.OVERLOAD_TRIES
        elif isinstance(error, ServerError | Unreachable) and request.method == "GET":
            most = settings.READ_TRIES
        else:
            return None
        if tries >= most or error.reason == "NoConfiguration":
            return None
        asked_s = error.retry_after_s or 0.0
        if asked_s > settings.OVERLOAD_WAIT_MAX_S:
            return None
        # The server's wait is a minimum: all who were refused together must not return together.
        return asked_s + _BACKOFF.delay_s(tries, self._jitter)

    async def _once(self, request: Request) -> bytes:
        reading = request.method == "GET"
        deadline_s = settings.READ_DEADLINE_S if reading else settings.WRITE_DEADLINE_S
        answer = await self._http.send(request, deadline_s)
        if 200 <= answer.status < 300:
            return answer.body
        wait_s = errors.retry_after(answer.retry_after)
        raise errors.error_of(answer.status, answer.body, what=request.what, retry_after_s=wait_s)


def _request(
    method: str,
    path: str,
    verb: str,
    resource: Resource[Any],
    target: str,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    content_type: str = "",
) -> Request:
    asked = {key: value for key, value in (query or {}).items() if value}
    return Request(method, path, verb, str(resource), target, asked, body, content_type)


def _target(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _completed(resource: Resource[Any], body: Mapping[str, Any], name: str = "") -> bytes:
    """The manifest with apiVersion and kind, and with its name when the call has one."""
    manifest = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
    if name:
        manifest["metadata"] = {**manifest.get("metadata", {}), "name": name}
    return msgspec.json.encode(manifest)


def _unreadable(request: Request, error: Undecodable) -> ServerError:
    return ServerError(200, "Unreadable", f"the answer is no object: {error}", what=request.what)
