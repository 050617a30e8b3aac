"""Reads the metrics pages of pods, all together, within one deadline.

A pod that does not answer costs its own page and no other: one look has few reads under way at
once, so that no release takes those of all, and pods that were silent are asked last. What is on a
page is `exposition`'s to say; which questions it answers is not known here. Called by the `scrape`
plug-in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass

import aiohttp

from controller.api.quantities import parse_duration
from controller.api.template import ScrapeProvider
from controller.metrics.exposition import Page, parse
from controller.metrics.port import Pod, Tools
from controller.metrics.silent_pods import SilentPods

READS_PER_LOOK = 16
"""Of the reads that are shared by all releases."""
LARGEST_PAGE_BYTES = 8 * 1024 * 1024
SMALL_PAGE_BYTES = 32 * 1024
"""Parsed at once: some milliseconds, and a thread may be busy with a server that hangs."""
DEADLINE_S = 5.0
"""Longest wait for the pods, if their interval is longer than that; else the interval."""
LANE = "pages of pods"
_HEADERS = {"Accept": "text/plain; version=0.0.4"}


def deadline_s(spec: ScrapeProvider) -> float:
    """How long one look at the pods may take."""
    return min(DEADLINE_S, parse_duration(spec.interval).total_seconds())


async def read_pages(
    spec: ScrapeProvider, names: Mapping[Pod, Set[str]], tools: Tools
) -> dict[Pod, Page | str]:
    """The page of each pod, or why there is none. names: the series that each is asked for."""
    silent: SilentPods = tools.kept("silent pods", SilentPods)
    look = _Look(spec, tools, silent, asyncio.Semaphore(READS_PER_LOOK), _now() + deadline_s(spec))
    pods = sorted(names, key=lambda pod: silent.knows(look.url(pod)))
    pages = await asyncio.gather(*(look.page(pod, frozenset(names[pod])) for pod in pods))
    return dict(zip(pods, pages, strict=True))


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the pods of a release: its share of the reads, and when it ends."""

    spec: ScrapeProvider
    tools: Tools
    silent: SilentPods
    places: asyncio.Semaphore
    ends_s: float

    def url(self, pod: Pod) -> str:
        host = self.tools.address(pod.ip) if pod.ip else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{self.spec.port}{self.spec.path}"

    async def page(self, pod: Pod, names: frozenset[str]) -> Page | str:
        if not pod.ip:
            return "it has no address yet"
        url, where = self.url(pod), f"port {self.spec.port}{self.spec.path}"
        rest_s = self.silent.rest_s(url, _now())
        if rest_s:
            return f"no answer from {where} for some time; it is asked again in {rest_s:.0f} s"
        asked = False
        try:
            async with asyncio.timeout_at(self.ends_s), self.places, self.tools.reads:
                asked = True
                body = await _body(self.tools.http, url)
                self.silent.answered(url)
                return await self._parsed(body, names)
        except TimeoutError:
            return self._too_late(url, where, asked=asked)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            self.silent.answered(url)
            return f"{where}: {str(problem)[:160] or type(problem).__name__}"

    def _too_late(self, url: str, where: str, *, asked: bool) -> str:
        longest_s = deadline_s(self.spec)
        if not asked:
            return f"it was not asked within {longest_s:g} s, as too many others gave no answer"
        self.silent.was_silent(url, _now())
        return f"no answer within {longest_s:g} s from {where}"

    async def _parsed(self, body: bytearray, names: frozenset[str]) -> Page:
        def parsed() -> Page:
            return parse(body.decode(), names)

        if len(body) <= SMALL_PAGE_BYTES:
            return parsed()
        found: Page = await self.tools.in_thread(LANE, parsed, deadline_s(self.spec))
        return found


def _now() -> float:
    return asyncio.get_running_loop().time()


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
