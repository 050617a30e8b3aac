"""The real cluster: `ApiServer` is the port of `port.py` spoken to an API server.

Sends requests, decodes answers, turns refusals into errors, and waits out what is only a moment's
trouble: 429 for any call (it was not executed), 5xx and lost connections for reads. A write whose
fate is unknown is the caller's to judge, after another look; so is each write of a leader, whose
lease may pass meanwhile (`resend_writes`). It keeps no object.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from controller.api.meta import Object
from controller.api.resources import Resource
from controller.kube import errors, requests, settings, watching
from controller.kube.backoff import Backoff, Jitter
from controller.kube.config import Source
from controller.kube.decoding import Undecodable, decode_object, decode_page
from controller.kube.http import Http
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
from controller.kube.requests import Request

T = TypeVar("T", bound=Object)

log = structlog.get_logger(__name__)

_BACKOFF = Backoff(settings.CALL_RETRY_BASE_S, settings.CALL_RETRY_CAP_S)


class ApiServer:
    """`Cluster` over HTTP; `async with` it, or `close` it."""

    def __init__(
        self,
        source: Source,
        *,
        resend_writes: bool = True,
        watch_idle_s: float = settings.WATCH_IDLE_S,
        jitter: Jitter = random.random,
    ) -> None:
        """`resend_writes`: wait out the 429 of a write too. Not for who must ask anew before each
        write whether he still may."""
        self._http = Http(source)
        self._resend_writes = resend_writes
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
        return await self._object(resource, requests.get(resource, namespace, name))

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
        request = requests.list_page(
            resource, namespace, label_selector=label_selector, limit=limit, page=page
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
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[WatchEvent[T]]:
        """See Cluster."""
        request = requests.watch(
            resource,
            namespace,
            since=since,
            label_selector=label_selector,
            length_s=settings.WATCH_LENGTH_S * (1 + self._jitter()),
        )
        return watching.watch(self._http, resource, request, self._watch_idle_s, opened)

    # -- writes --------------------------------------------------------------------------------

    async def create(self, resource: Resource[T], namespace: str, body: Mapping[str, Any]) -> T:
        """See Cluster."""
        return await self._object(resource, requests.create(resource, namespace, body))

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
        request = requests.apply(resource, namespace, name, body, force=force)
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
        request = requests.patch_json(resource, namespace, name, operations, dry_run=dry_run)
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
        request = requests.patch_merge(resource, namespace, name, body, subresource=subresource)
        return await self._object(resource, request)

    async def delete(
        self,
        resource: Resource[T],
        namespace: str,
        name: str,
        *,
        uid: str = "",
        propagation: Propagation = "Background",
        grace_s: int | None = None,
    ) -> None:
        """See Cluster."""
        await self._call(
            requests.delete(
                resource, namespace, name, uid=uid, propagation=propagation, grace_s=grace_s
            )
        )

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
        if not (request.reads or self._resend_writes):
            return None
        if isinstance(error, Overloaded):
            most = settings.OVERLOAD_TRIES
        elif isinstance(error, ServerError | Unreachable) and request.reads:
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
        deadline_s = settings.READ_DEADLINE_S if request.reads else settings.WRITE_DEADLINE_S
        answer = await self._http.send(request, deadline_s)
        if 200 <= answer.status < 300:
            return answer.body
        wait_s = errors.retry_after(answer.retry_after)
        raise errors.error_of(answer.status, answer.body, what=request.what, retry_after_s=wait_s)


def _unreadable(request: Request, error: Undecodable) -> ServerError:
    return ServerError(200, "Unreadable", f"the answer is no object: {error}", what=request.what)
