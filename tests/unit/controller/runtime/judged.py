"""A release at its second step whose pods are named, judged until it is decided or time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from analysis.verdict import Verdict
from controller.metrics.port import Pod, Wanted
from controller.runtime.clock import loop_now
from controller.runtime.evidence import Arm, EvidenceView
from controller.runtime.sampler import Sampler
from tests.unit.controller.runtime.scripted import EPOCH, no_tools, plan, run
from tests.unit.controller.runtime.targets import Targets

ORDERS, REQUESTS = 50.0, 1000.0
Names = Callable[[float], tuple[str, ...]]


def rate(wanted: Wanted) -> float:
    share = 0.1 if wanted.arm == "canary" else 0.9
    return (ORDERS if wanted.role == "events" else REQUESTS) * share


async def judged(
    provider: Targets,
    seconds: float,
    *,
    canary: Names = lambda at_s: ("c1", "c2"),
    stable: Names = lambda at_s: ("s1",),
    bake: str = "60s",
) -> tuple[EvidenceView, float | None]:
    """The evidence after so long, or when the release is taken back or goes up, and when."""
    made = plan(provider, tick="10s", bake=bake, cover_harm_after="60s")  # type: ignore[arg-type]
    async with Sampler(no_tools(), loop_now(EPOCH), lambda key: None) as sampler:
        at_s = 0.0
        while True:
            arms = {
                "canary": Arm("new", "new", tuple(Pod(name, "10.0.0.1") for name in canary(at_s))),
                "stable": Arm("old", "old", tuple(Pod(name, "10.0.0.2") for name in stable(at_s))),
            }
            sampler.watch(run(made, step=1, share=0.1, **arms))
            view = sampler.evidence("uid-checkout")
            assert view is not None
            if view.assessment is not None and view.assessment.verdict is not Verdict.HOLD:
                return view, at_s
            if at_s >= seconds:
                return view, None
            await asyncio.sleep(10.0)
            at_s += 10.0


def verdict(view: EvidenceView) -> Verdict:
    assert view.assessment is not None
    return view.assessment.verdict
