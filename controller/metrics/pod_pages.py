"""Reads the metrics pages of pods, all together, within one deadline.

A pod that does not answer costs its own page and no other. What is on a page is `exposition`'s to
say; which questions it answers is not known here. Called by the `scrape` plug-in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set

import aiohttp

from controller.api.quantities import parse_duration
from controller.api.template import ScrapeProvider
from controller.metrics.exposition import Page, parse
from controller.metrics.port import Pod, Tools

LARGEST_PAGE_BYTES = 8 * 1024 * 1024
SMALL_PAGE_BYTES = 32 * 1024
"""Parsed at once: some milliseconds, and a thread may be busy with a server that hangs."""
DEADLINE_S = 5.0
"""Longest wait for a pod, if its interval is longer than that; else the interval."""
LANE = "pages of pods"
_HEADERS = {"Accept": "text/plain; version=0.0.4"}


async def read_pages(
    spec: ScrapeProvider, names: Mapping[Pod, Set[str]], tools: Tools
) -> dict[Pod, Page | str]:
    """The page of each pod, or why there is none. names: the series that each is asked for."""
    reads = [_page(spec, pod, frozenset(asked), tools) for pod, asked in names.items()]
    return dict(zip(names, await asyncio.gather(*reads), strict=True))


def deadline_s(spec: ScrapeProvider) -> float:
    """How long one look at the pods may take."""
    return min(DEADLINE_S, parse_duration(spec.interval).total_seconds())


async def _page(spec: ScrapeProvider, pod: Pod, names: frozenset[str], tools: Tools) -> Page | str:
    if not pod.ip:
        return "it has no address yet"
    host = tools.address(pod.ip)
    url = f"http://{f'[{host}]' if ':' in host else host}:{spec.port}{spec.path}"
    longest_s = deadline_s(spec)
    try:
        async with tools.reads, asyncio.timeout(longest_s):
            body = await _body(tools.http, url)
            if len(body) <= SMALL_PAGE_BYTES:
                return _parsed(body, names)
            found: Page = await tools.in_thread(LANE, lambda: _parsed(body, names), longest_s)
            return found
    except TimeoutError:
        return f"no answer within {longest_s:g} s from port {spec.port}{spec.path}"
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return f"port {spec.port}{spec.path}: {str(problem)[:160] or type(problem).__name__}"


def _parsed(body: bytearray, names: frozenset[str]) -> Page:
    return parse(body.decode(), names)


async def _body(http: aiohttp.ClientSession, url: str) -> bytearray:
    async with http.get(url, headers=_HEADERS, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST_PAGE_BYTES:
                raise ValueError(f"the page is larger than {LARGEST_PAGE_BYTES} bytes")
        return body
