"""From the scraped sample that crosses the threshold to weight 0 in effect at Envoy.

Real control plane, real Envoy, provider `scrape` each second. Each run releases a version that
loses its orders. The clock starts at the time of the newest sample in the evidence of the look that
found the harm, and stops when the operator sees the gateway's word that weight 0 is in force, which
the gateway gives only after Envoy has taken the configuration: an upper bound of the effect.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import record
from controller.api.k8s import HTTPRoute
from controller.api.meta import Key
from controller.core.phases import Phase
from controller.local import deploying, shop_objects
from controller.local.demo import stage
from controller.local.demo.stage import KEY, Stage
from controller.runtime import logs

RUNS: Final = 50
RATE: Final = 500.0
SEED: Final = 7
WITHIN_S: Final = 60.0
P50_LIMIT_S: Final = 0.3
P99_LIMIT_S: Final = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write `containment.json`; 1 over a limit."""
    parser = argparse.ArgumentParser(prog="benchmarks.containment", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    logs.configure("text", "error")
    begun = record.begin()
    numbers = summary(asyncio.run(_measure(options.runs)))
    return record.conclude("containment", numbers, begun, over(numbers), seed=SEED)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """The numbers of `containment.json`."""
    return {
        "runs": len(seconds),
        "p50_s": round(record.percentile(seconds, 0.50), 3),
        "p99_s": round(record.percentile(seconds, 0.99), 3),
        "max_s": round(max(seconds), 3),
    }


def over(numbers: Mapping[str, float]) -> list[str]:
    """What is over its limit, in words."""
    limits = {"p50_s": P50_LIMIT_S, "p99_s": P99_LIMIT_S}
    return [
        f"{name} is {numbers[name]} s, {limit} s is the limit"
        for name, limit in limits.items()
        if numbers[name] > limit
    ]


async def _measure(runs: int) -> list[float]:
    seconds: list[float] = []
    async with stage.real() as scene, scene.stack.load(RATE, seed=SEED):
        await asyncio.sleep(1.0)
        for number in range(runs):
            took = await _one(scene, f"bad{number}")
            seconds.append(took)
            sys.stdout.write(f"run {number + 1}/{runs}: {took:.3f} s\n")
            sys.stdout.flush()
    return seconds


async def _one(scene: Stage, version: str) -> float:
    """One bad release, from its edit to its end."""
    template = shop_objects.template(version, env={"SHOP_LOSE_ORDERS": "0.99"})
    await deploying.edit_template(scene.author, template)
    loop = asyncio.get_running_loop()
    deadline, found = loop.time() + WITHIN_S, None
    routes = scene.operator.world.routes["HTTPRoute"].store
    route_key = Key(KEY.namespace, shop_objects.NAMESPACE)
    crossed = stopped = 0.0
    while True:
        if loop.time() > deadline:
            raise TimeoutError(f"{version} was not taken back within {WITHIN_S:g} s")
        look = scene.operator.reconciler.looks.get(KEY)
        fresh = look is not None and look.decision.rule == "harm_found" and look is not found
        if fresh and not crossed and look is not None and look.observed.evidence is not None:
            end = look.observed.evidence.window_end
            assert end is not None
            found, crossed = look, end.timestamp()
        route = routes.get(route_key)
        if crossed and not stopped and route is not None and _no_weight(route):
            stopped = time.time()  # noqa: TID251  # compared with the samples' own times
        if stopped and await _ended(scene, version):
            return stopped - crossed
        await asyncio.sleep(0.005)


def _no_weight(route: HTTPRoute) -> bool:
    from controller.routers.httproute import ROUTER

    view = ROUTER.read(route, KEY.name, f"{KEY.name}-canary")
    return view.weight_pct == 0 and view.in_force


async def _ended(scene: Stage, version: str) -> bool:
    changes = scene.operator.world.changes.store
    return any(
        c.status.phase == Phase.FINISHED
        for c in changes
        if c.spec.target.images[0].endswith(f":{version}")
    )


if __name__ == "__main__":
    sys.exit(main())
