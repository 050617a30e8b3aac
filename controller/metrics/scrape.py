"""The `scrape` plug-in: the operator reads the pods' own metrics endpoint itself.

One read of a pod answers every question about it, so its events and its exposures are of the same
moment and what a crash loses is lost from both. Series get the labels `namespace` and `pod`, as a
Prometheus would add them, so a template's queries mean the same for both plug-ins. A pod that does
not answer is a gap with its reason; an arm of which no pod answers has no data.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from controller.api.quantities import parse_duration
from controller.api.template import ScrapeProvider
from controller.metrics import selector
from controller.metrics.port import NoData, Pod, Reading, Samples, Series, Tools, Wanted, Window
from controller.metrics.selector import Selector

LARGEST_PAGE_BYTES = 8 * 1024 * 1024
DEADLINE_S = 5.0
"""Longest wait for a pod, if its interval is longer than that; else the interval."""
_TARGET_LABELS = ("namespace", "pod")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created")
_HEADERS = {"Accept": "text/plain; version=0.0.4"}


@dataclass(frozen=True, slots=True)
class Page:
    """What one pod showed: its samples under the names asked for, and the names it declares."""

    samples: tuple[tuple[str, Mapping[str, str], float], ...]
    declared: frozenset[str]


def parse(text: str, names: frozenset[str]) -> Page:
    """The samples of `names`; other lines are not parsed, as a page may hold thousands.

    ValueError when a line of interest is not in the exposition format.

    >>> page = parse('# TYPE orders_total counter\\norders_total{kind="a"} 3\\nnoise 1\\n',
    ...              frozenset({"orders_total"}))
    >>> page.samples
    (('orders_total', {'kind': 'a'}, 3.0),)
    """
    mine = "\n".join(_lines(text, names)) + "\n"
    samples = tuple(
        (sample.name, dict(sample.labels), float(sample.value))
        for family in text_string_to_metric_families(mine)
        for sample in family.samples
    )
    return Page(samples, frozenset(_declared(text)))


def _lines(text: str, names: frozenset[str]) -> Iterator[str]:
    for line in text.splitlines():
        name = line.split("{", 1)[0].split(None, 1)
        if name and name[0] in names:
            yield line


def _declared(text: str) -> Iterator[str]:
    """Names of the families with a TYPE line, and of the series that they may hold."""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name = line.split(None, 3)[2]
            yield name
            yield from (name + suffix for suffix in _SUFFIXES)


def select(one: Wanted, pages: Mapping[Pod, Page | str], at_s: float, wanted: Selector) -> Reading:
    """The answer to one question, from the pages of the arm's pods (or why there is none)."""
    silent = tuple((pod.name, why) for pod in one.pods if isinstance(why := pages[pod], str))
    answered = [(pod, page) for pod in one.pods if isinstance(page := pages[pod], Page)]
    if not answered:
        return _no_data(one, _why_silent(silent))
    series = tuple(s for pod, page in answered for s in _selected(one, pod, page, at_s, wanted))
    bad = next((s for s in series if not math.isfinite(s.samples[0][1])), None)
    if bad is not None:
        return _no_data(one, f"{bad.name} of pod {bad.label('pod')} is {bad.samples[0][1]}")
    if not series and not any(wanted.name in page.declared for _, page in answered):
        return _no_data(one, f"no pod shows {wanted.name}", empty=True)
    if not series and one.role != "events":
        return _no_data(one, f"no series of {wanted.name} matches", empty=True)
    return Samples(series, silent)


def _why_silent(silent: Sequence[tuple[str, str]]) -> str:
    if not silent:
        return "the arm has no pods"
    return "no pod answers: " + ", ".join(f"{pod}: {why}" for pod, why in silent[:3])


def _selected(one: Wanted, pod: Pod, page: Page, at_s: float, wanted: Selector) -> Iterable[Series]:
    target = dict(zip(_TARGET_LABELS, (one.namespace, pod.name), strict=True))
    for name, own, value in page.samples:
        if name != wanted.name:
            continue
        renamed = {f"exported_{k}" if k in target else k: v for k, v in own.items()}
        labels = {**renamed, **target}
        if wanted.matches(name, labels):
            yield Series(name, tuple(sorted(labels.items())), ((at_s, value),))


def _no_data(one: Wanted, why: str, *, empty: bool = False) -> NoData:
    return NoData(
        f"metric {one.metric}, {one.role} of the {one.arm} arm: {why}; query: {one.expression}",
        empty,
    )


class Scrape:
    """The plug-in; see `metrics.port.Provider`."""

    name = "scrape"
    spec = ScrapeProvider
    rereads = False

    def interval_s(self, spec: ScrapeProvider, tick_s: float) -> float:
        """As the template says, but never longer than a tick."""
        return min(parse_duration(spec.interval).total_seconds(), tick_s)

    def settle_s(self, spec: ScrapeProvider) -> float:
        """None: what a pod says, it says now."""
        return 0.0

    def problem(self, spec: ScrapeProvider, expression: str) -> str | None:
        """A query that is not a selector can never be answered from a pod's page."""
        try:
            selector.parse(expression)
        except selector.SelectorError as problem:
            return f'scrape reads only selectors such as name{{label="value"}}: {problem}'
        return None

    async def fetch(
        self, spec: ScrapeProvider, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        """Reads every pod once, all pods together, and answers all questions from the pages.

        Samples are stamped with the end of the window, the moment at which the read began.
        """
        readable: dict[Wanted, Selector] = {}
        answers: dict[Wanted, Reading] = {}
        for one in wanted:
            try:
                readable[one] = selector.parse(one.expression)
            except selector.SelectorError as problem:
                answers[one] = _no_data(one, f"not a selector ({problem})")
        pages = await _pages(spec, readable, tools)
        for one, wanted_series in readable.items():
            answers[one] = select(one, pages, window.end_s, wanted_series)
        return answers


async def _pages(
    spec: ScrapeProvider, readable: Mapping[Wanted, Selector], tools: Tools
) -> dict[Pod, Page | str]:
    names: dict[Pod, set[str]] = {}
    for one, wanted in readable.items():
        for pod in one.pods:
            names.setdefault(pod, set()).add(wanted.name)
    reads = [_page(spec, pod, frozenset(asked), tools) for pod, asked in names.items()]
    return dict(zip(names, await asyncio.gather(*reads), strict=True))


async def _page(spec: ScrapeProvider, pod: Pod, names: frozenset[str], tools: Tools) -> Page | str:
    if not pod.ip:
        return "it has no address yet"
    deadline_s = min(DEADLINE_S, parse_duration(spec.interval).total_seconds())
    host = tools.address(pod.ip)
    url = f"http://{f'[{host}]' if ':' in host else host}:{spec.port}{spec.path}"
    try:
        async with tools.reads, asyncio.timeout(deadline_s):
            return parse(await _text(tools.http, url), names)
    except TimeoutError:
        return f"no answer within {deadline_s:g} s from port {spec.port}{spec.path}"
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return f"port {spec.port}{spec.path}: {str(problem)[:160] or type(problem).__name__}"


async def _text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url, headers=_HEADERS, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST_PAGE_BYTES:
                raise ValueError(f"the page is larger than {LARGEST_PAGE_BYTES} bytes")
        return body.decode()


PROVIDER = Scrape()
