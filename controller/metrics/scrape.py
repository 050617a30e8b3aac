"""The `scrape` plug-in: the operator reads the pods' own metrics endpoint itself.

One read of a pod answers every question about it, so its events and its exposures are of the same
moment and what a crash loses is lost from both. Series get the labels `namespace` and `pod`, as a
Prometheus would add them, so a template's queries mean the same for both plug-ins. A pod that does
not answer is a gap with its reason; an arm of which no pod answers has no data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from controller.api.quantities import parse_duration
from controller.api.template import ScrapeProvider
from controller.metrics import selector
from controller.metrics.exposition import Page
from controller.metrics.pod_pages import LANE, deadline_s, read_pages
from controller.metrics.port import (
    MOST_SERIES,
    NoData,
    Pod,
    Reading,
    Samples,
    Series,
    Tools,
    Wanted,
    Window,
)
from controller.metrics.selector import Selector

FEW_SAMPLES = 1_000
"""Told apart at once; more in a thread."""
_TARGET_LABELS = ("namespace", "pod")


def select(one: Wanted, pages: Mapping[Pod, Page | str], at_s: float, wanted: Selector) -> Reading:
    """The answer to one question, from the pages of the arm's pods (or why there is none)."""
    silent = tuple((pod.name, why) for pod in one.pods if isinstance(why := pages[pod], str))
    answered = [(pod, page) for pod in one.pods if isinstance(page := pages[pod], Page)]
    if not answered:
        return _no_data(one, _why_silent(silent))
    series = tuple(s for pod, page in answered for s in _selected(one, pod, page, at_s, wanted))
    if len(series) > MOST_SERIES:
        return _no_data(one, f"it selects {len(series)} series, more than {MOST_SERIES}")
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
        unreadable: dict[Wanted, Reading] = {}
        for one in wanted:
            try:
                readable[one] = selector.parse(one.expression)
            except selector.SelectorError as problem:
                unreadable[one] = _no_data(one, f"not a selector ({problem})")
        pages = await read_pages(spec, _names(readable), tools)
        return unreadable | await _answered(spec, readable, pages, window.end_s, tools)


def _names(readable: Mapping[Wanted, Selector]) -> dict[Pod, set[str]]:
    """The names of series that each pod is asked for."""
    names: dict[Pod, set[str]] = {}
    for one, wanted in readable.items():
        for pod in one.pods:
            names.setdefault(pod, set()).add(wanted.name)
    return names


async def _answered(
    spec: ScrapeProvider,
    readable: Mapping[Wanted, Selector],
    pages: Mapping[Pod, Page | str],
    at_s: float,
    tools: Tools,
) -> dict[Wanted, Reading]:
    """The answer to each question, by a thread where the pages are long."""

    def dealt() -> dict[Wanted, Reading]:
        return {one: select(one, pages, at_s, wanted) for one, wanted in readable.items()}

    if sum(len(page.samples) for page in pages.values() if isinstance(page, Page)) <= FEW_SAMPLES:
        return dealt()
    longest_s = deadline_s(spec)
    try:
        found: dict[Wanted, Reading] = await tools.in_thread(LANE, dealt, longest_s)
    except TimeoutError:
        why = f"the pods' pages took more than {longest_s:g} s to search"
        return {one: _no_data(one, why) for one in readable}
    return found


PROVIDER = Scrape()
