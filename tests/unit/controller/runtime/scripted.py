"""A shop whose counters a test scripts, and a provider that reads it. In virtual time.

The provider is stamped with exact times, so tests can say how many orders a tick must hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from controller.api.meta import Key, ObjectMeta
from controller.api.rollout import AnalysisRef, Rollout, RolloutSpec, Step, Traffic, WorkloadRef
from controller.api.template import AnalysisTemplate, AnalysisTemplateSpec, Metric
from controller.metrics.judging import judge
from controller.metrics.plans import Plan
from controller.metrics.port import NoData, Pod, Reading, Samples, Series, Tools, Wanted, Window
from controller.runtime.evidence import Arm, Run

EPOCH = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
EPOCH_S = EPOCH.timestamp()


class ScriptedSpec(msgspec.Struct, frozen=True):
    server: str = "one"


@dataclass
class Shop:
    """Counters of both arms: a rate for each, integrated exactly; resets and absences on demand.

    The last pod of an arm counts all of it; the others count nothing, and show what they counted
    before."""

    rates: dict[tuple[str, str], float] = field(
        default_factory=lambda: {
            ("canary", "events"): 1.0,
            ("canary", "exposures"): 10.0,
            ("stable", "events"): 99.0,
            ("stable", "exposures"): 990.0,
        }
    )
    absent: str = ""
    """Reason that every reading gives; empty: all is well."""
    absent_arms: tuple[str, ...] = ("canary", "stable")
    delay_s: dict[str, float] = field(default_factory=dict)
    """Seconds that each server takes to answer."""
    scraped_each_s: float = 1.0
    windows: list[tuple[str, Window, int]] = field(default_factory=list)
    asked: list[Wanted] = field(default_factory=list)
    raises: Exception | None = None
    changes: list[tuple[float, tuple[str, str], float]] = field(default_factory=list)

    def rate(self, arm: str, role: str, per_s: float, *, at_s: float) -> None:
        """From `at_s` (seconds after the epoch) on the counter rises by `per_s` a second."""
        self.changes.append((EPOCH_S + at_s, (arm, role), per_s))

    def value(self, arm: str, role: str, at_s: float) -> float:
        """The counter at a time; it stood at 1000 at the epoch."""
        rate, since_s, total = self.rates[arm, role], EPOCH_S, 1000.0
        for change_s, which, per_s in sorted(self.changes):
            if which == (arm, role) and change_s <= at_s:
                total += rate * (change_s - since_s)
                rate, since_s = per_s, change_s
        return total + rate * (at_s - since_s)


def busy_shop(share: float) -> Shop:
    """300 orders out of 3,000 sessions a second; the canary's share of both."""
    events, exposures = 300.0, 3000.0
    return Shop(
        {
            ("canary", "events"): events * share,
            ("canary", "exposures"): exposures * share,
            ("stable", "events"): events * (1 - share),
            ("stable", "exposures"): exposures * (1 - share),
        }
    )


class ScriptedProvider:
    """What all providers of these tests are: a server with a memory (`rereads`), or pods' pages."""

    name = "scripted"
    spec = ScriptedSpec
    rereads = False
    page_each_s = 1.0

    def interval_s(self, spec: Any, tick_s: float) -> float:
        return tick_s if self.rereads else self.page_each_s

    def settle_s(self, spec: Any) -> float:
        return 1.0 if self.rereads else 0.0

    def problem(self, spec: Any, expression: str) -> str | None:
        return None


class Scripted(ScriptedProvider):
    """A provider over a Shop."""

    def __init__(self, shop: Shop, *, rereads: bool, each_s: float = 1.0) -> None:
        self.shop, self.rereads, self.page_each_s = shop, rereads, each_s

    async def fetch(
        self, spec: ScriptedSpec, wanted: Sequence[Wanted], window: Window, tools: Tools
    ) -> Mapping[Wanted, Reading]:
        self.shop.windows.append((spec.server, window, len(wanted)))
        self.shop.asked.extend(wanted)
        await asyncio.sleep(self.shop.delay_s.get(spec.server, 0.0))
        if self.shop.raises is not None:
            raise self.shop.raises
        return {one: self._answer(one, window) for one in wanted}

    def _answer(self, one: Wanted, window: Window) -> Reading:
        if self.shop.absent and one.arm in self.shop.absent_arms:
            return NoData(f"metric {one.metric}: {self.shop.absent}; query: {one.expression}")
        times = [window.end_s]
        if self.rereads:
            each = self.shop.scraped_each_s
            first = max(int(window.start_s / each) + 1, int(EPOCH_S / each))
            times = [each * k for k in range(first, int(window.end_s / each) + 1)]
        samples = tuple((at, self.shop.value(one.arm, one.role, at)) for at in times)
        names = [pod.name for pod in one.pods] or ["none"]
        idle = tuple((at, 5000.0) for at, _ in samples)
        each = [idle] * (len(names) - 1) + [samples]
        return Samples(
            tuple(
                Series("orders_total", (("pod", name),), mine)
                for name, mine in zip(names, each, strict=True)
                if mine
            )
        )


def template(provider: Mapping[str, Any], **more: Any) -> AnalysisTemplate:
    metric = Metric(
        name="orders", harm="Decrease", events='orders_total{pod=~"{{arm.pods}}"}',
        exposures='sessions_total{pod=~"{{arm.pods}}"}',
    )  # fmt: skip
    settings = {"tick": "1s", "bake": "0s", "cover_harm_after": "5s", **more}
    spec = AnalysisTemplateSpec(provider=dict(provider), metrics=(metric,), **settings)
    return AnalysisTemplate(metadata=ObjectMeta(name="shop", namespace="shop"), spec=spec)


def rollout(name: str = "checkout") -> Rollout:
    return Rollout(
        metadata=ObjectMeta(name=name, namespace="shop"),
        spec=RolloutSpec(
            workload=WorkloadRef(name=name),
            traffic=Traffic(service=name),
            steps=(Step(weight=1), Step(weight=10), Step(weight=50)),
            analysis=(AnalysisRef(template="shop"),),
        ),
    )


def plan(provider: Scripted, *, server: str = "one", name: str = "checkout", **more: Any) -> Plan:
    made = judge(
        rollout(name), [template({"scripted": {"server": server}}, **more)], {"scripted": provider}
    )
    assert isinstance(made, Plan), str(made)
    return made


def run(made: Plan, *, name: str = "checkout", since_s: float | None = 0.0, **more: Any) -> Run:
    """A run at the first step, whose weight has been in force since `since_s` after the epoch."""
    facts: dict[str, Any] = {
        "key": Key("shop", name),
        "change_uid": f"uid-{name}",
        "workload": name,
        "plan": made,
        "canary": Arm("new", f"{name}-canary", (Pod(f"{name}-c", "10.64.0.1"),)),
        "stable": Arm("old", name, (Pod(f"{name}-s", "10.64.0.2"),)),
        "step": 0,
        "share": 0.01,
        "in_force_since": None if since_s is None else EPOCH + timedelta(seconds=since_s),
    }
    return Run(**(facts | more))


def no_tools() -> Tools:
    """Tools for a provider that needs none."""
    unused: Callable[..., Any] = lambda *_: None  # noqa: E731
    return Tools(None, unused, unused, asyncio.Semaphore(1), str)  # type: ignore[arg-type]
